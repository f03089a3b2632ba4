#include "catalog/query/instances.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "catalog/query/gateways.h"
#include "catalog/query/instance_indexes.h"
#include "catalog/registry/indexes.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/same.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

namespace {

// More than this many nodes are not watched one by one.
constexpr std::size_t kMaxWatchedNodes = 128;

}  // namespace

std::uint64_t index_of_service(const Tables& tables, std::string_view service, std::string_view peer, bool exists,
                               With with) {
  if (!exists) {
    const std::string extinction = peer_index(peer, kServiceExtinction);
    if (tables.indexes.contains(lower_case(extinction))) return tables.index_of(extinction);
  }
  const std::string own = lower_case(service_index(peer, service));
  if (tables.indexes.contains(own)) return tables.indexes.get(own);
  const std::uint64_t index = tables.index_of({peer_index(peer, "services"), peer_index(peer, "nodes")});
  return with == With::checks ? std::max(index, tables.index_of(peer_index(peer, "checks"))) : index;
}

namespace {

void watch_nodes_of(const std::vector<const InstanceRow*>& rows, std::string_view peer, base::KeySet* watch) {
  if (!watch) return;
  if (rows.size() > kMaxWatchedNodes) return watch_below(watch, Topic::node, index_key({peer_part(peer)}));
  for (const InstanceRow* row : rows) {
    watch_key(watch, Topic::node, index_key({peer_part(peer), row->service().get().Node}));
  }
}

struct Found {
  std::vector<const InstanceRow*> rows{};
  bool exists = false;  // something of that name, whatever its tags
};

Found find(const Tables& tables, const InstancesQuery& query, const std::string& prefix) {
  Found found;
  const auto& tree = query.connect ? tables.connect_instances : tables.instances;
  for (const auto [key, row] : tree.prefix(prefix)) {
    found.exists = true;
    if (query.connect || !query.tags || has_tags(*row, *query.tags)) found.rows.push_back(row);
  }
  return found;
}

/// A terminating gateway stands in the mesh for what it serves. They come behind the proxies, for a service may move
/// into the mesh one instance after the other. Returns the index of the answer as far as they matter.
std::uint64_t add_terminating_gateways(const Tables& tables, const InstancesQuery& query, Found& found,
                                       base::KeySet* watch) {
  if (!query.peer.empty()) return 0;
  const InstancesAnswer gateways = gateways_of_service(tables, query.service, kKindTerminatingGateway, watch);
  found.exists |= !gateways.rows.empty();
  found.rows.insert(found.rows.end(), gateways.rows.begin(), gateways.rows.end());
  return gateways.index;
}

Node node_of(const Tables& tables, const StoredService& service) {
  const NodeRow* row = find_node(tables, service.Node, service.PeerName);
  return row ? row->get() : Node{};
}

// The checks of the node come first, then those of the instance.
template <class Visit>
void each_check(const Tables& tables, const StoredService& service, Visit visit) {
  const std::string_view peer = peer_part(service.PeerName);
  for (const auto [key, row] : tables.checks_by_instance.prefix(index_key({peer, service.Node, ""}))) visit(*row);
  if (service.ID.empty()) return;
  for (const auto [key, row] : tables.checks_by_instance.prefix(index_key({peer, service.Node, service.ID}))) {
    visit(*row);
  }
}

}  // namespace

InstancesAnswer health_instances(const Tables& tables, const InstancesQuery& query, base::KeySet* watch) {
  const std::string prefix = index_key({peer_part(query.peer), query.service});
  Found found = find(tables, query, prefix);
  InstancesAnswer answer;
  if (query.connect) answer.index = add_terminating_gateways(tables, query, found, watch);
  // A service's index moves whenever its instances, their nodes or any of their checks change: one key to watch.
  std::set<std::string> names;
  if (query.connect) {
    for (const InstanceRow* row : found.rows) names.insert(service_name(row->service()));
  } else if (found.exists) {
    names.emplace(query.service);
  }
  for (const std::string& name : names) {
    answer.index = std::max(answer.index, index_of_service(tables, name, query.peer, true, With::checks));
    watch_key(watch, Topic::index, lower_case(service_index(query.peer, name)));
  }
  if (names.empty()) {
    answer.index = std::max(answer.index, index_of_service(tables, query.service, query.peer, false, With::checks));
  }
  // A proxy of another name may come, or the first instance of all.
  if (query.connect || names.empty()) {
    watch_below(watch, query.connect ? Topic::connect : Topic::service, prefix);
  }
  answer.rows = std::move(found.rows);
  return answer;
}

