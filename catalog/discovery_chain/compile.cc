#include "catalog/discovery_chain/compile.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "catalog/config_entry/hash.h"
#include "catalog/discovery_chain/graph.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

/// What is hashed of a request; the peer's struct has no name.
struct ChainCustomization {
  MeshGatewayConfig OverrideMeshGateway{};
  std::string OverrideProtocol{};
  base::Duration OverrideConnectTimeout{};
};
PROCONSUL_DECLARE_TYPE(ChainCustomization)

PROCONSUL_DESCRIBE_TYPE(ChainCustomization, "") {
  type.field("OverrideMeshGateway", &ChainCustomization::OverrideMeshGateway);
  type.field("OverrideProtocol", &ChainCustomization::OverrideProtocol);
  type.field("OverrideConnectTimeout", &ChainCustomization::OverrideConnectTimeout);
}

namespace {

constexpr base::Duration kConnectTimeout = base::seconds(5);

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

/// Of a target: what is chosen before it is known to be one.
struct Choice {
  std::string service{};
  std::string subset{};
  std::string datacenter{};
  std::string peer{};
  std::string name_space = "default";
  std::string partition = "default";

  std::string id() const {
    const std::string full = service + "." + name_space + "." + partition;
    if (!peer.empty()) return full + ".external." + peer;
    return (subset.empty() ? std::string{} : subset + ".") + full + "." + datacenter;
  }
};

template <class From>
Choice choice_of(const From& from) {
  return {from.Service, from.ServiceSubset, from.Datacenter, from.Peer};
}

bool is_default(const ServiceResolverConfigEntry& entry) {
  return entry.DefaultSubset.empty() && entry.Subsets.empty() && !entry.Redirect && entry.Failover.empty() &&
         entry.ConnectTimeout == base::Duration{} && entry.RequestTimeout == base::Duration{} && !entry.LoadBalancer &&
         !entry.PrioritizeByLocality;
}

bool is_hash_based(const base::Pointer<LoadBalancer>& balancer) {
  return balancer && (balancer->Policy == "maglev" || balancer->Policy == "ring_hash");
}

class ChainCompiler {
 public:
  ChainCompiler(const ProposedEntries& entries, const ChainRequest& request, base::KeySet* watch)
      : entries_(entries),
        request_(request),
        watch_(watch),
        plain_(!request.protocol.empty() && !is_http_like(request.protocol)) {}

  Result<CompiledChain> run() {
    if (request_.service.empty()) return failed("serviceName is required");
    describe_service();
    Result<std::string> start = assemble();
    if (!start) return start.error();
    graph_.start = std::move(*start);
    if (Result<> checked = refuse_circles(graph_); !checked) return checked.error();
    if (request_.flat) {
      if (Result<> flat = flatten_splitters(graph_); !flat) return flat.error();
    }
    remove_unused_nodes(graph_);
    if (advanced_ && !is_http_like(chain().Protocol)) {
      return failed("discovery chain " + base::quote(request_.service) + " uses a protocol " +
                    base::quote(chain().Protocol) + " that does not permit advanced routing or splitting behavior");
    }
    finish();
    return std::move(made_);
  }

 private:
  CompiledDiscoveryChain& chain() { return made_.chain; }

  static std::string node_key(std::string_view type, std::string_view name) {
    return std::string(type).append(":").append(name);
  }
  static std::string node_name(const std::string& service) { return service + ".default.default"; }

  template <class T>
  const T* find(std::string_view kind, std::string_view name) {
    watch_key(watch_, Topic::config_entry, index_key({kind, name}));
    const T* entry = entries_.find<T>(kind, name);
    made_.has_entries |= entry != nullptr;
    return entry;
  }
  const ServiceConfigEntry* service_defaults(const std::string& service) {
    return find<ServiceConfigEntry>(kind::kServiceDefaults, service);
  }
  const ProxyConfigEntry* proxy_defaults() { return find<ProxyConfigEntry>(kind::kProxyDefaults, "global"); }

  void describe_service() {
    chain().ServiceName = request_.service;
    chain().Namespace = chain().Partition = "default";
    chain().Datacenter = request_.datacenter;
    if (const auto* all = proxy_defaults()) chain().EnvoyExtensions = all->EnvoyExtensions;
    if (const auto* own = service_defaults(request_.service)) {
      chain().ServiceMeta = own->Meta;
      for (const EnvoyExtension& extension : own->EnvoyExtensions) chain().EnvoyExtensions.push_back(extension);
    }
  }

