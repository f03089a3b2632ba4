#include "catalog/config_entry/chain.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/quote.h"
#include "catalog/config_entry/entries.h"
#include "catalog/store/key.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr std::string_view kHere = "dc1";  // the store does not know its datacenter; any name serves

struct Target {
  std::string service{};
  std::string subset{};
  std::string datacenter{};
  std::string peer{};

  std::string id() const {
    if (!peer.empty()) return service + ".default.default.external." + peer;
    return (subset.empty() ? std::string{} : subset + ".") + service + ".default.default." + datacenter;
  }
};

/// What a redirect or a failover changes of a target; empty: leaves it.
struct Rewrite {
  std::string service{};
  std::string subset{};
  std::string datacenter{};
  std::string peer{};
};

Target rewritten(Target target, const Rewrite& rewrite) {
  if (!rewrite.service.empty() && rewrite.service != target.service) {
    target.service = rewrite.service;
    target.subset.clear();
  }
  if (!rewrite.subset.empty()) target.subset = rewrite.subset;
  if (!rewrite.datacenter.empty()) target.datacenter = rewrite.datacenter;
  target.peer = rewrite.peer;
  if (!target.peer.empty()) {
    target.datacenter.clear();
  } else if (target.datacenter.empty()) {
    target.datacenter = kHere;
  }
  return target;
}

/// Who a proxy expects to answer: the same for all subsets.
std::string identity_of(const Target& target) {
  return target.service + '\0' + (target.peer.empty() ? target.datacenter : "peer:" + target.peer);
}

template <class From>
Rewrite rewrite_of(const From& from) {
  return {from.Service, from.ServiceSubset, from.Datacenter, from.Peer};
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " -> ") + name;
  return text;
}

class ChainWalk {
 public:
  ChainWalk(const ProposedEntries& entries, const std::string& service) : entries_(entries), service_(service) {}

  Result<ChainSummary> run() {
    if (service_.empty()) return failed("serviceName is required");
    Result<std::string> start = assemble();
    if (!start) return start.error();
    if (Result<> checked = find_circle(*start); !checked) return checked.error();
    if (advanced_ && !is_http_like(summary_.protocol)) {
      return failed("discovery chain " + base::quote(service_) + " uses a protocol " + base::quote(summary_.protocol) +
                    " that does not permit advanced routing or splitting behavior");
    }
    summary_.top = start->starts_with("router:")     ? ChainSummary::Top::router
                   : start->starts_with("splitter:") ? ChainSummary::Top::splitter
                                                     : ChainSummary::Top::resolver;
    for (const auto& [id, identity] : reached_) {
      if (!failovers_.contains(id)) summary_.targets.emplace(identity, id);
    }
    return std::move(summary_);
  }

 private:
  static Error failed(std::string detail) { return {Errc::internal, std::move(detail)}; }
  static std::string node_name(std::string_view type, const std::string& service) {
    return std::string(type) + ":" + service + ".default.default";
  }

  Result<> record_protocol(const std::string& service) {
    std::string protocol;
    if (const auto* defaults = entries_.find<ServiceConfigEntry>(kind::kServiceDefaults, service)) {
      protocol = defaults->Protocol;
    } else if (const auto* proxies = entries_.find<ProxyConfigEntry>(kind::kProxyDefaults, "global")) {
      protocol = proxies->Protocol;
    }
    protocol = protocol.empty() ? "tcp" : lower_case(protocol);
    if (summary_.protocol.empty()) summary_.protocol = protocol;
    if (summary_.protocol == protocol) return {};
    return failed("discovery chain " + base::quote(service_) + " uses inconsistent protocols; service " +
                  base::quote(service) + " has " + base::quote(protocol) + " which is not " +
                  base::quote(summary_.protocol));
  }

  Target target(const std::string& service, const std::string& subset = {}) const {
    return {service, subset, std::string(kHere), {}};
  }

