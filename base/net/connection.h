// A connection that we open: names, addresses in turn, TCP or a unix socket, TLS if wanted. It lives on one event
// loop; error texts are those of Go's net package.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/net/socket.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::base::net {

/// Where to connect to.
struct Endpoint {
  std::string address{};  // "host:port"; the path of a unix socket
  bool is_unix = false;
  std::shared_ptr<TlsContext> tls{};  // null: plain
  TlsPeer peer{};                     // with TLS; an empty name: the address's host
};

struct HostPort {
  std::string host{};
  std::string port{};
};
/// As Go's net.SplitHostPort: "address 10.0.0.1: missing port in address".
base::Result<HostPort> split_host_port(const std::string& address);

/// TCP or UDP: the address's host and port number, or where the name is still to be resolved an empty SocketAddress.
struct Target {
  std::string host{};
  std::uint16_t port{};
  SocketAddress literal{};  // size 0: `host` is a name
};
/// The error reads "dial NETWORK: address x: missing port in address".
base::Result<Target> parse_target(const std::string& network, const std::string& address);

class Connection final : Pollable, Timer {
 public:
  class User {
   public:
    virtual ~User() = default;
    // Each may destroy the connection.
    /// It stands, TLS included.
    virtual void connected() = 0;
    /// `data` is valid during the call.
    virtual void received(std::string_view data) = 0;
    /// It is over: the peer ended it in order ("EOF"), or it failed. Nothing follows.
    virtual void ended(const std::string& reason) = 0;
  };

  Connection(Loop& loop, Resolver& resolver, Endpoint endpoint, User& user);
  ~Connection() override;
  /// `deadline` is that of the whole connection's user: it only divides the time among several addresses.
  void open(Clock::time_point deadline);
  /// The same without TLS, for a user that knows what it says first: that is sent as soon as it stands, in place of
  /// connected().
  void open(Clock::time_point deadline, std::string first);
  /// What cannot be sent at once is kept. Only once it stands.
  void send(std::string_view data);
  /// The ALPN protocol that was agreed upon; empty without one.
  std::string_view protocol() const { return tls_ ? tls_->protocol() : std::string_view(); }

 private:
  enum class State : std::uint8_t { idle, resolving, connecting, handshaking, open, over };

  void connect_next();
  void connect(const SocketAddress& address);
  bool sent_first();
  void connected_socket();
  std::string dial_failure(const char* call, int error) const;
  void handshake();
  void read();
  void flush();
  void watch(std::uint32_t events);
  void attempt_failed(std::string reason);
  void fail(std::string reason);
  /// Later, from the loop: a caller must not be destroyed by its own call.
  void fail_soon(std::string reason);
  std::string socket_error(const char* operation, int error) const;
  void close();
  void on_ready(std::uint32_t events) override;
  void on_timer() override;

  Loop& loop_;
  Resolver& resolver_;
  Endpoint endpoint_;
  User& user_;
  State state_ = State::idle;
  Fd fd_{};
  std::uint32_t watched_ = 0;
  std::unique_ptr<TlsStream> tls_{};
  Clock::time_point deadline_{};
  std::vector<SocketAddress> addresses_{};  // by name: those still to be tried, the next one last
  std::shared_ptr<int> alive_{};            // while a name is being resolved
  std::string dialed_{};                    // what is being dialed, for error texts: "127.0.0.1:80"
  std::string first_failure_{};
  std::string pending_failure_{};
  std::string unsent_{};
  bool knows_first_ = false;  // before it stands: unsent_ is what goes first
  bool* gone_ = nullptr;      // set by the destructor
};

}  // namespace proconsul::base::net