  Result<> record_protocol(const std::string& service) {
    std::string protocol;
    if (const auto* defaults = service_defaults(service)) {
      protocol = defaults->Protocol;
    } else if (const auto* all = proxy_defaults()) {
      protocol = all->Protocol;
    }
    protocol = protocol.empty() ? "tcp" : lower_case(protocol);
    std::string& common = chain().Protocol;
    if (common.empty()) common = protocol;
    if (common == protocol) return {};
    return failed("discovery chain " + base::quote(request_.service) + " uses inconsistent protocols; service " +
                  base::quote(service) + " has " + base::quote(protocol) + " which is not " + base::quote(common));
  }

  // ---- routers ----

  Result<std::string> assemble() {
    const auto* router = find<ServiceRouterConfigEntry>(kind::kServiceRouter, request_.service);
    if (router && plain_) {
      router = nullptr;
      custom_protocol_ = true;
    }
    if (!router) return splitter_or_resolver(here(request_.service));
    advanced_ = true;
    if (Result<> recorded = record_protocol(router->Name); !recorded) return recorded.error();
    DiscoveryGraphNode node{.Type = "router", .Name = node_name(router->Name)};
    const auto add = [&](ServiceRoute definition, std::string next) {
      DiscoveryRoute& route = node.Routes.emplace_back().emplace();
      route.Definition = std::move(definition);
      route.NextNode = std::move(next);
    };
    for (const ServiceRoute& route : router->Routes) {
      Choice to = routed_to(route.Destination.get());
      Result<std::string> next = to.subset.empty() ? splitter_or_resolver(std::move(to)) : resolver(std::move(to));
      if (!next) return next;
      add(route, std::move(*next));
    }
    Result<std::string> rest = splitter_or_resolver(here(router->Name));
    if (!rest) return rest;
    add(route_for_the_rest(router->Name), std::move(*rest));
    std::string key = node_key(node.Type, node.Name);
    graph_.nodes.emplace(key, std::move(node));
    return key;
  }

  /// Nothing is known of other namespaces and partitions, but a route may name them.
  Choice routed_to(const ServiceRouteDestination* to) const {
    Choice choice = here(request_.service);
    if (!to) return choice;
    if (!to->Service.empty()) choice.service = to->Service;
    choice.subset = to->ServiceSubset;
    if (!to->Namespace.empty()) choice.name_space = to->Namespace;
    if (!to->Partition.empty()) choice.partition = to->Partition;
    return choice;
  }

  /// What no route matches goes to the service itself.
  static ServiceRoute route_for_the_rest(const std::string& service) {
    ServiceRoute route;
    route.Match.emplace().HTTP.emplace().PathPrefix = "/";
    ServiceRouteDestination& to = route.Destination.emplace();
    to.Service = service;
    to.Namespace = to.Partition = "default";
    return route;
  }

  // ---- splitters ----

  Result<std::string> splitter_or_resolver(Choice choice) {
    Result<std::string> split = splitter(choice.service);
    if (!split || !split->empty()) return split;
    return resolver(std::move(choice));
  }

  /// A splitter whose splits are being followed.
  struct OpenSplitter {
    std::string service{};
    std::string key{};
    const ServiceSplitterConfigEntry* entry = nullptr;
    std::size_t next = 0;
  };

  /// The key of the service's splitter, which is opened if it is new; empty if it has none.
  std::string open_splitter(const std::string& service, std::vector<OpenSplitter>& open) {
    std::string key = node_key("splitter", node_name(service));
    if (graph_.nodes.contains(key)) return key;
    const auto* entry = find<ServiceSplitterConfigEntry>(kind::kServiceSplitter, service);
    if (entry && plain_) {
      entry = nullptr;
      custom_protocol_ = true;
    }
    if (!entry) return {};
    // It counts as met before its splits are looked at, so that a circle ends here; refuse_circles() tells of it.
    graph_.nodes.emplace(key, DiscoveryGraphNode{.Type = "splitter", .Name = node_name(service)});
    open.push_back({service, key, entry});
    return key;
  }

