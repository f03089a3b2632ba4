// What the agent serves by gRPC to programs: ports.grpc, plain, and ports.grpc_tls, by the rules of tls.grpc.
#pragma once

#include <memory>
#include <mutex>

#include "agent/config/config.h"
#include "agent/dns/server.h"
#include "agent/grpc/port.h"
#include "agent/grpc/server.h"
#include "agent/http/request_limits.h"
#include "agent/mesh/auto_encrypt.h"
#include "agent/mode.h"
#include "agent/xds/service.h"
#include "base/net/loop.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::agent {

class GrpcPorts {
 public:
  /// All outlive it.
  struct Parts {
    base::net::Loops& loops;
    Mode& mode;
    dns::DnsServer& dns;
    xds::Service& xds;
    http::RequestLimits* limits = nullptr;  // null: calls are limited elsewhere
  };
  /// Null: no port is configured.
  static base::Result<std::unique_ptr<GrpcPorts>> listen(Parts parts, const config::Config& config);
  ~GrpcPorts() { stop(); }
  /// tls.grpc, for connections from now on. An error changes nothing.
  base::Result<> reload(const config::Config& config);
  /// Closes every connection. Not from a loop. Idempotent.
  void stop();

 private:
  GrpcPorts(Parts parts, const config::Config& config);
  base::Result<> open(const config::Config& config);
  base::Result<> open(const config::Config& config, const config::List<config::Address>& addresses, const char* name,
                      std::shared_ptr<const grpc::Certificate> certificate);
  base::Result<std::shared_ptr<base::net::TlsContext>> context() const;
  void use(const mesh::AutoTls& given);
  void show(const std::string& name, const base::net::TlsPair& shown);

  const std::shared_ptr<grpc::Certificate> certificate_ = std::make_shared<grpc::Certificate>();
  std::mutex mutex_{};          // guards what follows, but the server and the port
  config::TlsListener tls_{};   // as it was configured last
  mesh::AutoTls auto_tls_{};    // empty: servers gave none
  std::string peering_name_{};  // empty: nothing is shown by name
  base::net::TlsPair for_peers_{};
  grpc::Server server_;
  grpc::Port port_;
};

}  // namespace proconsul::agent
