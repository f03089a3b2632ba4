// A client that speaks HTTP/2 over TLS: each of its streams carries a connection of one request, which reads and
// writes as HTTP/1.1 does. On its worker's loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/net/h2_server_codec.h"
#include "base/net/tcp_channel.h"

namespace proconsul::agent::http {

class Worker;

class H2Session final : base::net::Channel::User, base::net::H2ServerCodec::User, base::net::Timer {
 public:
  /// The TLS handshake is done, and "h2" was agreed upon. `remote`: as Request::remote().
  H2Session(Worker& worker, std::shared_ptr<base::net::TcpChannel> channel, std::string remote);
  ~H2Session() override;
  void start();
  /// That this server goes away.
  void say_goodbye();
  /// Ends it and all its requests; nothing comes from it any more.
  void quiet();
  const std::string& remote() const { return remote_; }

 private:
  using StreamId = base::net::H2ServerCodec::StreamId;
  class Stream;

  void received(std::string_view data) override;
  void finished() override;
  void drained() override;
  void ended(const base::Error& reason) override;
  void on_timer() override;

  void request(StreamId id, base::net::H2Fields fields, bool finished) override;
  bool oversized(StreamId id) override;
  void received(StreamId id, std::string_view data) override;
  void finished(StreamId id) override;
  void closed(StreamId id, std::uint32_t error) override;

  void refuse(std::uint32_t error, std::string_view words);
  std::size_t room(StreamId id) const;
  void flush_soon();
  void flush();
  void watch_client();

  Worker& worker_;
  const std::shared_ptr<base::net::TcpChannel> channel_;
  const std::string remote_;
  const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  base::net::H2ServerCodec codec_;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  std::vector<StreamId> waiting_{};  // for room
  std::size_t held_ = 0;             // received, and not to be followed by more before the client reads
  bool taking_ = false;
  bool flush_posted_ = false;
  // What the client has to do in time: greet, complete a head, read.
  base::net::Clock::time_point begun_{}, head_begun_{}, unread_since_{};
  bool in_head_ = false;
  std::size_t unread_ = 0;  // of what was sent to it
};

}  // namespace proconsul::agent::http
