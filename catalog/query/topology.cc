#include "catalog/query/topology.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/quote.h"
#include "catalog/config_entry/entries.h"
#include "catalog/gateway/services.h"
#include "catalog/query/discovery_chain.h"
#include "catalog/query/gateways.h"
#include "catalog/query/intentions.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/proxy.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr std::string_view kConfigEntries = "config-entries";
constexpr std::string_view kTransparent = "transparent";
// More than this many services are not watched one by one: without intentions that could be all that there are.
constexpr std::size_t kMaxWatchedServices = 128;

using Names = std::vector<std::string>;

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

bool is_transparent(const InstanceRow& proxy) {
  static const base::Field& field = *base::type_of<StoredService>().by_wire("Proxy");
  return proxy.service().member<base::Rare<ConnectProxyConfig>>(field)->Mode == kTransparent;
}

bool is_proxy(const InstanceRow& row) {
  return service_kind(row.service()) == kKindConnectProxy;
}

/// The service that a proxy stands for; else its own.
std::string service_behind(const InstanceRow& row) {
  return is_proxy(row) ? connect_name(row.service()) : service_name(row.service());
}

/// Whether it reaches what intentions allow, without naming it.
bool reaches_by_intentions(const InstanceRow& row) {
  return is_proxy(row) ? is_transparent(row) : !connect_name(row.service()).empty();
}

std::string_view source_of(const IntentionDecisionSummary& decision) {
  if (decision.HasExact) return topology_source::kSpecificIntention;
  return decision.DefaultAllow ? topology_source::kDefaultAllow : topology_source::kWildcardIntention;
}

class Search {
 public:
  Search(const Tables& tables, const TopologyQuery& query, base::KeySet* watch)
      : tables_(tables), query_(query), watch_(watch) {}

  Result<ServiceTopology> run() {
    if (Result<> known = look_at_service(); !known) return known.error();
    if (Result<> found = find_upstreams(); !found) return found.error();
    if (Result<> found = find_downstreams(); !found) return found.error();
    return std::move(answer_);
  }

 private:
  void raise(std::uint64_t index) { answer_.index = std::max(answer_.index, index); }
  static void add(TopologySide& side, Names& names, const std::string& name, std::string_view source) {
    if (side.sources.emplace(name, source).second) names.push_back(name);
  }

  // ---- the service itself ----

  Result<> look_at_service() {
    if (query_.kind == kKindIngressGateway) {
      look_at_listeners<IngressGatewayConfigEntry>(kind::kIngressGateway);
    } else if (query_.kind == kKindApiGateway) {
      look_at_listeners<APIGatewayConfigEntry>(kind::kApiGateway);
    } else if (query_.kind == kKindTypical) {
      look_at_proxies();
    } else {
      return failed("unsupported kind " + base::quote(query_.kind));
    }
    return {};
  }

  template <class Entry>
  void look_at_listeners(std::string_view kind) {
    watch_key(watch_, Topic::config_entry, index_key({kind, query_.service}));
    const auto* entry = find_config_entry<Entry>(tables_, kind, query_.service);
    if (!entry) return;
    raise(tables_.index_of(kConfigEntries));
    const bool all_http =
        std::ranges::all_of(entry->Listeners, [](const auto& listener) { return is_http_like(listener.Protocol); });
    answer_.protocol = all_http && !entry->Listeners.empty() ? "http" : "tcp";
  }

  void look_at_proxies() {
    answer_.protocol = protocol_of_service(tables_, query_.service, watch_);
    raise(tables_.index_of(kConfigEntries));
    const InstancesAnswer proxies = catalog_instances(tables_, {.service = query_.service, .connect = true}, watch_);
    raise(proxies.index);
    answer_.transparent = !proxies.rows.empty();
    for (const InstanceRow* row : proxies.rows) {
      // One that is not is worth a warning to whoever looks at it.
      if (!is_transparent(*row)) answer_.transparent = false;
      if (reaches_by_intentions(*row)) by_intentions_ = true;
    }
  }