  Result<std::string> assemble() {
    const auto* router = entries_.find<ServiceRouterConfigEntry>(kind::kServiceRouter, service_);
    if (!router) return splitter_or_resolver(target(service_));
    advanced_ = true;
    if (Result<> recorded = record_protocol(router->Name); !recorded) return recorded.error();
    const std::string name = node_name("router", router->Name);
    for (const ServiceRoute& route : router->Routes) {
      const ServiceRouteDestination* to = route.Destination.get();
      const std::string& service = to && !to->Service.empty() ? to->Service : service_;
      Result<std::string> next = to && !to->ServiceSubset.empty() ? resolver(target(service, to->ServiceSubset))
                                                                  : splitter_or_resolver(target(service));
      if (!next) return next;
      edges_[name].push_back(std::move(*next));
    }
    // What no route matches goes to the service itself.
    Result<std::string> rest = splitter_or_resolver(target(router->Name));
    if (!rest) return rest;
    edges_[name].push_back(std::move(*rest));
    return name;
  }

  Result<std::string> splitter_or_resolver(const Target& target) {
    Result<std::string> split = splitter(target.service);
    if (!split || !split->empty()) return split;
    return resolver(target);
  }

  /// Empty if the service has none. Splitters that lead to splitters are kept on a stack of their own: operators may
  /// make chains of any length.
  Result<std::string> splitter(const std::string& service) {
    struct Open {
      std::string name;
      const ServiceSplitterConfigEntry* entry;
      std::string service;
      std::size_t next;  // of its splits
    };
    std::vector<Open> open;
    // It counts as met before its splits are looked at, so that a circle ends here; find_circle() tells of it.
    const auto meet = [&](const std::string& met) -> std::string {
      std::string name = node_name("splitter", met);
      if (edges_.contains(name)) return name;
      const auto* entry = entries_.find<ServiceSplitterConfigEntry>(kind::kServiceSplitter, met);
      if (!entry) return {};
      edges_[name];
      open.push_back({name, entry, met, 0});
      return name;
    };
    std::string top = meet(service);
    while (!open.empty()) {
      if (open.back().next == open.back().entry->Splits.size()) {
        advanced_ = true;
        open.pop_back();
        continue;
      }
      const std::string name = open.back().name, own = open.back().service;
      const ServiceSplit& split = open.back().entry->Splits[open.back().next++];
      const std::string& to = split.Service.empty() ? own : split.Service;
      if (lower_case(to) != lower_case(own) && split.ServiceSubset.empty()) {
        if (std::string next = meet(to); !next.empty()) {
          edges_[name].push_back(std::move(next));
          continue;
        }
      }
      Result<std::string> next = resolver(target(to, split.ServiceSubset));
      if (!next) return next;
      edges_[name].push_back(std::move(*next));
    }
    return top;
  }

  Result<std::string> resolver(Target target, bool for_failover = false) {
    std::vector<std::string> redirects;
    for (;;) {
      const std::string id = target.id();
      if (resolved_.contains(id)) return "resolver:" + id;
      if (target.peer.empty()) {
        if (Result<> recorded = record_protocol(target.service); !recorded) return recorded.error();
      }
      const bool again = std::ranges::find(redirects, id) != redirects.end();
      redirects.push_back(id);
      if (again) return failed("detected circular resolver redirect: [" + joined(redirects) + "]");

      static const ServiceResolverConfigEntry kNone;
      const auto* found = entries_.find<ServiceResolverConfigEntry>(kind::kServiceResolver, target.service);
      const ServiceResolverConfigEntry& entry = found ? *found : kNone;
      if (entry.Redirect && entry.Redirect->SamenessGroup.empty()) {
        Target elsewhere = rewritten(target, rewrite_of(*entry.Redirect));
        if (elsewhere.id() != id) {
          target = std::move(elsewhere);
          continue;
        }
      }
      if (target.subset.empty() && !entry.DefaultSubset.empty()) {
        target = rewritten(target, {.subset = entry.DefaultSubset});
        continue;
      }
      if (!target.subset.empty() && !entry.Subsets.contains(target.subset)) {
        return failed("service " + base::quote(target.service) + " does not have a subset named " +
                      base::quote(target.subset));
      }
      if (Result<> checked = check_external(target.service, entry); !checked) return checked.error();
      reached_[id] = identity_of(target);
      if (!for_failover) {
        resolved_.insert(id);
        if (Result<> checked = fail_over(target, entry); !checked) return checked.error();
      }
      return "resolver:" + id;
    }
  }

