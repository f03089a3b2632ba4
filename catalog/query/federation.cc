#include "catalog/query/federation.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/msgpack.h"
#include "catalog/query/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/same.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {
namespace {

constexpr std::string_view kTable = "federation-states";
constexpr std::string_view kMeshGateway = "mesh-gateway";

/// What both may lack.
template <class T, class Same>
bool same_if_there(const base::Pointer<T>& a, const base::Pointer<T>& b, Same same) {
  return a && b ? same(*a, *b) : !a && !b;
}

bool same_instance(const CheckServiceNode& a, const CheckServiceNode& b) {
  return same_if_there(a.Node, b.Node, same_node) && same_if_there(a.Service, b.Service, same_registration) &&
         std::ranges::equal(a.Checks, b.Checks,
                            [](const auto& x, const auto& y) { return same_if_there(x, y, same_check); });
}

}  // namespace

FederationStatesAnswer federation_states(const Tables& tables, base::KeySet* watch) {
  watch_key(watch, Topic::index, kTable);
  FederationStatesAnswer answer{.index = tables.index_of(kTable)};
  for (const auto [key, row] : tables.federation_states.all()) answer.rows.push_back(row);
  return answer;
}

FederationStateAnswer federation_state(const Tables& tables, std::string_view datacenter, base::KeySet* watch) {
  watch_key(watch, Topic::index, kTable);
  return {.index = tables.index_of(kTable), .row = tables.federation_states.get(index_key({datacenter}))};
}

FederationState current_federation_state(const Tables& tables, std::string_view datacenter, base::KeySet* watch) {
  FederationState state;
  state.Datacenter = datacenter;
  for (const InstanceRow* row : instances_of_kind(tables, kMeshGateway, {}, watch).rows) {
    CheckServiceNode instance = check_service_node(tables, *row);
    // Its address may change while nothing else does.
    if (instance.Node) watch_key(watch, Topic::node, index_key({peer_part({}), instance.Node->Node}));
    state.MeshGateways.push_back(std::move(instance));
  }
  // The log keeps apart less than memory does (nothing, and an empty list): what differed in that alone would be
  // written again and again.
  std::string bytes;
  base::append_msgpack(bytes, state);
  FederationState read;
  return base::read_msgpack(bytes, read) ? read : state;
}

bool same_federation_state(const FederationState& a, const FederationState& b) {
  return a.Datacenter == b.Datacenter && std::ranges::equal(a.MeshGateways, b.MeshGateways, same_instance);
}

}  // namespace proconsul::catalog
