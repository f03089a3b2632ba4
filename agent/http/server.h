// The agent's HTTP API: listeners and, on every loop, the connections.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/http/context.h"
#include "agent/http/route.h"
#include "base/net/loop.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::ui_proxy {
class Site;
}

namespace proconsul::agent::http {

class HttpServer {
 public:
  /// `context`, `loops` and `site` outlive the server; the server outlives every Responder that it gave out, so stop
  /// what holds them (raft, checks) before it dies. A null `site`: no web UI.
  HttpServer(base::net::Loops& loops, Context& context, std::span<const std::span<const Route>> routes = all_routes(),
             const ui_proxy::Site* site = nullptr);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;

  /// Port 0 takes a free one. Returns the port. A null `tls` is plain HTTP. Before or after traffic has begun; main
  /// thread.
  base::Result<std::uint16_t> listen_tcp(const std::string& ip, std::uint16_t port,
                                         std::shared_ptr<base::net::TlsContext> tls = nullptr);
  base::Result<> listen_unix(const std::string& path, const std::string& user, const std::string& group,
                             const std::string& mode);
  /// limits.http_max_conns_per_client from now on; <= 0: no limit. Any thread.
  void limit_connections(std::int64_t most);
  /// cache.entry_fetch_rate and its burst, from now on. Any thread.
  void limit_cache(double fetch_rate, std::int64_t fetch_burst);
  /// Stops accepting and closes every connection; returns when that is done. Loops must still run. Idempotent.
  void stop();

  std::size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::agent::http