  // ---- whom it calls ----

  Result<> find_upstreams() {
    TopologySide& side = answer_.upstreams;
    side.sources.make_present();
    side.decisions.make_present();
    Names names;
    watch_links(LinkEnd::downstream, query_.service);
    for (const auto [key, link] : tables_.mesh_links_by_downstream.prefix(index_key({query_.service}))) {
      add(side, names, link->Upstream, topology_source::kRegistration);
    }
    if (query_.kind == kKindApiGateway) {
      watch_key(watch_, Topic::config_entry, index_key({kind::kBoundApiGateway, query_.service}));
      const ConfigEntry* bound = find_config_entry(tables_, kind::kBoundApiGateway, query_.service);
      if (!bound) return failed("not an APIGateway");
      for (const std::string& name : related_services(*bound)) {
        add(side, names, name, topology_source::kRegistration);
      }
    }
    if (names.empty() && !by_intentions_) return {};
    add_by_intentions(side, names, false, by_intentions_);
    keep_upstreams(rows_of(names));
    look_for_routes(names);
    return {};
  }

  void keep_upstreams(std::vector<const InstanceRow*> rows) {
    TopologySide& side = answer_.upstreams;
    if (!by_intentions_) {
      std::erase_if(rows, [&](const InstanceRow* row) { return !is_named(side, service_behind(*row)); });
    }
    side.rows = std::move(rows);
  }

  /// What has no instances may yet lead to some, by its entries.
  void look_for_routes(const Names& names) {
    TopologySide& side = answer_.upstreams;
    std::set<std::string> found;
    for (const InstanceRow* row : side.rows) found.insert(service_name(row->service()));
    for (const std::string& name : names) {
      if (found.contains(name)) continue;
      raise(tables_.index_of(kConfigEntries));
      for (const std::string_view kind : {kind::kServiceRouter, kind::kServiceSplitter, kind::kServiceResolver}) {
        watch_key(watch_, Topic::config_entry, index_key({kind, name}));
        if (find_config_entry(tables_, kind, name)) side.sources[name] = topology_source::kRoutingConfig;
      }
    }
  }

  // ---- who calls it ----

  Result<> find_downstreams() {
    TopologySide& side = answer_.downstreams;
    side.sources.make_present();
    side.decisions.make_present();
    const Result<Names> chains = chains_that_lead_here();
    if (!chains) return chains.error();
    Names names;
    for (const std::string& chain : *chains) {
      watch_links(LinkEnd::upstream, chain);
      for (const auto [key, link] : tables_.mesh_links.prefix(index_key({chain}))) {
        add(side, names, link->Downstream, topology_source::kRegistration);
      }
    }
    for (const ConfigEntry* entry : config_entries_naming(tables_, query_.service)) {
      if (entry->kind->name != kind::kBoundApiGateway) continue;
      raise(entry->ModifyIndex);
      add(side, names, entry->Name, topology_source::kRegistration);
    }
    add_by_intentions(side, names, true, true);
    keep_downstreams(rows_of(names));
    return {};
  }

  /// The services whose discovery chains have this one among their targets.
  Result<Names> chains_that_lead_here() {
    for (const std::string_view kind : {kind::kServiceRouter, kind::kServiceSplitter, kind::kServiceResolver,
                                        kind::kIngressGateway, kind::kBoundApiGateway}) {
      watch_below(watch_, Topic::config_entry, index_key({kind}));
    }
    std::set<std::string> linked{query_.service};
    std::deque<std::string> queue{query_.service};
    for (; !queue.empty(); queue.pop_front()) {
      for (const ConfigEntry* entry : config_entries_naming(tables_, queue.front())) {
        if (linked.insert(entry->Name).second) queue.push_back(entry->Name);
      }
    }
    Names chains;
    raise(1);
    for (const std::string& name : linked) {
      const Result<ChainAnswer> chain =
          discovery_chain(tables_, {.service = name, .datacenter = query_.datacenter, .flat = false}, watch_);
      if (!chain) {
        return failed("failed to get sources for discovery chain target " + base::quote(query_.service) +
                      ": failed to fetch discovery chain for " + base::quote(name) + ": " + chain.error().detail);
      }
      const bool leads_here = std::ranges::any_of(
          chain->chain.Targets, [&](const auto& target) { return target.second->Service == query_.service; });
      if (!leads_here) continue;
      raise(chain->index);
      chains.push_back(name);
    }
    return chains;
  }

