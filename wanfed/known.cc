#include "wanfed/known.h"

#include <algorithm>
#include <span>

#include "catalog/query/instances.h"

namespace proconsul::wanfed {

using catalog::CheckServiceNode;

namespace {

constexpr const char* kWan = "wan";

bool takes_part(const CheckServiceNode& instance) {
  if (!instance.Service) return false;
  const auto meta = instance.Service->Meta.find(std::string(kFederationMeta));
  return meta != instance.Service->Meta.end() && meta->second == "1";
}

bool is_critical(const CheckServiceNode& instance) {
  return std::ranges::any_of(instance.Checks, [](const auto& check) { return check && check->Status == "critical"; });
}

void add(Addresses& to, std::string address) {
  if (!address.empty()) to.push_back(std::move(address));
}

void arrange(Addresses& addresses) {
  std::ranges::sort(addresses);
  const auto [from, to] = std::ranges::unique(addresses);
  addresses.erase(from, to);
}

}  // namespace

std::string address_of(const CheckServiceNode& instance, bool wan) {
  const catalog::NodeService& service = *instance.Service;
  std::string host = service.Address;
  auto port = static_cast<std::int64_t>(service.Port);
  if (const auto tagged = service.TaggedAddresses.find(kWan); wan && tagged != service.TaggedAddresses.end()) {
    host = tagged->second.Address;
    if (tagged->second.Port != 0) port = tagged->second.Port;
  }
  if (host.empty() && instance.Node) {
    host = instance.Node->Address;
    const auto& tagged = instance.Node->TaggedAddresses;
    if (const auto found = tagged.find(kWan); wan && found != tagged.end() && !found->second.empty()) {
      host = found->second;
    }
  }
  if (host.empty() || port <= 0 || port > 65535) return {};
  const bool v6 = host.find(':') != host.npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Knowledge known_gateways(const catalog::Tables& tables) {
  Knowledge known;
  for (const auto [key, row] : tables.federation_states.all()) {
    const catalog::FederationState& state = *row;
    Gateways& gateways = known.states[state.Datacenter];
    // That all are critical may be old news, and nobody but they could bring newer ones.
    const bool all_critical = std::ranges::none_of(
        state.MeshGateways, [](const auto& instance) { return takes_part(instance) && !is_critical(instance); });
    for (const CheckServiceNode& instance : state.MeshGateways) {
      if (!takes_part(instance) || (!all_critical && is_critical(instance))) continue;
      add(gateways.lan, address_of(instance, false));
      add(gateways.wan, address_of(instance, true));
    }
    arrange(gateways.lan);
    arrange(gateways.wan);
  }
  for (const catalog::InstanceRow* row :
       catalog::instances_of_kind(tables, catalog::kKindMeshGateway, "", nullptr).rows) {
    const CheckServiceNode instance = catalog::check_service_node(tables, *row);
    if (takes_part(instance) && !is_critical(instance)) add(known.local, address_of(instance, false));
  }
  arrange(known.local);
  return known;
}

}  // namespace proconsul::wanfed
