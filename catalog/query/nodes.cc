#include "catalog/query/nodes.h"

#include <algorithm>
#include <map>
#include <set>

#include "catalog/registry/indexes.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

NodesAnswer list_nodes(const Tables& tables, const MetaFilter& meta, std::string_view peer, base::KeySet* watch) {
  const std::string prefix = index_key({peer_part(peer)});
  watch_below(watch, Topic::node, prefix);
  NodesAnswer answer{tables.index_of(peer_index(peer, "nodes")), {}};
  for (const auto [key, row] : tables.nodes.prefix(prefix)) {
    if (meta.empty() || has_meta(node_meta(*row), meta)) answer.rows.push_back(row);
  }
  return answer;
}

NodeServicesAnswer services_of_node(const Tables& tables, std::string_view name_or_id, std::string_view peer,
                                    base::KeySet* watch) {
  NodeServicesAnswer answer;
  const std::string name_key = index_key({peer_part(peer), name_or_id});
  bool many = false;
  answer.node = find_node_by_name_or_id(tables, name_or_id, peer, &many);
  if (!answer.node) {
    if (name_or_id.size() >= kMinNodeIdLength && !many)
      answer.index = tables.index_of(peer_index(peer, kNodeExtinction));
    watch_key(watch, Topic::node, name_key);
    return answer;
  }
  const std::string name = answer.node->get().Node;
  const std::string prefix = index_key({peer_part(peer), name});
  watch_key(watch, Topic::node, prefix);
  watch_below(watch, Topic::node_service, prefix);
  answer.index = tables.index_of(node_index(peer, name));
  for (const auto [key, row] : tables.services.prefix(prefix)) answer.services.push_back(row);
  return answer;
}

namespace {

using TagSets = std::map<std::string, std::set<std::string>, std::less<>>;

base::Map<base::List<std::string>> as_lists(TagSets& sets) {
  base::Map<base::List<std::string>> services;
  services.make_present();
  for (auto& [name, tags] : sets) {
    base::List<std::string>& list = services[name].make_present();
    list.assign(tags.begin(), tags.end());
  }
  return services;
}

void watch_services(base::KeySet* watch, std::string_view peer) {
  watch_below(watch, Topic::node_service, index_key({peer_part(peer)}));
}

// Each service row; with a filter, those on nodes that pass it. Returns the answer's index.
template <class Visit>
std::uint64_t each_listed(const Tables& tables, const MetaFilter& meta, std::string_view peer, base::KeySet* watch,
                          Visit visit) {
  watch_services(watch, peer);
  std::uint64_t index = tables.index_of(peer_index(peer, "services"));
  if (meta.empty()) {
    for (const auto [key, row] : tables.services.prefix(index_key({peer_part(peer)}))) visit(*row);
    return index;
  }
  const NodesAnswer nodes = list_nodes(tables, meta, peer, watch);
  for (const NodeRow* node : nodes.rows) {
    for (const auto [key, row] : tables.services.prefix(index_key({peer_part(peer), node->get().Node}))) visit(*row);
  }
  return std::max(index, nodes.index);
}

}  // namespace

ServiceTagsAnswer list_services(const Tables& tables, const MetaFilter& meta, std::string_view peer,
                                base::KeySet* watch) {
  ServiceTagsAnswer answer;
  TagSets sets;
  answer.index = each_listed(tables, meta, peer, watch, [&](const ServiceRow& row) {
    std::set<std::string>& tags = sets[service_name(row)];
    for (std::string& tag : service_tags(row)) tags.insert(std::move(tag));
  });
  answer.services = as_lists(sets);
  return answer;
}

InstancesAnswer listed_instances(const Tables& tables, const MetaFilter& meta, std::string_view peer,
                                 base::KeySet* watch) {
  InstancesAnswer answer;
  watch_below(watch, Topic::node, index_key({peer_part(peer)}));
  answer.index = each_listed(tables, meta, peer, watch, [&](const ServiceRow& row) {
    const StoredService service = row.get();
    answer.rows.push_back(
        tables.instances.get(index_key({peer_part(peer), service.Service, service.Node, service.ID})));
  });
  return answer;
}

base::Map<base::List<std::string>> tags_by_name(const std::vector<ServiceNode>& services) {
  TagSets sets;
  for (const ServiceNode& service : services) {
    sets[service.ServiceName].insert(service.ServiceTags.begin(), service.ServiceTags.end());
  }
  return as_lists(sets);
}

NodeDumpAnswer dump_nodes(const Tables& tables, std::string_view name, std::string_view peer, base::KeySet* watch) {
  NodeDumpAnswer answer;
  answer.index = tables.index_of({peer_index(peer, "checks"), peer_index(peer, "services"), peer_index(peer, "nodes")});
  const std::string prefix = name.empty() ? index_key({peer_part(peer)}) : index_key({peer_part(peer), name});
  watch_below(watch, Topic::node, prefix);
  watch_below(watch, Topic::node_service, prefix);
  watch_below(watch, Topic::check, prefix);
  for (const auto [key, row] : tables.nodes.prefix(prefix)) {
    Node node = row->get();
    NodeInfo& info = answer.dump.emplace_back().emplace();
    info.ID = std::move(node.ID);
    info.Node = std::move(node.Node);
    info.PeerName = std::move(node.PeerName);
    info.Address = std::move(node.Address);
    info.TaggedAddresses = std::move(node.TaggedAddresses);
    info.Meta = std::move(node.Meta);
    for (const auto [service_key, service_row] : tables.services.prefix(key)) {
      NodeService& service = info.Services.emplace_back().emplace();
      service = service_row->get();
      // Servers before 1.16 told their version only here.
      const auto version = service.Meta.find("version");
      if (service.ID == kConsulServiceId && version != service.Meta.end() && !version->second.empty()) {
        info.Meta.try_emplace("consul-version", version->second);
      }
    }
    for (const auto [check_key, check] : tables.checks.prefix(key)) info.Checks.emplace_back(check->get());
  }
  return answer;
}

KindNamesAnswer service_names_of_kind(const Tables& tables, std::string_view kind, base::KeySet* watch) {
  KindNamesAnswer answer;
  const std::string index = std::string("kind_service_names.").append(kind_text(kind));
  watch_key(watch, Topic::index, index);
  answer.index = tables.index_of(index);
  for (const auto [key, row] : tables.kind_service_names.prefix(index_key({kind}))) {
    answer.names.push_back(row->Service);
  }
  return answer;
}

}  // namespace proconsul::catalog
