#include "agent/grpc_ports.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "agent/grpc/dns_service.h"
#include "agent/peering/caller.h"
#include "agent/tls_settings.h"
#include "base/log.h"

namespace proconsul::agent {

using base::Result;
using base::net::TlsContext;
using config::Config;
using grpc::Code;
using grpc::Load;

namespace {

const base::log::Logger kLog("agent");

grpc::Services services(const GrpcPorts::Parts& parts) {
  grpc::Services services;
  grpc::add_dns_service(services, parts.dns);
  parts.xds.add_to(services);
  parts.mode.serve_grpc(services);
  return services;
}

grpc::Server::Options options(const GrpcPorts::Parts& parts, const Config& config) {
  grpc::Server::Options options;
  options.type = "external";
  options.paths_by_name = '/' + std::string(peering::kPeerStreamService) + '/';
  options.most_streams = 2048;
  options.most_message = std::size_t{50} << 20;
  options.most_incomplete = std::size_t{64} << 20;
  options.ping_after = std::chrono::nanoseconds(config.grpc_keepalive_interval.nanoseconds);
  options.ping_timeout = std::chrono::nanoseconds(config.grpc_keepalive_timeout.nanoseconds);
  if (parts.limits == nullptr) return options;
  options.admit = [&mode = parts.mode, &limits = *parts.limits](const grpc::Method& method, std::string_view path,
                                                                const std::string& from) -> grpc::Status {
    if (method.load == Load::exempt) return {};
    const bool writes = method.load == Load::write;
    const server::Server* server = mode.server();
    const bool leads = server != nullptr && server->leadership().is_leader;
    const Result<> may = limits.refuse_call(path, writes, leads, from);
    if (may) return {};
    // Another server may do what does not need the leader.
    return {writes && leads ? Code::unavailable : Code::resource_exhausted, may.error().detail};
  };
  return options;
}

}  // namespace

GrpcPorts::GrpcPorts(Parts parts, const Config& config)
    : tls_(config.tls.grpc),
      server_(parts.loops, services(parts), options(parts, config)),
      port_(parts.loops, server_, {}) {}

Result<std::unique_ptr<GrpcPorts>> GrpcPorts::listen(Parts parts, const Config& config) {
  if (config.grpc_addrs.empty() && config.grpc_tls_addrs.empty()) return std::unique_ptr<GrpcPorts>();
  std::unique_ptr<GrpcPorts> ports(new GrpcPorts(parts, config));
  if (Result<> opened = ports->open(config); !opened) return opened.error();
  parts.mode.follow_certificate([&ports = *ports](const mesh::AutoTls& given) { ports.use(given); });
  parts.mode.follow_peering_certificate(
      [&ports = *ports](const std::string& name, const base::net::TlsPair& shown) { ports.show(name, shown); });
  return ports;
}

Result<> GrpcPorts::open(const Config& config) {
  if (Result<> opened = open(config, config.grpc_addrs, "grpc", nullptr); !opened) return opened;
  if (config.grpc_tls_addrs.empty()) return {};
  if (Result<> loaded = reload(config); !loaded) return loaded;
  return open(config, config.grpc_tls_addrs, "grpc_tls", certificate_);
}

Result<> GrpcPorts::open(const Config& config, const config::List<config::Address>& addresses, const char* name,
                         std::shared_ptr<const grpc::Certificate> certificate) {
  for (const config::Address& address : addresses) {
    const bool is_file = address.kind == config::Address::Kind::unix_socket;
    if (is_file) {
      Result<> opened = port_.listen_unix(address.path, config.unix_socket_user, config.unix_socket_group,
                                          config.unix_socket_mode, certificate);
      if (!opened) return opened;
    } else {
      const Result<std::uint16_t> port =
          port_.listen_tcp(address.ip.to_string(), static_cast<std::uint16_t>(address.port), certificate);
      if (!port) return port.error();
    }
    kLog.info("Started gRPC listeners",
              {{"port_name", name}, {"address", address.to_string()}, {"network", is_file ? "unix" : "tcp"}});
  }
  return {};
}

/// With the certificate of the files; without them, the one that the servers gave this agent, or that of a server for
/// its peers.
Result<std::shared_ptr<TlsContext>> GrpcPorts::context() const {
  base::net::TlsSettings settings = tls_settings(tls_);
  settings.protocols = "\x02h2";
  settings.ca_pem = auto_tls_.authorities;
  const auto shown = [&]() -> Result<std::shared_ptr<TlsContext>> {
    if (!settings.cert_file.empty()) return TlsContext::server(settings);
    if (!auto_tls_.certificate.empty()) {
      return TlsContext::server(settings, {.certificate = auto_tls_.certificate, .key = auto_tls_.key});
    }
    if (!peering_name_.empty()) return TlsContext::server(settings, for_peers_);
    return std::shared_ptr<TlsContext>();
  };
  Result<std::shared_ptr<TlsContext>> context = shown();
  if (!context || *context == nullptr || peering_name_.empty()) return context;
  if (Result<> by_name = (*context)->show_to(peering_name_, for_peers_); !by_name) return by_name.error();
  return context;
}

Result<> GrpcPorts::reload(const Config& config) {
  if (config.grpc_tls_addrs.empty()) return {};
  const std::lock_guard lock(mutex_);
  const config::TlsListener before = std::exchange(tls_, config.tls.grpc);
  Result<std::shared_ptr<TlsContext>> fresh = context();
  if (!fresh) {
    tls_ = before;
    return fresh.error();
  }
  certificate_->set(std::move(*fresh));
  return {};
}

void GrpcPorts::use(const mesh::AutoTls& given) {
  const std::lock_guard lock(mutex_);
  auto_tls_ = given;
  Result<std::shared_ptr<TlsContext>> fresh = context();
  if (!fresh) return kLog.error("failed to use the certificate of auto_encrypt", {{"error", fresh.error()}});
  certificate_->set(std::move(*fresh));
}

void GrpcPorts::show(const std::string& name, const base::net::TlsPair& shown) {
  const std::lock_guard lock(mutex_);
  peering_name_ = name;
  for_peers_ = shown;
  Result<std::shared_ptr<TlsContext>> fresh = context();
  if (!fresh) return kLog.error("failed to use the certificate for peers", {{"error", fresh.error()}});
  certificate_->set(std::move(*fresh));
}

void GrpcPorts::stop() {
  port_.stop();
  server_.stop();
}

}  // namespace proconsul::agent
