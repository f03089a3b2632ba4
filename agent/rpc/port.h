// The server port: the first byte of a connection says what is spoken on it (rpc.md 1 of the wire reference), or, with
// TLS from the first byte on, its ALPN protocol.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/rpc/dispatcher.h"
#include "agent/rpc/serving.h"
#include "base/log.h"
#include "base/net/client_limit.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/net/tls.h"
#include "base/net/yamux_session.h"

namespace proconsul::agent::rpc {

enum class Kind : std::uint8_t {
  consul = 0,
  raft = 1,
  multiplex_v1 = 2,  // not spoken any more
  tls = 3,
  multiplex = 4,
  snapshot = 5,
  gossip = 6,  // not spoken
  tls_insecure = 7,
  grpc = 8,
  raft_forwarding = 9,
};

/// A connection behind its kind, which somebody else serves: any thread may take it over.
/// while `place` is held, the connection counts among its client's.
using TakeOver = std::function<void(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                                    std::shared_ptr<const void> place)>;

class Port {
 public:
  /// What is offered and demanded; may be exchanged while the port listens.
  struct Tls {
    /// Of the listener; null: without TLS, and kinds 3 and 7 are refused.
    std::shared_ptr<base::net::TlsContext> context{};
    /// For clients without a certificate of ours (kind 7); null: refused.
    std::shared_ptr<base::net::TlsContext> insecure{};
    /// For TLS from the first byte on; null: refused.
    std::shared_ptr<base::net::TlsContext> native{};
    bool verify_incoming = false;  // nothing but TLS is served
    /// With TLS: whether a peer's certificate is one of a server, for raft. Unset: every peer is.
    std::function<base::Result<>(const base::net::TlsStream& tls)> authorize_server{};
  };
  struct Options {
    std::chrono::milliseconds handshake_timeout = std::chrono::seconds(5);  // limits.rpc_handshake_timeout
    std::int64_t most_connections_per_client = 100;                         // limits.rpc_max_conns_per_client
    std::size_t most_streams = 65536;                                       // of one multiplexed connection
    Serving::Options serving{};
    Tls tls{};
    // Unset: refused.
    TakeOver raft{};
    TakeOver grpc{};
    TakeOver raft_forwarding{};
    TakeOver snapshot{};
    TakeOver wan_gossip_packet{};
    TakeOver wan_gossip_stream{};
  };
  /// All outlive it; not to be destroyed on a loop.
  Port(base::net::Loops& loops, Dispatcher& dispatcher, Options options);
  ~Port();
  /// "listen tcp 10.0.0.1:8300: bind: address already in use". The port that was taken.
  base::Result<std::uint16_t> listen(const std::string& ip, std::uint16_t port);
  /// From now on; connections that stand stay.
  void limit_connections(std::int64_t most_per_client) { limit_->set_most(most_per_client); }
  /// The same; any thread.
  void set_tls(Tls tls);
  /// Closes every connection that was not taken over. Idempotent.
  void stop();

 private:
  class Greeting;
  struct Worker;

  void accept(Worker& worker, base::net::Fd socket);
  void greet(Worker& worker, Greeting& greeting, Kind kind);
  void greet_protocol(Worker& worker, Greeting& greeting);
  void multiplex(Worker& worker, Greeting& greeting);
  void hand_over(Worker& worker, Greeting& greeting, const TakeOver& taker);
  bool is_server(const Worker& worker, const Greeting& greeting);
  void drop(Worker& worker, Greeting& greeting);

  base::net::Loops& loops_;
  Dispatcher& dispatcher_;
  const Options options_;
  const base::log::Logger log_{"agent.server.rpc"};
  const std::shared_ptr<base::net::ClientLimit> limit_ = std::make_shared<base::net::ClientLimit>();
  std::vector<std::unique_ptr<Worker>> workers_;
  bool stopped_ = false;
};

}  // namespace proconsul::agent::rpc