  Result<std::string> splitter(const std::string& service) {
    std::vector<OpenSplitter> open;
    const std::string first = open_splitter(service, open);
    while (!open.empty()) {
      const std::size_t top = open.size() - 1;
      if (open[top].next == open[top].entry->Splits.size()) {
        advanced_ = true;
        graph_.splitters.push_back(open[top].key);
        open.pop_back();
        continue;
      }
      const OpenSplitter at = open[top];
      ++open[top].next;
      const ServiceSplit& definition = at.entry->Splits[at.next];
      const std::string& to = definition.Service.empty() ? at.service : definition.Service;
      std::string next;
      if (lower_case(to) != lower_case(at.service) && definition.ServiceSubset.empty()) next = open_splitter(to, open);
      if (next.empty()) {
        Result<std::string> resolved = resolver(here(to, definition.ServiceSubset));
        if (!resolved) return resolved;
        next = std::move(*resolved);
        // A splitter balances in one way for all; the first hash that is met counts.
        DiscoveryGraphNode& node = graph_.nodes.at(at.key);
        const auto& balancer = graph_.nodes.at(next).LoadBalancer;
        if (!node.LoadBalancer && is_hash_based(balancer)) node.LoadBalancer = balancer;
      }
      DiscoverySplit& split = graph_.nodes.at(at.key).Splits.emplace_back().emplace();
      split.Definition = definition;
      split.Weight = definition.Weight;
      split.NextNode = std::move(next);
    }
    return first;
  }

  // ---- resolvers ----

  Choice here(const std::string& service, const std::string& subset = {}) const {
    return {service, subset, request_.datacenter, {}};
  }

  /// With what a redirect or a failover says; what it leaves empty stays.
  Choice rewritten(Choice choice, const Choice& by) const {
    if (!by.service.empty() && by.service != choice.service) {
      choice.service = by.service;
      choice.subset.clear();
    }
    if (!by.subset.empty()) choice.subset = by.subset;
    if (!by.datacenter.empty()) choice.datacenter = by.datacenter;
    choice.peer = by.peer;
    if (!choice.peer.empty()) {
      choice.datacenter.clear();
      choice.name_space = choice.partition = "default";
    } else if (choice.datacenter.empty()) {
      choice.datacenter = request_.datacenter;
    }
    return choice;
  }

  DiscoveryTarget& target_of(const Choice& choice) {
    std::string id = choice.id();
    auto& slot = chain().Targets[id];
    if (slot) return *slot;
    DiscoveryTarget& target = slot.emplace();
    target.ID = std::move(id);
    target.Service = choice.service;
    target.ServiceSubset = choice.subset;
    target.Namespace = choice.name_space;
    target.Partition = choice.partition;
    target.Datacenter = choice.datacenter;
    target.Peer = choice.peer;
    // The trust domain of a peer is not known here.
    if (choice.peer.empty()) {
      const bool local = choice.partition == "default";
      target.Name = (choice.subset.empty() ? std::string{} : choice.subset + ".") + choice.service + "." +
                    choice.name_space + "." + (local ? std::string{} : choice.partition + ".") + choice.datacenter +
                    (local ? ".internal." : ".internal-v1.") + request_.trust_domain;
      target.SNI = target.Name;
    }
    return target;
  }

  static const ServiceResolverConfigEntry& no_resolver() {
    static const ServiceResolverConfigEntry kNone;
    return kNone;
  }

  /// Follows redirects and default subsets to the service that answers; nothing if that is known already.
  struct Resolved {
    Choice choice{};
    const ServiceResolverConfigEntry* entry = nullptr;  // null: there is a node for it
  };
  Result<Resolved> follow(Choice choice) {
    std::vector<std::string> redirects;
    std::set<std::string> seen;
    for (;;) {
      const std::string id = choice.id();
      if (graph_.nodes.contains(node_key("resolver", id))) return Resolved{std::move(choice)};
      if (choice.peer.empty()) {
        if (Result<> recorded = record_protocol(choice.service); !recorded) return recorded.error();
      }
      redirects.push_back(id);
      if (!seen.insert(id).second) {
        std::string circle;
        for (const std::string& each : redirects) circle += (circle.empty() ? "" : " -> ") + each;
        return failed("detected circular resolver redirect: [" + circle + "]");
      }
      const auto* found = find<ServiceResolverConfigEntry>(kind::kServiceResolver, choice.service);
      const ServiceResolverConfigEntry& entry = found ? *found : no_resolver();
      if (entry.Redirect && entry.Redirect->SamenessGroup.empty()) {
        Choice elsewhere = rewritten(choice, choice_of(*entry.Redirect));
        if (elsewhere.id() != id) {
          choice = std::move(elsewhere);
          continue;
        }
      }
      if (choice.subset.empty() && !entry.DefaultSubset.empty()) {
        choice = rewritten(choice, {.subset = entry.DefaultSubset});
        continue;
      }
      if (!choice.subset.empty() && !entry.Subsets.contains(choice.subset)) {
        return failed("service " + base::quote(choice.service) + " does not have a subset named " +
                      base::quote(choice.subset));
      }
      return Resolved{std::move(choice), &entry};
    }
  }

