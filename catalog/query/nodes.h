// Nodes and what is on them: the queries behind /v1/catalog/nodes, /v1/catalog/node, /v1/catalog/node-services,
// /v1/catalog/services and /v1/internal/ui. See instances.h for what answers have in common.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/watch.h"
#include "catalog/query/instances.h"
#include "catalog/registry/rows.h"
#include "catalog/store/tables.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

struct NodesAnswer {
  std::uint64_t index{};
  std::vector<const NodeRow*> rows{};
};
/// All nodes by name, or those with this metadata.
NodesAnswer list_nodes(const Tables& tables, const MetaFilter& meta, std::string_view peer, base::KeySet* watch);

/// The services of one node. Found by name, or by an unambiguous beginning of its UUID.
struct NodeServicesAnswer {
  std::uint64_t index{};
  const NodeRow* node{};  // null: there is none
  std::vector<const ServiceRow*> services{};
};
NodeServicesAnswer services_of_node(const Tables& tables, std::string_view name_or_id, std::string_view peer,
                                    base::KeySet* watch);

/// Every service name with the tags of all its instances, sorted.
struct ServiceTagsAnswer {
  std::uint64_t index{};
  base::Map<base::List<std::string>> services{};
};
ServiceTagsAnswer list_services(const Tables& tables, const MetaFilter& meta, std::string_view peer,
                                base::KeySet* watch);
/// The instances that list_services() sums up, for a filter to choose from.
InstancesAnswer listed_instances(const Tables& tables, const MetaFilter& meta, std::string_view peer,
                                 base::KeySet* watch);
base::Map<base::List<std::string>> tags_by_name(const std::vector<ServiceNode>& services);

/// A node with all its services and checks; all nodes when the name is empty.
struct NodeDumpAnswer {
  std::uint64_t index{};
  base::List<base::Pointer<NodeInfo>> dump{};
};
NodeDumpAnswer dump_nodes(const Tables& tables, std::string_view node, std::string_view peer, base::KeySet* watch);

/// Services that there are, or have a mesh proxy, by kind.
struct KindNamesAnswer {
  std::uint64_t index{};
  std::vector<std::string> names{};
};
KindNamesAnswer service_names_of_kind(const Tables& tables, std::string_view kind, base::KeySet* watch);

}  // namespace proconsul::catalog
