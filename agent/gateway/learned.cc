#include "agent/gateway/learned.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/filter/filter.h"
#include "base/net/connection.h"
#include "base/strconv.h"
#include "base/type_of.h"
#include "wanfed/known.h"

namespace proconsul::agent::gateway {

using base::Result;
using catalog::CheckServiceNode;
using wanfed::gateway::Address;
using wanfed::gateway::Topology;

PROCONSUL_DESCRIBE_TYPE(OwnSettings, "gateway.OwnSettings") {
  type.field("Datacenter", &OwnSettings::Datacenter);
}
PROCONSUL_DESCRIBE_TYPE(OwnDetails, "gateway.OwnDetails") {
  type.field("DNSDomain", &OwnDetails::DNSDomain);
}
PROCONSUL_DESCRIBE_TYPE(Self, "gateway.Self") {
  type.field("Config", &Self::Config);
  type.field("DebugConfig", &Self::DebugConfig);
}
PROCONSUL_DESCRIBE_TYPE(Resolver, "gateway.Resolver") {
  type.field("Name", &Resolver::Name);
  type.field("DefaultSubset", &Resolver::DefaultSubset);
  type.field("Subsets", &Resolver::Subsets);
}

namespace {

using Instances = std::vector<CheckServiceNode>;

std::optional<Address> address_of(const CheckServiceNode& instance, bool wan) {
  const Result<base::net::HostPort> parts = base::net::split_host_port(wanfed::address_of(instance, wan));
  if (!parts) return std::nullopt;
  return Address{parts->host, static_cast<std::uint16_t>(base::parse_uint(parts->port, 10, 16).value_or(0))};
}

enum class Health : std::uint8_t { any, not_critical, passing };

bool is(const CheckServiceNode& instance, Health wanted) {
  if (wanted == Health::any) return true;
  return std::ranges::all_of(instance.Checks, [&](const auto& check) {
    if (!check) return true;
    return wanted == Health::passing ? check->Status == "passing" : check->Status != "critical";
  });
}

std::vector<Address> addresses(const auto& instances, bool wan, Health wanted) {
  std::vector<Address> out;
  for (const CheckServiceNode& instance : instances) {
    if (!instance.Service || !is(instance, wanted)) continue;
    if (std::optional<Address> address = address_of(instance, wan)) out.push_back(std::move(*address));
  }
  return out;
}

/// The service that others reach through this instance, if it is of the mesh.
const std::string* mesh_service(const catalog::NodeService& service) {
  if (service.Kind == catalog::kKindConnectProxy) {
    return &service.Proxy->DestinationServiceName;
  }
  return service.Connect->Native ? &service.Service : nullptr;
}

CheckServiceNode instance_on(const catalog::NodeInfo& node, const catalog::NodeService& service,
                             const std::string& datacenter) {
  CheckServiceNode instance;
  catalog::Node& place = instance.Node.emplace();
  place.ID = node.ID;
  place.Node = node.Node;
  place.Address = node.Address;
  place.Datacenter = datacenter;
  place.TaggedAddresses = node.TaggedAddresses;
  place.Meta = node.Meta;
  instance.Service = base::Pointer<catalog::NodeService>(service);
  for (const auto& check : node.Checks) {
    if (check && (check->ServiceID.empty() || check->ServiceID == service.ID)) instance.Checks.push_back(check);
  }
  return instance;
}

/// Adds the service under its own name, and each of its subsets under theirs.
void add_service(Topology& topology, const std::string& name, const Instances& instances, const Resolver* resolver) {
  const std::string sni = name + ".default." + topology.datacenter + ".internal." + topology.trust_domain;
  std::vector<Address> whole = addresses(instances, false, Health::not_critical);
  if (resolver != nullptr) {
    for (const auto& [subset, rule] : resolver->Subsets) {
      // Servers take no expression that is wrong.
      const auto filter = base::filter::Filter::create<CheckServiceNode>(rule.Filter);
      if (!filter) continue;
      Instances chosen;
      std::ranges::copy_if(instances, std::back_inserter(chosen),
                           [&](const CheckServiceNode& instance) { return filter->matches(instance); });
      std::vector<Address> members =
          addresses(chosen, false, rule.OnlyPassing ? Health::passing : Health::not_critical);
      if (subset == resolver->DefaultSubset) whole = members;
      topology.services.push_back({.sni = subset + '.' + sni, .instances = std::move(members)});
    }
  }
  topology.services.push_back({.sni = sni, .instances = std::move(whole)});
}

void add_datacenters(Topology& topology, const Learned& learned) {
  for (const std::string& name : learned.datacenters) topology.datacenters.push_back({.name = name, .gateways = {}});
  for (const auto& [name, instances] : learned.gateways) {
    Topology::Datacenter datacenter{.name = name, .index = 1, .gateways = {}};
    datacenter.gateways = addresses(instances, true, Health::not_critical);
    if (datacenter.gateways.empty()) datacenter.gateways = addresses(instances, true, Health::any);
    topology.datacenters.push_back(std::move(datacenter));
  }
}

}  // namespace

Topology topology_of(const Learned& learned, bool wan_federation) {
  Topology topology{.datacenter = learned.datacenter,
                    .domain = learned.domain,
                    .trust_domain = learned.trust_domain,
                    .wan_federation = wan_federation};
  add_datacenters(topology, learned);
  std::map<std::string, Instances> services;
  for (const auto& node : learned.nodes) {
    if (!node || !node->PeerName.empty()) continue;
    for (const auto& service : node->Services) {
      if (!service) continue;
      if (service->Service == catalog::kConsulServiceName && service->Kind.empty()) {
        const std::optional<Address> address = address_of(instance_on(*node, *service, learned.datacenter), false);
        if (address) topology.servers.push_back({.node = node->Node, .address = *address});
      }
      const std::string* name = mesh_service(*service);
      if (name == nullptr || name->empty()) continue;
      services[*name].push_back(instance_on(*node, *service, learned.datacenter));
    }
  }
  if (learned.trust_domain.empty()) return topology;
  for (const auto& [name, instances] : services) {
    const auto resolver = std::ranges::find(learned.resolvers, name, &Resolver::Name);
    add_service(topology, name, instances, resolver == learned.resolvers.end() ? nullptr : &*resolver);
  }
  return topology;
}

}  // namespace proconsul::agent::gateway