  base::Duration connect_timeout(const ServiceResolverConfigEntry& entry) {
    base::Duration timeout = entry.ConnectTimeout > base::Duration{} ? entry.ConnectTimeout : kConnectTimeout;
    if (request_.connect_timeout > base::Duration{} && timeout != request_.connect_timeout) {
      timeout = request_.connect_timeout;
      custom_timeout_ = true;
    }
    return timeout;
  }

  void set_locality(DiscoveryTarget& target, const ServiceResolverConfigEntry& entry, const ProxyConfigEntry* all) {
    if (!target.Peer.empty() || target.Partition != "default") return;
    if (entry.PrioritizeByLocality) {
      target.PrioritizeByLocality = DiscoveryPrioritizeByLocality{entry.PrioritizeByLocality->Mode};
    } else if (!target.PrioritizeByLocality && all && all->PrioritizeByLocality) {
      target.PrioritizeByLocality = DiscoveryPrioritizeByLocality{all->PrioritizeByLocality->Mode};
    }
  }

  static Result<> refuse_external(const DiscoveryTarget& target, const ServiceResolverConfigEntry& entry) {
    const char* what = entry.Redirect            ? "redirects"
                       : !entry.Subsets.empty()  ? "subsets"
                       : !entry.Failover.empty() ? "failover"
                                                 : nullptr;
    if (!what) return {};
    return failed("service " + base::quote(target.Service) + " has an external SNI set; cannot define " + what +
                  " for external services");
  }

  void set_gateway_mode(DiscoveryTarget& target, const ServiceConfigEntry* defaults, const ProxyConfigEntry* all) {
    if (target.External) {
      target.MeshGateway.Mode.clear();
      return;
    }
    if (defaults) {
      target.MeshGateway = defaults->MeshGateway;
      target.TransparentProxy.DialedDirectly = defaults->TransparentProxy.DialedDirectly;
    }
    if (all) {
      if (target.MeshGateway.Mode.empty()) target.MeshGateway.Mode = all->MeshGateway.Mode;
      target.TransparentProxy.DialedDirectly |= all->TransparentProxy.DialedDirectly;
    }
    if (!request_.mesh_gateway.Mode.empty() && target.MeshGateway.Mode != request_.mesh_gateway.Mode) {
      target.MeshGateway.Mode = request_.mesh_gateway.Mode;
      custom_gateway_ = true;
    }
  }

  /// The target gets what the entries say of it. Returns the node that leads there.
  Result<DiscoveryGraphNode> settle(const Resolved& resolved) {
    const ServiceResolverConfigEntry& entry = *resolved.entry;
    DiscoveryTarget& target = target_of(resolved.choice);
    target.ConnectTimeout = connect_timeout(entry);
    DiscoveryGraphNode node{.Type = "resolver", .Name = target.ID};
    node.LoadBalancer = entry.LoadBalancer;
    DiscoveryResolver& way = node.Resolver.emplace();
    way.Default = is_default(entry);
    way.Target = target.ID;
    way.ConnectTimeout = target.ConnectTimeout;
    way.RequestTimeout = entry.RequestTimeout;
    const ProxyConfigEntry* all = proxy_defaults();
    const ServiceConfigEntry* defaults = service_defaults(target.Service);
    set_locality(target, entry, all);
    const auto subset = entry.Subsets.find(target.ServiceSubset);
    target.Subset = subset == entry.Subsets.end() ? ServiceResolverSubset{} : subset->second;
    if (defaults && !defaults->ExternalSNI.empty()) {
      target.SNI = defaults->ExternalSNI;
      target.External = true;
      if (Result<> checked = refuse_external(target, entry); !checked) return checked.error();
    }
    set_gateway_mode(target, defaults, all);
    return node;
  }

  /// The key of the node that leads to who answers.
  Result<std::string> resolver(Choice choice) {
    Result<Resolved> resolved = follow(std::move(choice));
    if (!resolved) return resolved.error();
    std::string key = node_key("resolver", resolved->choice.id());
    if (!resolved->entry) return key;
    Result<DiscoveryGraphNode> node = settle(*resolved);
    if (!node) return node.error();
    graph_.nodes.emplace(key, std::move(*node));
    Result<base::Pointer<DiscoveryFailover>> failover = fail_over(resolved->choice, *resolved->entry);
    if (!failover) return failover.error();
    graph_.nodes.at(key).Resolver->Failover = std::move(*failover);
    return key;
  }

