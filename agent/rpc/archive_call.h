// An archive that is asked of another server, or given to it: the caller's side of snapshot.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/rpc/types.h"
#include "base/net/loop.h"
#include "base/net/pipe.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// Who has archives, where this agent has not: any thread may ask.
class ArchiveServers {
 public:
  virtual ~ArchiveServers() = default;
  /// The leader of this datacenter, or whoever knows it; a server of another one.
  virtual base::Result<base::net::Destination> archive_server(std::string_view datacenter) = 0;
};

/// One request. Everything happens on one loop; it is closed when nobody needs it any more.
class ArchiveCall final : public std::enable_shared_from_this<ArchiveCall>, base::net::Channel::User, base::net::Timer {
 public:
  using Answered = std::move_only_function<void(base::Result<SnapshotResponse>)>;
  using State = base::net::Pipe::State;

  /// `answered` comes once, never from within this call: of a save before the archive is here, of a restore when the
  /// state is replaced. What the other server refuses is an error with its text.
  static std::shared_ptr<ArchiveCall> start(base::net::Loop& loop, base::net::Destination server,
                                            const SnapshotRequest& request, Answered answered);
  ~ArchiveCall() override;

  /// The archive of a save, once it is answered; as base::net::Pipe::pull.
  State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake);
  /// The archive of a restore; false: no more until `resume`.
  bool write(std::string_view bytes, std::move_only_function<void()> resume);
  void finish();
  /// Gives it up; nobody is called any more.
  void close();

 private:
  ArchiveCall(base::net::Loop& loop, Answered answered) : loop_(loop), answered_(std::move(answered)) {}
  void connected(base::Result<std::shared_ptr<base::net::TcpChannel>> channel);
  void received(std::string_view data) override;
  void finished() override;
  void drained() override;
  void ended(const base::Error& reason) override;
  void on_timer() override;
  void read_response();
  void answer(base::Result<SnapshotResponse> response);
  void fail(base::Error error);
  void moved();

  base::net::Loop& loop_;
  Answered answered_;
  std::unique_ptr<base::net::Attempt> attempt_{};
  std::shared_ptr<base::net::TcpChannel> channel_{};
  std::string unsent_{};  // until there is a channel
  std::string input_{};
  std::size_t taken_ = 0;                     // of input_
  std::move_only_function<void()> wake_{};    // who pulls
  std::move_only_function<void()> resume_{};  // who writes
  bool saves_ = false;
  bool known_ = false;  // the response is here
  bool finish_wanted_ = false;
  bool whole_ = false;  // the other end has said all
  bool failed_ = false;
};

}  // namespace proconsul::agent::rpc
