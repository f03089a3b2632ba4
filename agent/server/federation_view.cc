#include "agent/server/federation_view.h"

#include <utility>

#include "catalog/query/federation.h"
#include "catalog/query/instances.h"
#include "catalog/registry/connect_ca.h"
#include "catalog/store/store.h"
#include "wanfed/known.h"

namespace proconsul::agent::server {
namespace {

using catalog::CheckServiceNode;

bool is_marked(const CheckServiceNode& instance) {
  const auto meta = instance.Service->Meta.find(std::string(wanfed::kFederationMeta));
  return meta != instance.Service->Meta.end() && meta->second == "1";
}

std::string health_of(const CheckServiceNode& instance) {
  std::string worst = "passing";
  for (const auto& check : instance.Checks) {
    if (!check) continue;
    if (check->Status == "critical") return "critical";
    if (check->Status == "warning") worst = "warning";
  }
  return worst;
}

doctor::Gateway gateway_of(const CheckServiceNode& instance) {
  return {.ID = instance.Service->ID,
          .Node = instance.Node ? std::string(instance.Node->Node) : std::string(),
          .Lan = wanfed::address_of(instance, false),
          .Wan = wanfed::address_of(instance, true),
          .Tagged = instance.Service->TaggedAddresses.contains("wan"),
          .Marked = is_marked(instance),
          .Health = health_of(instance)};
}

base::List<std::string> list(const wanfed::Addresses& addresses) {
  base::List<std::string> all(addresses.begin(), addresses.end());
  all.make_present();
  return all;
}

}  // namespace

void look_at_state(const Server& server, doctor::View& view) {
  const Leadership leadership = server.leadership();
  view.Leader = leadership.is_leader;
  view.KnowsLeader = leadership.known;
  const auto state = server.view();
  const catalog::Tables& tables = state->tables();
  view.Gateways.make_present();
  for (const catalog::InstanceRow* row :
       catalog::instances_of_kind(tables, catalog::kKindMeshGateway, "", nullptr).rows) {
    const CheckServiceNode instance = catalog::check_service_node(tables, *row);
    if (instance.Service) view.Gateways.push_back(gateway_of(instance));
  }
  wanfed::Knowledge known = wanfed::known_gateways(tables);
  view.States.make_present();
  for (const catalog::FederationState* row : catalog::federation_states(tables, nullptr).rows) {
    const wanfed::Gateways& usable = known.states[row->Datacenter];
    view.States.push_back({.Datacenter = row->Datacenter,
                           .UpdatedAt = row->UpdatedAt,
                           .Gateways = static_cast<std::int64_t>(row->MeshGateways.size()),
                           .Lan = list(usable.lan),
                           .Wan = list(usable.wan)});
  }
  view.Indexes[kAclPolicies] = tables.index_of("acl-policies");
  view.Indexes[kAclRoles] = tables.index_of("acl-roles");
  view.Indexes[kAclTokens] = tables.index_of("acl-tokens");
  view.Indexes[kConfigEntries] = tables.index_of("config-entries");
  view.Indexes[kFederationStates] = catalog::federation_states(tables, nullptr).index;
  for (const catalog::CARoot* root : catalog::ca_roots(tables, nullptr).roots) {
    if (root->Active) view.Root = root->ID;
  }
}

}  // namespace proconsul::agent::server
