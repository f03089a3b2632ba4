#include "catalog/config_entry/graph.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "catalog/config_entry/chain.h"
#include "catalog/config_entry/entries.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_intentions.h"
#include "catalog/types/config_jwt.h"
#include "catalog/types/config_mesh.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

// ---- entries that need or exclude others ----

Result<> check_gateway_clash(const Tables& tables, const ConfigKind& kind, const std::string& name,
                             std::string_view other) {
  if (!find_config_entry(tables, other, name)) return {};
  return failed("cannot create a " + base::quote(kind.name) + " config entry with name " + base::quote(name) + ", a " +
                base::quote(other) + " config entry with that name already exists");
}

// Staying permissive is allowed, becoming it only while the mesh says so.
Result<> check_mutual_tls(const Tables& tables, const std::string& mode, const std::string& before) {
  if (mode != "permissive" || before == mode) return {};
  const auto* mesh = find_config_entry<MeshConfigEntry>(tables, kind::kMesh, "mesh");
  if (mesh && mesh->AllowEnablingPermissiveMutualTLS) return {};
  return failed(
      "cannot set MutualTLSMode=permissive because AllowEnablingPermissiveMutualTLS=false in the mesh config entry");
}

template <class Entry>
Result<> check_mode_of(const Tables& tables, const ConfigKind& kind, const std::string& name,
                       const ConfigEntry* entry) {
  const auto* proposed = entry_as<Entry>(entry);
  if (!proposed) return {};
  const auto* before = find_config_entry<Entry>(tables, kind.name, name);
  return check_mutual_tls(tables, proposed->MutualTLSMode, before ? before->MutualTLSMode : std::string{});
}

std::set<std::string> jwt_providers_of(const ServiceIntentionsConfigEntry& entry) {
  std::set<std::string> names;
  const auto add = [&](const base::Pointer<IntentionJWTRequirement>& requirement) {
    if (!requirement) return;
    for (const auto& provider : requirement->Providers) {
      if (provider) names.insert(provider->Name);
    }
  };
  add(entry.JWT);
  for (const auto& source : entry.Sources) {
    if (!source) continue;
    for (const auto& permission : source->Permissions) {
      if (permission) add(permission->JWT);
    }
  }
  return names;
}

Result<> check_jwt_providers_exist(const Tables& tables, const ServiceIntentionsConfigEntry& entry) {
  std::string missing;
  int count = 0;
  for (const std::string& name : jwt_providers_of(entry)) {
    const ConfigEntry* provider = find_config_entry(tables, kind::kJwtProvider, name);
    if (provider && provider->Name == name) continue;
    missing += "\n\t* Referenced JWT Provider does not exist. Provider Name: " + name;
    ++count;
  }
  if (count == 0) return {};
  return failed(std::to_string(count) + (count == 1 ? " error" : " errors") + " occurred:" + missing + "\n\n");
}

Result<> check_jwt_provider_is_free(const Tables& tables, const ConfigEntry& provider) {
  for (const ConfigEntry* entry : list_config_entries(tables, kind::kServiceIntentions)) {
    const auto* intentions = entry_as<ServiceIntentionsConfigEntry>(entry);
    if (!jwt_providers_of(*intentions).contains(provider.Name)) continue;
    return failed("cannot delete jwt provider config entry referenced by an intention. Provider name: " +
                  provider.Name + ", intention name: " + entry->Name);
  }
  return {};
}

Result<> check_by_kind(const Tables& tables, const ConfigKind& kind, const std::string& name,
                       const ConfigEntry* entry) {
  if (kind.name == kind::kProxyDefaults) return check_mode_of<ProxyConfigEntry>(tables, kind, name, entry);
  if (kind.name == kind::kServiceDefaults) return check_mode_of<ServiceConfigEntry>(tables, kind, name, entry);
  // Also when one is deleted: the peer does so.
  if (kind.name == kind::kIngressGateway) return check_gateway_clash(tables, kind, name, kind::kTerminatingGateway);
  if (kind.name == kind::kTerminatingGateway) return check_gateway_clash(tables, kind, name, kind::kIngressGateway);
  if (const auto* intentions = entry_as<ServiceIntentionsConfigEntry>(entry)) {
    return check_jwt_providers_exist(tables, *intentions);
  }
  if (kind.name == kind::kJwtProvider && !entry) {
    if (const ConfigEntry* before = find_config_entry(tables, kind.name, name)) {
      return check_jwt_provider_is_free(tables, *before);
    }
  }
  return {};
}

// ---- chains ----

constexpr std::string_view kChainKinds[] = {kind::kServiceRouter, kind::kServiceSplitter, kind::kServiceResolver};

