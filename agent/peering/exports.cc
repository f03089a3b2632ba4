#include "agent/peering/exports.h"

#include <algorithm>
#include <set>

#include "agent/mesh/spiffe.h"
#include "agent/peering/messages.h"
#include "agent/peering/token.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/query/exported.h"
#include "catalog/query/gateways.h"
#include "catalog/query/instances.h"
#include "catalog/query/nodes.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::agent::peering {

using catalog::CheckServiceNode;
using catalog::HealthCheck;
using catalog::NodeService;

namespace {

constexpr std::string_view kProxySuffix = "-sidecar-proxy";
constexpr const char* kVirtualAddress = "consul-virtual";

/// The worst of them; maintenance above all.
base::List<base::Pointer<HealthCheck>> flattened(const std::string& node, const std::string& id,
                                                 const std::string& service,
                                                 const base::List<base::Pointer<HealthCheck>>& checks) {
  if (checks.empty()) return {};
  const auto rank = [](std::string_view status) {
    return status == catalog::kHealthMaintenance ? 1
           : status == catalog::kHealthCritical  ? 2
           : status == catalog::kHealthWarning   ? 3
           : status == catalog::kHealthPassing   ? 4
                                                 : 0;
  };
  std::string worst(catalog::kHealthPassing);
  for (const auto& check : checks) {
    if (check->CheckID == "_node_maintenance" || check->CheckID.starts_with("_service_maintenance:")) {
      worst = catalog::kHealthMaintenance;
      break;
    }
    if (rank(worst) >= rank(check->Status)) worst = check->Status;
  }
  HealthCheck check;
  check.Node = node;
  check.ServiceID = id.empty() ? service : id;
  check.CheckID = check.ServiceID + ":overall-check";
  check.Name = "overall-check";
  check.Status = std::move(worst);
  check.ServiceName = service;
  base::List<base::Pointer<HealthCheck>> one;
  one.emplace_back(std::move(check));
  return one;
}

void forget_indexes(CheckServiceNode& instance) {
  instance.Node->CreateIndex = instance.Node->ModifyIndex = 0;
  instance.Service->CreateIndex = instance.Service->ModifyIndex = 0;
}

void forget_mesh(NodeService& service) {
  if (!service.Connect.is_set() && !service.Proxy.is_set()) return;
  service.Connect.reset();
  service.Proxy.reset();
  service.TaggedAddresses.erase(kVirtualAddress);
}

/// Instances that are no proxies.
ExportedService typical(const catalog::Tables& tables, const std::string& name, base::KeySet* watch) {
  ExportedService exported;
  for (const catalog::InstanceRow* row : catalog::health_instances(tables, {.service = name}, watch).rows) {
    CheckServiceNode instance = catalog::check_service_node(tables, *row);
    if (!instance.Service->Kind.empty() || instance.Service->Service.ends_with(kProxySuffix)) continue;
    forget_mesh(*instance.Service);
    forget_indexes(instance);
    instance.Checks = flattened(instance.Node->Node, instance.Service->ID, instance.Service->Service, instance.Checks);
    exported.Nodes.push_back(std::move(instance));
  }
  return exported;
}

/// A proxy of the service at each of our mesh gateways.
ExportedService through_gateways(const std::vector<CheckServiceNode>& gateways, const std::string& service,
                                 const catalog::Peering& peering, std::string_view datacenter,
                                 std::string_view trust_domain, const std::string& protocol) {
  const std::string domain(trust_domain), dc(datacenter);
  catalog::PeeringServiceMeta meta;
  meta.SNI = {service + ".default.default." + peering.Name + ".external." + domain};
  meta.SpiffeID = {
      mesh::SpiffeId{.kind = mesh::SpiffeId::Kind::service, .host = domain, .datacenter = dc, .name = service}.uri(),
      mesh::SpiffeId{.kind = mesh::SpiffeId::Kind::mesh_gateway, .host = domain, .datacenter = dc}.uri()};
  meta.Protocol = protocol;
  const std::string name = service + std::string(kProxySuffix);
  ExportedService exported;
  for (std::size_t i = 0; i < gateways.size(); ++i) {
    const CheckServiceNode& gateway = gateways[i];
    const std::string suffix = gateway.Service->ID.empty() ? "" : "-instance-" + std::to_string(i);
    CheckServiceNode instance;
    instance.Node = gateway.Node;
    NodeService& proxy = instance.Service.emplace();
    proxy.Kind = "connect-proxy";
    proxy.Service = name;
    proxy.ID = name + suffix;
    proxy.Proxy.edit().DestinationServiceName = service;
    proxy.Proxy.edit().DestinationServiceID = service + suffix;
    proxy.Address = gateway.Service->Address;
    proxy.TaggedAddresses = gateway.Service->TaggedAddresses;
    proxy.Port = gateway.Service->Port;
    proxy.SocketPath = gateway.Service->SocketPath;
    proxy.Weights = gateway.Service->Weights;
    proxy.Connect.edit().PeerMeta = meta;
    instance.Checks = flattened(gateway.Node->Node, proxy.ID, name, gateway.Checks);
    exported.Nodes.push_back(std::move(instance));
  }
  return exported;
}

std::vector<CheckServiceNode> mesh_gateways(const catalog::Tables& tables, base::KeySet* watch) {
  std::vector<CheckServiceNode> gateways;
  for (const catalog::InstanceRow* row : catalog::instances_of_kind(tables, "mesh-gateway", {}, watch).rows) {
    CheckServiceNode gateway = catalog::check_service_node(tables, *row);
    gateway.Checks = flattened(gateway.Node->Node, gateway.Service->ID, gateway.Service->Service, gateway.Checks);
    forget_mesh(*gateway.Service);
    forget_indexes(gateway);
    gateways.push_back(std::move(gateway));
  }
  return gateways;
}

/// Services that an entry makes a chain of.
std::set<std::string> chains(const catalog::Tables& tables, base::KeySet* watch) {
  std::set<std::string> names;
  for (const std::string_view kind : {"service-resolver", "service-router", "service-splitter"}) {
    const std::string prefix = catalog::index_key({kind});
    catalog::watch_below(watch, catalog::Topic::config_entry, prefix);
    for (const auto [key, row] : tables.config_entries.prefix(prefix)) names.insert(row->entry->Name);
  }
  return names;
}

bool has_terminating_gateway(const catalog::Tables& tables, const std::string& service) {
  for (const auto [key, row] : tables.gateway_services_by_service.prefix(catalog::index_key({service}))) {
    if (row->GatewayKind == "terminating-gateway") return true;
  }
  return false;
}

}  // namespace

