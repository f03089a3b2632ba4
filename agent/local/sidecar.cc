#include "agent/local/sidecar.h"

#include <set>
#include <utility>

#include "agent/local/rules.h"
#include "catalog/registry/same.h"

namespace proconsul::agent::local {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kSuffix = "-sidecar-proxy";

}  // namespace

std::string sidecar_id(std::string_view service_id) {
  return std::string(service_id) + std::string(kSuffix);
}

Result<std::optional<ServiceRegistration>> take_sidecar(ServiceRegistration& parent) {
  catalog::NodeService& service = parent.service;
  if (!service.Connect->SidecarService) return std::optional<ServiceRegistration>();
  const catalog::ServiceDefinition definition = *service.Connect->SidecarService;
  service.Connect.edit().SidecarService.reset();

  ServiceRegistration registration{.service = to_node_service(definition),
                                   .checks = check_types(definition),
                                   .token = definition.Token.empty() ? parent.token : definition.Token,
                                   .source = parent.source,
                                   .replace_existing_checks = parent.replace_existing_checks};
  catalog::NodeService& sidecar = registration.service;
  sidecar.ID = sidecar_id(service.ID);
  if (Result<> valid = catalog::validate_service_meta(sidecar.Kind, sidecar.Meta); !valid) return valid.error();
  if (sidecar.Meta.empty() && !service.Meta.empty()) sidecar.Meta = service.Meta;
  if (sidecar.Tags.empty() && !service.Tags.empty()) sidecar.Tags = service.Tags;
  if (!sidecar.Locality && service.Locality) sidecar.Locality = *service.Locality;
  sidecar.LocallyRegisteredAsSidecar = true;
  if (sidecar.Kind.empty()) sidecar.Kind = catalog::kKindConnectProxy;
  if (sidecar.Service.empty()) sidecar.Service = service.Service + std::string(kSuffix);
  if (sidecar.Address.empty()) sidecar.Address = service.Address;

  catalog::ConnectProxyConfig& proxy = sidecar.Proxy.edit();
  if (proxy.DestinationServiceName.empty()) proxy.DestinationServiceName = service.Service;
  if (proxy.DestinationServiceID.empty()) proxy.DestinationServiceID = service.ID;
  if (proxy.LocalServiceSocketPath.empty() && (proxy.LocalServiceAddress.empty() || proxy.LocalServicePort < 1)) {
    if (!service.SocketPath.empty()) {
      proxy.LocalServiceSocketPath = service.SocketPath;
    } else {
      if (proxy.LocalServiceAddress.empty()) proxy.LocalServiceAddress = "127.0.0.1";
      if (proxy.LocalServicePort < 1) proxy.LocalServicePort = service.Port;
    }
  }
  return std::optional(std::move(registration));
}

Result<std::int64_t> sidecar_port(const State& state, std::string_view id, SidecarPorts range) {
  if (range.min < 1 || range.max < 1) {
    return {Errc::internal, "no port provided for sidecar_service and auto-assignment disabled in config"};
  }
  std::set<std::int64_t> used;
  for (const auto& [other, entry] : state.services()) {
    const auto port = static_cast<std::int64_t>(entry.service.Port);
    if (entry.deleted || port < range.min || port > range.max) continue;
    if (other == id) return port;
    used.insert(port);
  }
  for (std::int64_t port = range.min; port <= range.max; ++port) {
    if (!used.contains(port)) return port;
  }
  return {Errc::internal, "no port provided for sidecar_service and none left in the configured range [" +
                              std::to_string(range.min) + ", " + std::to_string(range.max) + "]"};
}

std::vector<catalog::CheckType> sidecar_checks(const catalog::NodeService& sidecar) {
  std::string_view id = sidecar.ID;
  if (id.ends_with(kSuffix)) id.remove_suffix(kSuffix.size());
  // A sidecar that names no address is taken to be where it expects its service.
  std::string host = sidecar.Address.empty() ? sidecar.Proxy->LocalServiceAddress : sidecar.Address;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  std::vector<catalog::CheckType> checks(2);
  checks[0].Name = "Connect Sidecar Listening";
  checks[0].TCP = host + ":" + std::to_string(static_cast<std::int64_t>(sidecar.Port));
  checks[0].Interval = base::seconds(10);
  checks[1].Name = "Connect Sidecar Aliasing " + std::string(id);
  checks[1].AliasService = id;
  return checks;
}

}  // namespace proconsul::agent::local
