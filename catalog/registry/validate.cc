#include "catalog/registry/validate.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "base/uuid.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::quote;
using base::Result;

// Faults, told together.
class Faults {
 public:
  void add(std::string fault) { faults_.push_back(std::move(fault)); }
  void add_if(bool wrong, std::string_view fault) {
    if (wrong) faults_.emplace_back(fault);
  }
  Result<> result() const {
    if (faults_.empty()) return {};
    std::string text = faults_.size() == 1 ? "1 error occurred:" : std::to_string(faults_.size()) + " errors occurred:";
    for (const auto& fault : faults_) text.append("\n\t* ").append(fault);
    return {Errc::invalid_argument, text + "\n\n"};
  }

 private:
  std::vector<std::string> faults_{};
};

std::string_view fault_of(const Upstream& upstream) {
  if (upstream.DestinationName.empty()) return "upstream destination name cannot be empty";
  if (upstream.DestinationName == "*" && !upstream.CentrallyConfigured) {
    return "upstream destination name cannot be a wildcard";
  }
  if (!upstream.DestinationPeer.empty() && !upstream.Datacenter.empty()) {
    return "upstream cannot specify both destination peer and datacenter";
  }
  if (upstream.CentrallyConfigured) return {};
  if (upstream.LocalBindPort == 0 && upstream.LocalBindSocketPath.empty()) {
    return "upstream local bind port or local socket path must be defined and nonzero";
  }
  if (upstream.LocalBindPort != 0 && !upstream.LocalBindSocketPath.empty()) {
    return "only one of upstream local bind port or local socket path can be defined and nonzero";
  }
  return {};
}

std::string identity(const Upstream& upstream) {
  return "[type=" + quote(upstream.DestinationType) + ", name=" + quote(upstream.DestinationName) +
         ", partition=" + quote(upstream.DestinationPartition) + ", namespace=" + quote(upstream.DestinationNamespace) +
         ", peer=" + quote(upstream.DestinationPeer) + ", datacenter=" + quote(upstream.Datacenter) + "]";
}

std::string local_address(const Upstream& upstream) {
  if (upstream.LocalBindPort == 0 && upstream.LocalBindAddress.empty() && !upstream.LocalBindSocketPath.empty()) {
    return upstream.LocalBindSocketPath;
  }
  std::string host = upstream.LocalBindAddress.empty() ? "127.0.0.1" : upstream.LocalBindAddress;
  if (host.find_first_of(":%") != std::string::npos) host = "[" + host + "]";
  return host + ":" + std::to_string(static_cast<std::int64_t>(upstream.LocalBindPort));
}

void check_upstreams(const ConnectProxyConfig& proxy, Faults& faults) {
  std::set<std::string> identities;
  std::set<std::string> addresses;
  for (const Upstream& upstream : proxy.Upstreams) {
    const bool elsewhere = !upstream.DestinationPartition.empty() && upstream.DestinationPartition != "default";
    if (elsewhere && !upstream.DestinationPeer.empty()) {
      faults.add("upstreams must target peers in the same partition as the service");
    } else if (elsewhere && !upstream.Datacenter.empty()) {
      faults.add("upstreams cannot target another datacenter in non default partition");
    } else if (const auto& type = upstream.DestinationType;
               !type.empty() && type != "service" && type != "prepared_query") {
      faults.add("unknown upstream destination type: " + quote(type));
    } else if (const auto fault = fault_of(upstream); !fault.empty()) {
      faults.add(std::string(fault));
    } else if (!identities.insert(identity(upstream)).second) {
      faults.add("upstreams cannot contain duplicates of " + identity(upstream));
    } else if (const auto address = local_address(upstream);
               !addresses.insert(address).second && !upstream.CentrallyConfigured) {
      faults.add("upstreams cannot contain duplicates by local bind address and port or unix path; " + quote(address) +
                 " is specified twice");
    }
  }
}

void check_exposed_paths(const ExposeConfig& expose, Faults& faults) {
  std::set<std::int64_t> ports;
  for (const ExposePath& path : expose.Paths) {
    const auto port = static_cast<std::int64_t>(path.ListenerPort);
    faults.add_if(path.Path.empty(), "expose.paths: empty path exposed");
    faults.add_if(!ports.insert(port).second, "expose.paths: duplicate listener ports exposed");
    if (port <= 0 || port > 65535) faults.add("expose.paths: invalid listener port: " + std::to_string(port));
    const std::string protocol = lower_case(path.Protocol);
    if (!protocol.empty() && protocol != "http" && protocol != "http2") {
      faults.add("protocol '" + protocol + "' not supported for path: " + path.Path + ", must be in: [http http2]");
    }
  }
}

