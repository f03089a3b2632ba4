// One stream between two clusters, once it is open: each side asks the other for what it has, shows what it has itself,
// whenever that changes, and says every few seconds that it is there. What a side is shown it writes into its catalog.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "agent/grpc/method.h"
#include "agent/peering/messages.h"
#include "agent/peering/tracker.h"
#include "agent/server/server.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "base/watch.h"

namespace proconsul::agent::peering {

/// A timer that calls a function.
class Tick final : base::net::Timer {
 public:
  explicit Tick(std::function<void()> act) : act_(std::move(act)) {}
  using base::net::Timer::arm;
  using base::net::Timer::cancel;

 private:
  void on_timer() override { act_(); }
  const std::function<void()> act_;
};

/// What carries a stream's messages. On its loop.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void send(const ReplicationMessage& message) = 0;
  /// Bytes that the other side has had no room for, as far as that is known.
  virtual std::size_t unsent() const { return 0; }
  /// The stream is over, by our doing. It may be dropped within the call.
  virtual void over(grpc::Status status) = 0;
};

class Streams;

/// On one loop.
class Stream {
 public:
  struct Peer {
    std::string id{};         // of the peering here
    std::string remote_id{};  // there; empty: the other side dialed
    std::string name{};
  };
  Stream(Streams& streams, base::net::Loop& loop, Peer peer, Transport& transport);
  ~Stream();
  /// An error: there is another stream of this peering.
  base::Result<> begin();
  void received(ReplicationMessage message);
  /// The transport broke, or the other side ended it.
  void lost(const std::string& why);
  /// The peering was deleted here: says so, and waits a moment for the other side to hear it.
  void terminate();
  const Peer& peer() const { return peer_; }

 private:
  friend class Streams;
  void woken();
  void show();
  bool is_behind() const;
  void beat();
  void ask(const char* url, std::string nonce = {}, base::Pointer<StatusDetail> error = {});
  void import_next();
  void imported(const Response& response, const base::Result<>& result);
  void finish(grpc::Status status, const std::string& why);
  void taken(const Request& request);

  Streams& streams_;
  base::net::Loop& loop_;
  const Peer peer_;
  Transport& transport_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Tick heartbeat_;
  Tick show_soon_;
  base::net::Clock::time_point heard_{};
  std::set<std::string> asked_for_{};  // URLs that the other side wants
  std::map<std::pair<std::string, std::string>, std::string> shown_{};
  std::uint64_t nonce_ = 0;
  std::unordered_map<std::string, std::size_t> unanswered_{};  // by nonce: bytes of what was shown
  std::size_t unanswered_bytes_ = 0;
  bool behind_ = false;  // there is more to be shown, once some of those are answered
  std::deque<Response> to_import_{};
  std::size_t waiting_bytes_ = 0;  // of those
  bool importing_ = false;
  bool connected_ = false;
  bool ending_ = false;
  std::uint64_t token_ = 0;
  base::Watch watch_{};
};

/// All streams of this server.
class Streams {
 public:
  struct Parts {
    base::net::Loops& loops;
    server::Server& server;
    Tracker& tracker;
    std::string datacenter;
    bool connect_enabled{};
  };
  /// All outlive it, and the server's writer ends before it does.
  explicit Streams(Parts parts);
  ~Streams();
  const Parts& parts() const { return parts_; }

  /// PeerStreamService/StreamResources, for those who dial.
  grpc::Method stream_resources();
  /// Ends the peering's stream, if there is one, and says that the peering is over. Any thread.
  void terminate(const std::string& id);
  /// Of streams that others dialed: this server leads no longer. Any thread.
  void let_go();

 private:
  friend class Stream;
  class Inbound;
  class Sink;
  void each(const std::function<void(Stream&)>& act);

  const Parts parts_;
  std::vector<std::unique_ptr<Sink>> sinks_{};  // one for each loop
};

}  // namespace proconsul::agent::peering