InstancesAnswer health_ingress(const Tables& tables, std::string_view service, base::KeySet* watch) {
  InstancesAnswer answer = gateways_of_service(tables, service, kKindIngressGateway, watch);
  std::set<std::string> names;
  for (const InstanceRow* row : answer.rows) names.insert(service_name(row->service()));
  answer.rows.clear();
  for (const std::string& name : names) {
    InstancesAnswer gateways = health_instances(tables, {.service = name}, watch);
    answer.index = std::max(answer.index, gateways.index);
    answer.rows.insert(answer.rows.end(), gateways.rows.begin(), gateways.rows.end());
  }
  return answer;
}

InstancesAnswer catalog_instances(const Tables& tables, const InstancesQuery& query, base::KeySet* watch) {
  const std::string prefix = index_key({peer_part(query.peer), query.service});
  Found found = find(tables, query, prefix);
  watch_below(watch, query.connect ? Topic::connect : Topic::service, prefix);
  InstancesAnswer answer;
  if (query.connect) answer.index = add_terminating_gateways(tables, query, found, watch);
  watch_nodes_of(found.rows, query.peer, watch);
  answer.index =
      std::max(answer.index, index_of_service(tables, query.service, query.peer, found.exists, With::services));
  answer.rows = std::move(found.rows);
  return answer;
}

InstancesAnswer instances_of_kind(const Tables& tables, std::string_view kind, std::string_view peer,
                                  base::KeySet* watch) {
  InstancesAnswer answer;
  const std::string index = peer_index(peer, std::string("service_kind.").append(kind_text(kind)));
  watch_key(watch, Topic::index, lower_case(index));
  answer.index = tables.index_of(index);
  if (!kind.empty()) {
    for (const auto [key, row] : tables.instances_by_kind.prefix(index_key({peer_part(peer), kind}))) {
      answer.rows.push_back(row);
    }
    return answer;
  }
  for (const InstanceRow* row : all_instances(tables, peer, nullptr).rows) {
    if (service_kind(row->service()).empty()) answer.rows.push_back(row);
  }
  return answer;
}

InstancesAnswer all_instances(const Tables& tables, std::string_view peer, base::KeySet* watch) {
  InstancesAnswer answer;
  for (const std::string_view table : {"checks", "services", "nodes"}) {
    // Not of the peer asked for, but our own: so do the servers that we share a cluster with.
    const std::string index = peer_index({}, table);
    watch_key(watch, Topic::index, index);
    answer.index = std::max(answer.index, tables.index_of(index));
  }
  for (const auto [key, row] : tables.services.prefix(index_key({peer_part(peer)}))) {
    const StoredService service = row->get();
    answer.rows.push_back(
        tables.instances.get(index_key({peer_part(peer), service.Service, service.Node, service.ID})));
  }
  return answer;
}

CheckServiceNode check_service_node(const Tables& tables, const InstanceRow& row, Parts parts) {
  StoredService service = row.service().get();
  CheckServiceNode joined;
  if (parts.node) joined.Node = node_of(tables, service);
  if (parts.checks) {
    each_check(tables, service, [&](const CheckRow& check) { joined.Checks.emplace_back(check.get()); });
  }
  if (parts.service) joined.Service = NodeService(std::move(service));
  return joined;
}

ServiceNode service_node(const Tables& tables, const InstanceRow& row) {
  StoredService service = row.service().get();
  Node node = node_of(tables, service);
  ServiceNode joined;
  static_cast<RaftIndex&>(joined) = service;
  joined.ID = std::move(node.ID);
  joined.Node = std::move(service.Node);
  joined.Address = std::move(node.Address);
  joined.Datacenter = std::move(node.Datacenter);
  joined.TaggedAddresses = std::move(node.TaggedAddresses);
  joined.NodeMeta = std::move(node.Meta);
  joined.ServiceKind = std::move(service.Kind);
  joined.ServiceID = std::move(service.ID);
  joined.ServiceName = std::move(service.Service);
  joined.ServiceTags = std::move(service.Tags);
  joined.ServiceAddress = std::move(service.Address);
  joined.ServiceTaggedAddresses = std::move(service.TaggedAddresses);
  if (service.Weights) joined.ServiceWeights = *service.Weights;
  joined.ServiceMeta = std::move(service.Meta);
  joined.ServiceMeta.make_present();  // in this shape it is never null
  joined.ServicePort = service.Port;
  joined.ServiceSocketPath = std::move(service.SocketPath);
  joined.ServiceEnableTagOverride = service.EnableTagOverride;
  joined.ServiceProxy = std::move(service.Proxy);
  joined.ServiceConnect = std::move(service.Connect);
  joined.ServiceLocality = std::move(service.Locality);
  joined.PeerName = std::move(service.PeerName);
  return joined;
}

