// A gRPC server on connections that others accept (the server port hands them over): HTTP/2 on our own loops, and the
// methods of a table. Statuses and texts are those of grpc-go.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/grpc/method.h"
#include "base/metrics.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/net/tls.h"

namespace proconsul::agent::grpc {

class Server {
 public:
  struct Options {
    std::string type = "internal";                        // the label server_type of its metrics
    std::uint32_t most_streams = 65536;                   // calls at a time on one connection
    std::size_t most_message = std::size_t{4} << 20;      // bytes of one that comes in
    std::size_t most_incomplete = std::size_t{16} << 20;  // bytes of all messages of a connection that are not whole
    std::size_t most_incomplete_in_all = std::size_t{256} << 20;  // the same of all connections
    std::chrono::seconds greeting{120};                           // until the client must have spoken HTTP/2
    std::chrono::seconds ping_pause{15};                          // a client that pings more often is sent away
    std::chrono::nanoseconds ping_after{0};    // silence of a client, which is then asked whether it is there; 0: never
    std::chrono::nanoseconds ping_timeout{0};  // until it must have said something
    /// Whoever TLS showed the certificate of a name has calls with this beginning alone. Empty: all.
    std::string paths_by_name{};
    /// Whether limits let a call go on; any loop. Anything but ok ends it. Unset: always.
    std::function<Status(const Method& method, std::string_view path, const std::string& from)> admit{};
  };
  /// `loops` outlive it; what the methods use must live until stop() returns.
  Server(base::net::Loops& loops, Services services, Options options);
  ~Server();
  /// A connection from its first byte of HTTP/2 on; with TLS, the handshake is done. Any thread. `place` is held as
  /// long as the connection lives.
  void accept(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls, std::shared_ptr<const void> place);
  /// Closes every connection; not from a loop. Idempotent.
  void stop();

 private:
  class Connection;
  class Stream;
  struct Worker;
  struct Metrics;

  base::net::Loops& loops_;
  const Services services_;
  const Options options_;
  const std::shared_ptr<Metrics> metrics_;  // connections that are closed last outlive this
  std::atomic<bool> stopped_{false};
  std::vector<std::shared_ptr<Worker>> workers_;  // one per loop
};

}  // namespace proconsul::agent::grpc