std::set<std::string> exported_services(const ProposedEntries& entries) {
  std::set<std::string> names;
  const auto* exports = entries.find<ExportedServicesConfigEntry>(kind::kExportedServices, "default");
  if (!exports) return names;
  for (const ExportedService& service : exports->Services) {
    bool to_peer = false;
    for (const ServiceConsumer& consumer : service.Consumers) to_peer = to_peer || !consumer.Peer.empty();
    if (!to_peer) continue;
    if (service.Name != "*") {
      names.insert(service.Name);
      continue;
    }
    for (const std::string_view kind : kChainKinds) {
      for (const ConfigEntry* entry : list_config_entries(entries.tables, kind)) names.insert(entry->Name);
    }
    // Whatever its kind: the peer counts what is proposed as the head of a chain.
    if (entries.entry) {
      names.insert(std::string(entries.name));
    } else {
      names.erase(std::string(entries.name));
    }
  }
  return names;
}

/// All resolvers that requests to a service may come by.
std::vector<const ServiceResolverConfigEntry*> resolvers_of(const ProposedEntries& entries,
                                                            const std::string& service) {
  std::vector<const ServiceResolverConfigEntry*> resolvers;
  std::vector<std::string> splits;
  std::vector<std::string> todo;
  std::set<std::string> seen_splits;
  std::set<std::string> seen;
  const auto* router = entries.find<ServiceRouterConfigEntry>(kind::kServiceRouter, service);
  splits = router ? related_services(*router) : std::vector{service};
  while (!splits.empty()) {
    const std::string name = std::move(splits.back());
    splits.pop_back();
    if (!seen_splits.insert(name).second) continue;
    todo.push_back(name);
    const ConfigEntry* splitter = entries.find(kind::kServiceSplitter, name);
    if (!splitter) continue;
    for (std::string& next : related_services(*splitter)) splits.push_back(std::move(next));
  }
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (!seen.insert(name).second) continue;
    const auto* resolver = entries.find<ServiceResolverConfigEntry>(kind::kServiceResolver, name);
    if (!resolver) continue;
    resolvers.push_back(resolver);
    for (std::string& next : related_services(*resolver)) todo.push_back(std::move(next));
  }
  return resolvers;
}

/// A peer sees this datacenter only.
Result<> check_export(const ProposedEntries& entries, const std::string& service) {
  const std::string exported = "peer exported service " + base::quote(service) + " contains ";
  for (const auto* resolver : resolvers_of(entries, service)) {
    if (resolver->Redirect) {
      if (!resolver->Redirect->Datacenter.empty()) return failed(exported + "cross-datacenter resolver redirect");
      if (!resolver->Redirect->Peer.empty()) return failed(exported + "cross-peer resolver redirect");
    }
    for (const auto& [subset, failover] : resolver->Failover) {
      bool elsewhere = !failover.Datacenters.empty();
      for (const auto& target : failover.Targets) elsewhere = elsewhere || !target.Datacenter.empty();
      if (elsewhere) return failed(exported + "cross-datacenter failover");
    }
  }
  return {};
}

/// What has to be looked at because of a change.
struct Affected {
  std::set<std::string> chains{};
  std::vector<const IngressGatewayConfigEntry*> ingress{};
  std::vector<const ServiceIntentionsConfigEntry*> intentions{};
  bool strict_ingress = false;
};

Affected affected_by(const ProposedEntries& entries) {
  Affected affected;
  const auto add_all = [&](std::string_view kind, auto add) {
    for (const ConfigEntry* entry : list_config_entries(entries.tables, kind)) add(*entry);
  };
  const auto add_chain = [&](const ConfigEntry& entry) { affected.chains.insert(entry.Name); };
  const auto add_intentions = [&](const ConfigEntry& entry) {
    affected.intentions.push_back(entry_as<ServiceIntentionsConfigEntry>(&entry));
  };
  if (entries.kind == kind::kSamenessGroup) {
    add_all(kind::kServiceResolver, add_chain);
  } else if (entries.kind == kind::kProxyDefaults) {
    for (const std::string_view kind : kChainKinds) add_all(kind, add_chain);
    add_all(kind::kIngressGateway,
            [&](const ConfigEntry& entry) { affected.ingress.push_back(entry_as<IngressGatewayConfigEntry>(&entry)); });
    add_all(kind::kServiceIntentions, add_intentions);
  } else if (entries.kind == kind::kServiceIntentions) {
    add_intentions(*entries.entry);
  } else if (entries.kind == kind::kIngressGateway) {
    affected.ingress.push_back(entry_as<IngressGatewayConfigEntry>(entries.entry));
    affected.strict_ingress = true;
  } else {
    add_all(kind::kServiceIntentions, add_intentions);
    affected.chains.insert(std::string(entries.name));
    for (const ConfigEntry* entry : config_entries_naming(entries.tables, entries.name)) {
      if (const auto* ingress = entry_as<IngressGatewayConfigEntry>(entry)) {
        affected.ingress.push_back(ingress);
      } else if (entry->kind->name != kind::kBoundApiGateway) {
        affected.chains.insert(entry->Name);
      }
    }
  }
  for (const auto* ingress : affected.ingress) {
    for (std::string& service : related_services(*ingress)) affected.chains.insert(std::move(service));
  }
  for (const auto* intentions : affected.intentions) affected.chains.insert(intentions->Name);
  return affected;
}