namespace {

InstanceRow::Health worse(InstanceRow::Health worst, std::string_view status) {
  using Health = InstanceRow::Health;
  if (status == kHealthPassing) return worst;
  return std::max(worst, status == kHealthCritical ? Health::critical : Health::warning);
}

}  // namespace

InstanceRow::Health health(const Tables& tables, const InstanceRow& row) {
  using Health = InstanceRow::Health;
  if (const Health known = row.health(); known != Health::unknown) return known;
  Health worst = Health::passing;
  each_check(tables, row.service().get(), [&](const CheckRow& check) { worst = worse(worst, check_status(check)); });
  row.remember(worst);
  return worst;
}

InstanceRow::Health health_without(const Tables& tables, const InstanceRow& row,
                                   const std::vector<std::string>& ignored_checks) {
  InstanceRow::Health worst = InstanceRow::Health::passing;
  each_check(tables, row.service().get(), [&](const CheckRow& check) {
    const HealthCheck seen = check.get();
    if (std::ranges::find(ignored_checks, seen.CheckID) == ignored_checks.end()) worst = worse(worst, seen.Status);
  });
  return worst;
}

bool has_tags(const InstanceRow& row, const std::vector<std::string>& tags) {
  return tags.empty() || has_tags(service_tags(row.service()), tags);
}

bool has_tags(const std::vector<std::string>& own, const std::vector<std::string>& tags) {
  return std::all_of(tags.begin(), tags.end(), [&](const std::string& wanted) {
    return std::any_of(own.begin(), own.end(), [&](const std::string& tag) { return same_letters(tag, wanted); });
  });
}

bool has_meta(const base::Map<std::string>& meta, const MetaFilter& filter) {
  return std::all_of(filter.begin(), filter.end(), [&](const auto& wanted) {
    const auto found = meta.find(wanted.first);
    return found != meta.end() && found->second == wanted.second;
  });
}

bool node_has_meta(const Tables& tables, const InstanceRow& row, const MetaFilter& filter) {
  if (filter.empty()) return true;
  const StoredService service = row.service().get();
  const NodeRow* node = find_node(tables, service.Node, service.PeerName);
  return node && has_meta(node_meta(*node), filter);
}

namespace {

template <class Encode>
std::string_view json_of(const InstanceRow& row, InstanceRow::Form form, std::string& scratch, Encode encode) {
  if (const SharedText* kept = row.json(form)) return kept->text();
  scratch.clear();
  encode();
  const SharedText* kept = row.remember(form, scratch);
  return kept ? kept->text() : std::string_view(scratch);
}

}  // namespace

std::string_view health_json(const Tables& tables, const InstanceRow& row, std::string& scratch) {
  return json_of(row, InstanceRow::Form::health, scratch, [&] {
    CheckServiceNode joined = check_service_node(tables, row);
    show_lists(joined);
    base::append_json(scratch, joined);
  });
}

std::string_view catalog_json(const Tables& tables, const InstanceRow& row, std::string& scratch) {
  return json_of(row, InstanceRow::Form::catalog, scratch, [&] {
    ServiceNode joined = service_node(tables, row);
    show_lists(joined);
    base::append_json(scratch, joined);
  });
}

void show_lists(HealthCheck& check) {
  check.ServiceTags.make_present();
}

void show_lists(NodeService& service) {
  service.Tags.make_present();
}

void show_lists(ServiceNode& service) {
  service.ServiceTags.make_present();
}

void show_lists(CheckServiceNode& instance) {
  instance.Checks.make_present();
  for (auto& check : instance.Checks) show_lists(*check);
  if (instance.Service) show_lists(*instance.Service);
}

void filter_by_health(const Tables& tables, std::vector<const InstanceRow*>& rows, HealthFilter filter) {
  if (filter == HealthFilter::all) return;
  const auto excluded = [&](const InstanceRow* row) {
    const InstanceRow::Health worst = health(tables, *row);
    return worst == InstanceRow::Health::critical ||
           (filter == HealthFilter::only_passing && worst != InstanceRow::Health::passing);
  };
  for (std::size_t i = 0; i < rows.size();) {
    if (excluded(rows[i])) {
      rows[i] = rows.back();
      rows.pop_back();
    } else {
      ++i;
    }
  }
}

}  // namespace proconsul::catalog