  void keep_downstreams(std::vector<const InstanceRow*> rows) {
    TopologySide& side = answer_.downstreams;
    std::set<std::string> reaching;
    for (const InstanceRow* row : rows) {
      if (reaches_by_intentions(*row)) reaching.insert(service_behind(*row));
    }
    std::erase_if(rows, [&](const InstanceRow* row) {
      const std::string name = service_behind(*row);
      if (reaching.contains(name) || is_named(side, name)) return false;
      side.sources.erase(name);
      side.decisions.erase(name);
      return true;
    });
    side.rows = std::move(rows);
  }

  // ---- both ----

  static bool is_named(const TopologySide& side, const std::string& name) {
    const auto source = side.sources.find(name);
    return source != side.sources.end() && source->second == topology_source::kRegistration;
  }

  void watch_links(LinkEnd end, std::string_view service) {
    watch_key(watch_, Topic::index, link_watch_key(end, service));
    raise(tables_.index_of(kMeshLinks));  // not lower than the rows' own
  }

  /// What the intentions say of all of these, and, if that counts, those that they add.
  void add_by_intentions(TopologySide& side, Names& names, bool downstreams, bool more) {
    const IntentionsAnswer matched =
        match_intentions(tables_, downstreams ? IntentionSide::destination : IntentionSide::source, query_.service,
                         IntentionTarget::service, watch_);
    if (more) {
      const TopologyAnswer allowed = intention_topology(tables_, matched, query_.service, downstreams,
                                                        query_.default_allow, IntentionTarget::service, watch_);
      raise(allowed.index);
      for (const ServiceDecision& one : allowed.services) add(side, names, one.service, source_of(one.decision));
    }
    const Decisions decisions(matched.intentions, downstreams ? IntentionSide::source : IntentionSide::destination);
    for (const std::string& name : names) {
      side.decisions[name] = decisions.of(name, {.default_allow = query_.default_allow, .allow_permissions = false});
    }
  }

  /// All instances, and who stands for them in the mesh.
  std::vector<const InstanceRow*> rows_of(const Names& names) {
    base::KeySet* each = watch_;
    if (names.size() > kMaxWatchedServices) {
      each = nullptr;
      watch_below(watch_, Topic::index, lower_case(service_index({}, {})));
      watch_below(watch_, Topic::service, index_key({peer_part({})}));
      watch_below(watch_, Topic::connect, index_key({peer_part({})}));
      watch_key(watch_, Topic::index, kGatewayServices);
    }
    std::vector<const InstanceRow*> rows;
    std::unordered_set<const InstanceRow*> seen;
    for (const std::string& name : names) {
      for (const bool connect : {false, true}) {
        const InstancesAnswer found = health_instances(tables_, {.service = name, .connect = connect}, each);
        raise(found.index);
        for (const InstanceRow* row : found.rows) {
          if (seen.insert(row).second) rows.push_back(row);
        }
      }
    }
    return rows;
  }

  const Tables& tables_;
  const TopologyQuery& query_;
  base::KeySet* watch_;
  ServiceTopology answer_{};
  bool by_intentions_ = false;  // it reaches what intentions allow
};

}  // namespace

Result<ServiceTopology> service_topology(const Tables& tables, const TopologyQuery& query, base::KeySet* watch) {
  return Search(tables, query, watch).run();
}

}  // namespace proconsul::catalog
