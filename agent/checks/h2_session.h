// An HTTP/2 client on one connection, for as much as checks need: a ping, or one request. Frames are nghttp2's work.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/checks/connection.h"

struct nghttp2_session;

namespace proconsul::agent::checks {

class H2Session final : Connection::User {
 public:
  class User {
   public:
    virtual ~User() = default;
    // Each may destroy the session.
    /// The connection stands: ping() or request() may follow.
    virtual void connected() = 0;
    /// Something came: see what has_pong() and answer() say now.
    virtual void progressed() = 0;
    /// It is over before it did what it should: the connection failed, or the peer does not speak HTTP/2.
    virtual void ended(const std::string& reason) = 0;
  };
  using Fields = std::vector<std::pair<std::string, std::string>>;
  struct Answer {
    Fields fields{};     // headers and trailers, 64 KiB at most
    std::string body{};  // its first 64 KiB
    bool closed = false;
    std::uint32_t error = 0;  // of RST_STREAM
  };

  H2Session(base::net::Loop& loop, Resolver& resolver, Endpoint endpoint, User& user);
  ~H2Session() override;
  void open(base::net::Clock::time_point deadline) { connection_.open(deadline); }
  /// Whether the connection came about, TLS included.
  bool was_open() const { return session_ != nullptr; }
  void ping();
  void request(const Fields& fields, std::string body);
  bool has_settings() const { return has_settings_; }
  bool has_pong() const { return has_pong_; }
  const Answer& answer() const { return answer_; }

 private:
  struct Callbacks;
  void connected() override;
  void received(std::string_view data) override;
  void ended(const std::string& reason) override;
  void send();

  User& user_;
  Connection connection_;
  nghttp2_session* session_ = nullptr;
  std::string body_{};
  std::size_t body_sent_ = 0;
  std::size_t fields_size_ = 0;
  bool has_settings_ = false, has_pong_ = false;
  Answer answer_{};
};

/// What a peer's answer holds, without a session: for the probe and its tests.
std::string_view field(const H2Session::Fields& fields, std::string_view name);

}  // namespace proconsul::agent::checks