void check_proxy(const NodeService& service, Faults& faults) {
  const ConnectProxyConfig& proxy = *service.Proxy;
  faults.add_if(proxy.DestinationServiceName.find_first_not_of(" \t\n\v\f\r") == std::string::npos,
                "Proxy.DestinationServiceName must be non-empty for Connect proxy services");
  faults.add_if(proxy.DestinationServiceName == "*",
                "Proxy.DestinationServiceName must not be a wildcard for Connect proxy services");
  faults.add_if(service.Connect->Native, "A Proxy cannot also be Connect Native, only typical services");
  constexpr std::size_t kMaxSocketDirectory = 70;
  if (const auto found = proxy.Config.find("envoy_hcp_metrics_bind_socket_dir"); found != proxy.Config.end()) {
    if (const auto* path = found->second.as_string(); path && path->size() > kMaxSocketDirectory) {
      faults.add("Proxy.Config: envoy_hcp_metrics_bind_socket_dir length " + std::to_string(path->size()) +
                 " exceeds max " + std::to_string(kMaxSocketDirectory));
    }
  }
  check_upstreams(proxy, faults);
  check_exposed_paths(*proxy.Expose, faults);
}

bool is_gateway(std::string_view kind) {
  return kind == kKindMeshGateway || kind == kKindTerminatingGateway || kind == kKindIngressGateway ||
         kind == kKindApiGateway;
}

void check_gateway(const NodeService& service, Faults& faults) {
  const std::string& kind = service.Kind;
  const ConnectProxyConfig& proxy = *service.Proxy;
  if (service.Port == 0 && kind != kKindIngressGateway && kind != kKindApiGateway) {
    faults.add("Port must be non-zero for a " + kind);
  }
  if (service.Connect->SidecarService) faults.add("A " + kind + " cannot have a sidecar service defined");
  const std::pair<bool, std::string_view> unfit[] = {
      {!proxy.DestinationServiceName.empty(), "DestinationServiceName"},
      {!proxy.DestinationServiceID.empty(), "DestinationServiceID"},
      {!proxy.LocalServiceAddress.empty(), "LocalServiceAddress"},
      {proxy.LocalServicePort != 0, "LocalServicePort"},
      {!proxy.LocalServiceSocketPath.empty(), "LocalServiceSocketPath"},
      {!proxy.Upstreams.empty(), "Upstreams"},
  };
  for (const auto& [wrong, name] : unfit) {
    if (wrong) faults.add("The Proxy." + std::string(name) + " configuration is invalid for a " + kind);
  }
}

void check_for_agent(const NodeService& service, Faults& faults) {
  if (service.Kind == kKindConnectProxy) check_proxy(service, faults);
  if (is_gateway(service.Kind)) check_gateway(service, faults);
  if (const auto* sidecar = service.Connect->SidecarService.get()) {
    faults.add_if(!sidecar->ID.empty(), "A SidecarService cannot specify an ID as this is managed by the agent");
    faults.add_if(sidecar->Connect && sidecar->Connect->SidecarService,
                  "A SidecarService cannot have a nested SidecarService");
  }
  faults.add_if(service.Connect->Native && service.Port == 0 && service.SocketPath.empty(),
                "Port or SocketPath must be set for a Connect native service.");
}

}  // namespace

Result<> validate_service_for_agent(const NodeService& service) {
  Faults faults;
  check_for_agent(service, faults);
  return faults.result();
}

Result<> validate_service(const NodeService& service) {
  Faults faults;
  faults.add_if(service.Locality && service.Locality->Region.empty() && !service.Locality->Zone.empty(),
                "zone cannot be set without region");
  faults.add_if(service.Kind == kKindConnectProxy && service.Port == 0 && service.SocketPath.empty(),
                "Port or SocketPath must be set for a connect-proxy");
  check_for_agent(service, faults);
  return faults.result();
}

Result<> prepare_node(std::string_view name, std::string_view id) {
  if (name.empty()) return {Errc::invalid_argument, "Must provide node"};
  if (id.empty()) return {};
  if (auto parsed = base::parse_uuid(id); !parsed) {
    return {Errc::invalid_argument, "Bad node ID: " + parsed.error().detail};
  }
  return {};
}

Result<> prepare_service(NodeService& service) {
  if (auto valid = validate_service(service); !valid) return valid;
  if (service.Service.empty()) {
    return {Errc::invalid_argument, service.ID.empty()
                                        ? "Must provide service name (Service.Service)"
                                        : "Must provide service name (Service.Service) when service ID is provided"};
  }
  if (service.ID.empty()) service.ID = service.Service;
  if (service.Address == "0.0.0.0" || service.Address == "::" || service.Address == "[::]") {
    return {Errc::invalid_argument, "Invalid service address"};
  }
  return {};
}

void prepare_check(HealthCheck& check) {
  if (check.CheckID.empty()) check.CheckID = check.Name;
}

}  // namespace proconsul::catalog
