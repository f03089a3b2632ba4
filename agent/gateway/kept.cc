#include "agent/gateway/kept.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/type.h"
#include "base/type_of.h"

namespace proconsul::agent::gateway {

using base::Errc;
using base::Result;
using wanfed::gateway::Address;
using wanfed::gateway::Topology;

namespace {

constexpr std::size_t kMostFileBytes = std::size_t{256} << 20;

struct KeptAddress {
  std::string Host{};
  base::Int Port{};
};
PROCONSUL_DECLARE_TYPE(KeptAddress)
PROCONSUL_DESCRIBE_TYPE(KeptAddress, "gateway.KeptAddress") {
  type.field("Host", &KeptAddress::Host);
  type.field("Port", &KeptAddress::Port);
}

/// A datacenter, a server or a service with where it is.
struct KeptPlace {
  std::string Name{};
  std::uint64_t Index{};
  base::List<KeptAddress> Addresses{};
};
PROCONSUL_DECLARE_TYPE(KeptPlace)
PROCONSUL_DESCRIBE_TYPE(KeptPlace, "gateway.KeptPlace") {
  type.field("Name", &KeptPlace::Name);
  type.field("Index", &KeptPlace::Index).omit_empty();
  type.field("Addresses", &KeptPlace::Addresses);
}

struct KeptTopology {
  std::string Datacenter{};
  std::string Domain{};
  std::string TrustDomain{};
  bool WanFederation{};
  base::List<KeptPlace> Datacenters{}, Servers{}, Services{};
};
PROCONSUL_DECLARE_TYPE(KeptTopology)
PROCONSUL_DESCRIBE_TYPE(KeptTopology, "gateway.KeptTopology") {
  type.field("Datacenter", &KeptTopology::Datacenter);
  type.field("Domain", &KeptTopology::Domain);
  type.field("TrustDomain", &KeptTopology::TrustDomain);
  type.field("WanFederation", &KeptTopology::WanFederation);
  type.field("Datacenters", &KeptTopology::Datacenters);
  type.field("Servers", &KeptTopology::Servers);
  type.field("Services", &KeptTopology::Services);
}

KeptPlace place(const std::string& name, std::uint64_t index, const std::vector<Address>& addresses) {
  KeptPlace out{.Name = name, .Index = index};
  for (const Address& address : addresses) out.Addresses.push_back({.Host = address.host, .Port = address.port});
  return out;
}

std::vector<Address> addresses(const KeptPlace& place) {
  std::vector<Address> out;
  for (const KeptAddress& address : place.Addresses) {
    if (address.Port > 0 && address.Port <= 65535) {
      out.push_back({address.Host, static_cast<std::uint16_t>(address.Port)});
    }
  }
  return out;
}

}  // namespace

std::string to_text(const Topology& topology) {
  KeptTopology kept{.Datacenter = topology.datacenter,
                    .Domain = topology.domain,
                    .TrustDomain = topology.trust_domain,
                    .WanFederation = topology.wan_federation};
  for (const auto& each : topology.datacenters) kept.Datacenters.push_back(place(each.name, each.index, each.gateways));
  for (const auto& each : topology.servers) kept.Servers.push_back(place(each.node, 0, {each.address}));
  for (const auto& each : topology.services) kept.Services.push_back(place(each.sni, 0, each.instances));
  return base::to_json(kept);
}

Result<Topology> from_text(std::string_view text) {
  KeptTopology kept;
  if (Result<> read = base::read_json(text, kept); !read) return read.error();
  Topology topology{.datacenter = kept.Datacenter,
                    .domain = kept.Domain,
                    .trust_domain = kept.TrustDomain,
                    .wan_federation = kept.WanFederation};
  for (const KeptPlace& each : kept.Datacenters) {
    topology.datacenters.push_back({.name = each.Name, .index = each.Index, .gateways = addresses(each)});
  }
  for (const KeptPlace& each : kept.Servers) {
    for (Address& address : addresses(each)) topology.servers.push_back({.node = each.Name, .address = address});
  }
  for (const KeptPlace& each : kept.Services) {
    topology.services.push_back({.sni = each.Name, .instances = addresses(each)});
  }
  return topology;
}

Result<Topology> read_kept(const std::string& file) {
  if (file.empty()) return {Errc::not_found, "nothing is kept"};
  Result<std::string> text = base::read_file(file, kMostFileBytes);
  if (!text) return text.error();
  Result<Topology> topology = from_text(*text);
  if (!topology) return {Errc::corrupt, file + ": " + topology.error().detail};
  return topology;
}

}  // namespace proconsul::agent::gateway