bool has_permissions(const ServiceIntentionsConfigEntry& entry) {
  for (const auto& source : entry.Sources) {
    if (source && !source->Permissions.empty()) return true;
  }
  return false;
}

Result<> check_ingress(const IngressGatewayConfigEntry& entry, const std::map<std::string, ChainSummary>& chains,
                       bool strict) {
  for (const IngressListener& listener : entry.Listeners) {
    for (const IngressService& service : listener.Services) {
      if (service.Name == "*") continue;
      const ChainSummary& chain = chains.at(service.Name);
      if (chain.protocol == listener.Protocol) continue;
      // A plain listener may stay in front of a service that has come to speak another protocol, as long as nothing
      // has to be routed.
      const bool plain = listener.Protocol == "tcp" && chain.top == ChainSummary::Top::resolver;
      if (plain && !strict) continue;
      return failed("service " + base::quote(service.Name) + " has protocol " + base::quote(chain.protocol) +
                    ", which does not match defined listener protocol " + base::quote(listener.Protocol));
    }
  }
  return {};
}

Result<> check_exported_chain(const ProposedEntries& entries, const std::string& service, const ChainSummary& chain) {
  if (Result<> checked = check_export(entries, service); !checked) return checked;
  if (is_http_like(chain.protocol)) return {};
  // Peers know whom to expect behind a plain service; a change must not bring others.
  Result<ChainSummary> before = summarize_chain(entries.without(), service);
  if (!before) {
    return failed("error compiling current discovery chain for " + base::quote(service) + ": " + before.error().detail);
  }
  for (const auto& [identity, target] : chain.targets) {
    if (before->targets.contains(identity)) continue;
    return failed("peer exported service " + base::quote(service) + " uses protocol=" + base::quote(chain.protocol) +
                  " and cannot introduce new discovery chain targets like " + base::quote(target));
  }
  return {};
}

Result<> check_services(const ProposedEntries& entries) {
  if (entries.kind == kind::kMesh) return {};
  const bool only_written = entries.kind == kind::kExportedServices || entries.kind == kind::kServiceIntentions ||
                            entries.kind == kind::kIngressGateway;
  if (only_written && !entries.entry) return {};
  if (entries.kind == kind::kExportedServices) {
    for (const std::string& service : exported_services(entries)) {
      if (Result<> checked = check_export(entries.without(), service); !checked) return checked;
    }
    return {};
  }
  const Affected affected = affected_by(entries);
  if (affected.chains.empty()) return {};
  const std::set<std::string> exported = exported_services(entries);
  std::map<std::string, ChainSummary> chains;
  for (const std::string& service : affected.chains) {
    Result<ChainSummary> chain = summarize_chain(entries, service);
    if (!chain) return chain.error();
    if (exported.contains(service)) {
      if (Result<> checked = check_exported_chain(entries, service, *chain); !checked) return checked;
    }
    chains.emplace(service, std::move(*chain));
  }
  for (const auto* ingress : affected.ingress) {
    if (Result<> checked = check_ingress(*ingress, chains, affected.strict_ingress); !checked) return checked;
  }
  for (const auto* intentions : affected.intentions) {
    if (intentions->Name == "*" || !has_permissions(*intentions)) continue;
    const std::string& protocol = chains.at(intentions->Name).protocol;
    if (is_http_like(protocol)) continue;
    return failed("service " + base::quote(intentions->Name) + " has protocol " + base::quote(protocol) +
                  ", which is incompatible with L7 intentions permissions");
  }
  return {};
}

}  // namespace

Result<> check_config_graph(const Tables& tables, const ConfigKind& kind, const std::string& name,
                            const ConfigEntry* entry) {
  if (Result<> checked = check_by_kind(tables, kind, name, entry); !checked) return checked;
  return check_services({.tables = tables, .kind = kind.name, .name = name, .entry = entry});
}

}  // namespace proconsul::catalog