  /// What failover of the entry is for this subset; null if none is.
  static const ServiceResolverFailover* failover_for(const std::string& subset,
                                                     const ServiceResolverConfigEntry& entry) {
    auto found = entry.Failover.find(subset);
    if (found == entry.Failover.end()) found = entry.Failover.find("*");
    return found == entry.Failover.end() ? nullptr : &found->second;
  }

  static Result<std::vector<Choice>> choices_of(const ServiceResolverFailover& failover, const Error& no_group) {
    std::vector<Choice> choices;
    const Choice plain{failover.Service, failover.ServiceSubset, {}, {}};
    if (!failover.Datacenters.empty()) {
      for (const std::string& datacenter : failover.Datacenters) {
        choices.push_back(plain);
        choices.back().datacenter = datacenter;
      }
    } else if (!failover.Targets.empty()) {
      for (const auto& to : failover.Targets) choices.push_back(choice_of(to));
    } else if (!failover.SamenessGroup.empty()) {
      return no_group;
    } else {
      choices.push_back(plain);
    }
    return choices;
  }

  Result<base::Pointer<DiscoveryFailover>> fail_over(const Choice& choice, const ServiceResolverConfigEntry& entry) {
    // This edition has no sameness groups.
    const Error no_group = failed("sameness group missing for service " + base::quote(choice.service));
    if (entry.Redirect && !entry.Redirect->SamenessGroup.empty()) return no_group;
    const ServiceResolverFailover* failover = failover_for(choice.subset, entry);
    if (!failover) return base::Pointer<DiscoveryFailover>{};
    Result<std::vector<Choice>> choices = choices_of(*failover, no_group);
    if (!choices) return choices.error();
    base::Pointer<DiscoveryFailover> made;
    for (const Choice& by : *choices) {
      Choice other = rewritten(choice, by);
      if (other.id() == choice.id()) continue;  // not to itself
      Result<std::string> id = failover_target(std::move(other));
      if (!id) return id.error();
      if (!made) made.emplace();
      made->Targets.push_back(std::move(*id));
    }
    if (!made) return made;
    if (const ProxyConfigEntry* all = proxy_defaults()) made->Policy = all->FailoverPolicy;
    if (failover->Policy) made->Policy = failover->Policy;
    return made;
  }

  /// Has a failover of its own no more, and no node.
  Result<std::string> failover_target(Choice choice) {
    Result<Resolved> resolved = follow(std::move(choice));
    if (!resolved) return resolved.error();
    if (resolved->entry) {
      if (Result<DiscoveryGraphNode> node = settle(*resolved); !node) return node.error();
    }
    return resolved->choice.id();
  }

  // ---- the end ----

  void finish() {
    CompiledDiscoveryChain& made = chain();
    if (!request_.protocol.empty() && request_.protocol != made.Protocol) {
      made.Protocol = request_.protocol;
      custom_protocol_ = true;
    }
    if (custom_gateway_ || custom_protocol_ || custom_timeout_) {
      ChainCustomization custom;
      if (custom_gateway_) custom.OverrideMeshGateway = request_.mesh_gateway;
      if (custom_protocol_) custom.OverrideProtocol = request_.protocol;
      if (custom_timeout_) custom.OverrideConnectTimeout = request_.connect_timeout;
      made.CustomizationHash = hex_start(hash_content(base::type_of<ChainCustomization>(), &custom));
    }
    made.StartNode = graph_.start;
    for (auto& [key, node] : graph_.nodes) made.Nodes[key] = std::move(node);
    const auto& start = *made.Nodes.at(made.StartNode);
    made.Default = start.Resolver && start.Resolver->Default &&
                   made.Targets.at(start.Resolver->Target)->Service == request_.service;
  }

  /// The first eight digits, of as many as the number has.
  static std::string hex_start(std::uint64_t number) {
    std::string text;
    for (; number != 0; number >>= 4) text += "0123456789abcdef"[number & 15];
    std::ranges::reverse(text);
    text.resize(std::min<std::size_t>(text.size(), 8));
    return text;
  }

  const ProposedEntries& entries_;
  const ChainRequest& request_;
  base::KeySet* watch_;
  const bool plain_;  // the protocol that was asked for knows no routes
  CompiledChain made_{};
  ChainGraph graph_{};
  bool advanced_ = false;  // it needs to tell one request from another
  bool custom_gateway_ = false, custom_protocol_ = false, custom_timeout_ = false;
};

}  // namespace

Result<CompiledChain> compile_chain(const ProposedEntries& entries, const ChainRequest& request, base::KeySet* watch) {
  return ChainCompiler(entries, request, watch).run();
}

}  // namespace proconsul::catalog
