// The agent's gRPC ports: listeners, plain or with TLS, in front of a server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/grpc/server.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::agent::grpc {

/// The certificate of a port, which may come later, and changes. Any thread.
class Certificate {
 public:
  /// For connections from now on; null: there is none, and nobody gets in.
  void set(std::shared_ptr<base::net::TlsContext> context);
  std::shared_ptr<base::net::TlsContext> get() const;

 private:
  mutable std::mutex mutex_{};
  std::shared_ptr<base::net::TlsContext> context_{};
};

class Port {
 public:
  struct Options {
    std::size_t most_connections = 16384;  // of all listeners; who comes then is sent away
    std::chrono::seconds handshake_timeout{120};
  };
  /// Both outlive it.
  Port(base::net::Loops& loops, Server& server, Options options);
  ~Port();
  /// Port 0 takes a free one; returns the port. A null certificate: plain.
  base::Result<std::uint16_t> listen_tcp(const std::string& ip, std::uint16_t port,
                                         std::shared_ptr<const Certificate> certificate);
  base::Result<> listen_unix(const std::string& path, const std::string& user, const std::string& group,
                             const std::string& mode, std::shared_ptr<const Certificate> certificate);
  /// No more connections; those that stand are the server's. Not from a loop. Idempotent.
  void stop();

 private:
  class Greeting;
  struct Worker;
  struct Places;
  void accept(base::net::Fd listener, std::shared_ptr<const Certificate> certificate);
  void take(base::net::Fd socket, const std::shared_ptr<const Certificate>& certificate);

  base::net::Loops& loops_;
  Server& server_;
  const Options options_;
  const std::shared_ptr<Places> places_;
  std::vector<std::unique_ptr<Worker>> workers_{};                 // one per loop
  std::vector<std::unique_ptr<base::net::Acceptor>> acceptors_{};  // on loop 0
  std::vector<std::string> socket_files_{};
  bool stopped_ = false;
};

}  // namespace proconsul::agent::grpc