  Result<> check_external(const std::string& service, const ServiceResolverConfigEntry& entry) const {
    const auto* defaults = entries_.find<ServiceConfigEntry>(kind::kServiceDefaults, service);
    if (!defaults || defaults->ExternalSNI.empty()) return {};
    const char* what = entry.Redirect            ? "redirects"
                       : !entry.Subsets.empty()  ? "subsets"
                       : !entry.Failover.empty() ? "failover"
                                                 : nullptr;
    if (!what) return {};
    return failed("service " + base::quote(service) + " has an external SNI set; cannot define " + what +
                  " for external services");
  }

  Result<> fail_over(const Target& target, const ServiceResolverConfigEntry& entry) {
    const auto missing_group = [&] {
      return failed("sameness group missing for service " + base::quote(target.service));
    };
    if (entry.Redirect && !entry.Redirect->SamenessGroup.empty()) return missing_group();
    auto found = entry.Failover.find(target.subset);
    if (found == entry.Failover.end()) found = entry.Failover.find("*");
    if (found == entry.Failover.end()) return {};
    const ServiceResolverFailover& failover = found->second;
    std::vector<Rewrite> rewrites;
    const Rewrite plain{failover.Service, failover.ServiceSubset, {}, {}};
    if (!failover.Datacenters.empty()) {
      for (const std::string& datacenter : failover.Datacenters) {
        rewrites.push_back(plain);
        rewrites.back().datacenter = datacenter;
      }
    } else if (!failover.Targets.empty()) {
      for (const auto& to : failover.Targets) rewrites.push_back(rewrite_of(to));
    } else if (!failover.SamenessGroup.empty()) {
      return missing_group();
    } else {
      rewrites.push_back(plain);
    }
    for (const Rewrite& rewrite : rewrites) {
      Target other = rewritten(target, rewrite);
      if (other.id() == target.id()) continue;
      Result<std::string> next = resolver(std::move(other), true);
      if (!next) return next.error();
      failovers_.insert(next->substr(std::string_view("resolver:").size()));
    }
    return {};
  }

  // Depth first; the last edge of a node is followed first, which decides which circle is told of.
  Result<> find_circle(const std::string& start) const {
    struct Step {
      std::string node;
      std::size_t left;  // edges that are still to be followed
    };
    std::vector<Step> path;
    std::set<std::string> on_path;
    std::set<std::string> done;  // leads to no circle
    const auto enter = [&](const std::string& node) -> bool {
      const auto edges = edges_.find(node);
      path.push_back({node, edges == edges_.end() ? 0 : edges->second.size()});
      return on_path.insert(node).second;
    };
    enter(start);
    while (!path.empty()) {
      Step& step = path.back();
      if (step.left == 0) {
        on_path.erase(step.node);
        done.insert(step.node);
        path.pop_back();
        continue;
      }
      const std::string next = edges_.at(step.node)[--step.left];
      if (done.contains(next)) continue;
      if (!enter(next)) {
        std::vector<std::string> names;
        for (const Step& each : path) names.push_back(each.node);
        return failed("detected circular reference: [" + joined(names) + "]");
      }
    }
    return {};
  }

  const ProposedEntries& entries_;
  const std::string& service_;
  ChainSummary summary_{};
  bool advanced_ = false;  // it needs to tell one request from another
  std::map<std::string, std::vector<std::string>> edges_{};
  std::set<std::string> resolved_{};              // target IDs
  std::map<std::string, std::string> reached_{};  // target ID -> identity, failovers included
  std::set<std::string> failovers_{};             // target IDs
};

}  // namespace

const ConfigEntry* ProposedEntries::find(std::string_view wanted_kind, std::string_view wanted_name) const {
  if (wanted_kind == kind && lower_case(wanted_name) == lower_case(name)) return entry;
  return find_config_entry(tables, wanted_kind, wanted_name);
}

Result<ChainSummary> summarize_chain(const ProposedEntries& entries, const std::string& service) {
  return ChainWalk(entries, service).run();
}

}  // namespace proconsul::catalog