Exports exports_of(const catalog::Tables& tables, const catalog::Peering& peering, std::string_view datacenter,
                   std::string_view trust_domain, base::KeySet* watch) {
  Exports exports;
  const auto put = [&](const char* url, std::string id, const auto& resource) {
    exports.resources[{url, std::move(id)}] = encoded(resource);
  };
  for (const catalog::ResolvedExportedService& service : catalog::exported_services(tables, watch).services) {
    if (std::ranges::find(service.Consumers.Peers, peering.Name) == service.Consumers.Peers.end()) continue;
    exports.services.push_back(service.Service);
  }
  std::vector<CheckServiceNode> gateways;
  std::set<std::string> in_mesh;
  if (!trust_domain.empty() && !exports.services.empty()) {
    gateways = mesh_gateways(tables, watch);
    in_mesh = chains(tables, watch);
    catalog::watch_key(watch, catalog::Topic::index, "gateway-services");
    for (const std::string& name : catalog::service_names_of_kind(tables, "connect-enabled", watch).names) {
      in_mesh.insert(name);
    }
  }
  for (const std::string& name : exports.services) {
    put(kExportedServiceUrl, name, typical(tables, name, watch));
    if (trust_domain.empty() || (!in_mesh.contains(name) && !has_terminating_gateway(tables, name))) continue;
    const std::string protocol = catalog::protocol_of_service(tables, name, watch);
    put(kExportedServiceUrl, name + std::string(kProxySuffix),
        through_gateways(gateways, name, peering, datacenter, trust_domain, protocol));
  }
  put(kExportedServiceListUrl, "exported-service-list", ExportedServiceList{.Services = exports.services});

  if (!trust_domain.empty()) {
    catalog::watch_key(watch, catalog::Topic::index, "connect-ca-roots");
    catalog::PeeringTrustBundle bundle;
    bundle.TrustDomain = trust_domain;
    bundle.ExportedPartition = "default";
    for (const auto [key, root] : tables.ca_roots.all()) bundle.RootPEMs.push_back(root->RootCert);
    put(kTrustBundleUrl, "roots", bundle);
  }
  if (const auto addresses = own_addresses(tables, watch)) {
    put(kServerAddressesUrl, "server-addrs", PeeringServerAddresses{.Addresses = *addresses});
  }
  return exports;
}

}  // namespace proconsul::agent::peering
