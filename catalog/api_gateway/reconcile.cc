#include "catalog/api_gateway/reconcile.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "catalog/api_gateway/binding.h"
#include "catalog/api_gateway/conditions.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/discovery_chain/compile.h"

namespace proconsul::catalog {
namespace {

using base::Result;

/// As Consul: a certificate in files that comes or goes is noticed when something else is looked at.
constexpr std::array kKinds = {kind::kApiGateway, kind::kHttpRoute, kind::kTcpRoute, kind::kBoundApiGateway,
                               kind::kInlineCertificate};

ResourceReference reference_to(std::string_view kind, std::string_view name) {
  return {.Kind = std::string(kind), .Name = std::string(name)};
}

bool refers_to(const ResourceReference& parent, std::string_view gateway) {
  return parent.Kind == kind::kApiGateway && parent.Name == gateway;
}

class Reconciler {
 public:
  Reconciler(const Tables& tables, const base::Time& now, base::KeySet* watch)
      : tables_(tables), now_(now), watch_(watch) {}

  ReconcileOutcome take() { return std::move(outcome_); }

  void gateway(const APIGatewayConfigEntry& gateway) {
    const auto* before = find_config_entry<BoundAPIGatewayConfigEntry>(tables_, kind::kBoundApiGateway, gateway.Name);
    GatewayBinding binding = GatewayBinding::afresh(gateway, before);
    StatusDraft status(gateway.Status, now_);
    status.clear();
    for (std::size_t i = 0; i < gateway.Listeners.size(); ++i) status.set(listener_refs_resolved(binding.listener(i)));
    const auto invalid = binding.bind_certificates(tables_);
    for (const auto& [listener, why] : invalid) status.set(listener_certificate_invalid(listener, why));
    status.set(invalid.empty() ? gateway_accepted() : gateway_certificates_invalid());
    // Whether it was accepted until now decides over its routes; they are bound when its new status is looked at.
    std::vector<ConfigEntryRequest> routes;
    for (const Route& route : list_routes(tables_)) {
      StatusDraft draft(*route.status, now_);
      const GatewayBinding::Outcome bound = binding.bind(route);
      for (const ResourceReference& parent : *route.parents) {
        if (refers_to(parent, gateway.Name)) draft.remove(route_bound(parent));
      }
      say(draft, bound);
      if (const auto changed = draft.changed()) routes.push_back(with_status(*route.entry, *changed));
    }
    binding.set_conflicts(status);
    if (const auto changed = status.changed()) outcome_.writes.push_back(with_status(gateway, *changed));
    std::ranges::move(routes, std::back_inserter(outcome_.writes));
    if (!before || !same_binding(*before, binding.bound())) write("upsert-cas", binding.entry());
  }

  void gateway_gone(std::string_view name) {
    if (const ConfigEntry* bound = find_config_entry(tables_, kind::kBoundApiGateway, name)) {
      write("delete-cas", copy_config_entry(*bound));
    }
  }

  void bound(const ConfigEntry& bound) {
    if (!find_config_entry(tables_, kind::kApiGateway, bound.Name)) write("delete-cas", copy_config_entry(bound));
    // A route that has gone may have been in the way of others.
    for (const GatewayBinding& binding : GatewayBinding::list(tables_)) {
      if (binding.gateway().Name == bound.Name) note_conflicts(binding);
    }
  }

  void bound_gone(std::string_view name) {
    for (const Route& route : list_routes(tables_)) {
      StatusDraft draft(*route.status, now_);
      for (const ResourceReference& parent : *route.parents) {
        if (refers_to(parent, name)) draft.set(route_gateway_missing(parent));
      }
      if (const auto changed = draft.changed()) outcome_.writes.push_back(with_status(*route.entry, *changed));
    }
  }

  void route(const Route& route) {
    std::vector<GatewayBinding> bindings = GatewayBinding::list(tables_);
    StatusDraft status(*route.status, now_);
    status.clear();
    // The last of its services has the last word.
    for (const std::string& service : route.services) status.set(acceptance(service, route.protocol));
    if (route.services.empty()) status.set(route_without_services());
    std::vector<const GatewayBinding*> changed;
    std::vector<ResourceReference> known;
    for (GatewayBinding& binding : bindings) {
      const GatewayBinding::Outcome bound = binding.bind(route);
      if (bound.changed) changed.push_back(&binding);
      say(status, bound);
      std::ranges::copy(bound.bound, std::back_inserter(known));
      for (const auto& [parent, why] : bound.errors) known.push_back(parent);
    }
    for (const ResourceReference& parent : *route.parents) {
      const auto same = [&](const ResourceReference& each) { return same_resource(each, parent); };
      if (std::ranges::none_of(known, same)) status.set(route_gateway_missing(parent));
    }
    for (const GatewayBinding& binding : bindings) note_conflicts(binding);
    if (const auto now = status.changed()) outcome_.writes.push_back(with_status(*route.entry, *now));
    for (const GatewayBinding* binding : changed) write("upsert-cas", binding->entry());
  }

  void route_gone(const ReconcileRequest& request) {
    for (GatewayBinding& binding : GatewayBinding::list(tables_)) {
      if (binding.unbind(reference_to(request.kind, request.name))) write("upsert-cas", binding.entry());
    }
  }

  void certificate(const ReconcileRequest& request) {
    const ResourceReference wanted = reference_to(request.kind, request.name);
    for (const ConfigEntry* entry : list_config_entries(tables_, kind::kApiGateway)) {
      const auto names_it = [&](const APIGatewayListener& listener) {
        return std::ranges::any_of(listener.TLS.Certificates,
                                   [&](const ResourceReference& each) { return same_resource(each, wanted); });
      };
      if (std::ranges::any_of(entry_as<APIGatewayConfigEntry>(entry)->Listeners, names_it)) {
        outcome_.requests.push_back({.kind = std::string(kind::kApiGateway), .name = entry->Name});
      }
    }
  }

 private:
  static void say(StatusDraft& status, const GatewayBinding::Outcome& bound) {
    for (const ResourceReference& parent : bound.bound) status.set(route_bound(parent));
    for (const auto& [parent, why] : bound.errors) status.set(route_unbound(parent, why));
  }

  void note_conflicts(const GatewayBinding& binding) {
    StatusDraft status(binding.gateway().Status, now_);
    binding.set_conflicts(status);
    if (const auto now = status.changed()) outcome_.writes.push_back(with_status(binding.gateway(), *now));
  }

  static ConfigEntryRequest with_status(const ConfigEntry& entry, const EntryStatus& status) {
    ConfigEntryRequest request;
    request.Op = "upsert-with-status-cas";
    request.Entry = copy_config_entry(entry);
    *entry.kind->status(*request.Entry) = status;
    return request;
  }

  void write(std::string_view operation, std::shared_ptr<ConfigEntry> entry) {
    ConfigEntryRequest& request = outcome_.writes.emplace_back();
    request.Op = operation;
    request.Entry = std::move(entry);
  }

  EntryCondition acceptance(const std::string& service, std::string_view protocol) {
    // The names are nobody's: it matters only whether there is a chain, and what is spoken on it.
    const Result<CompiledChain> compiled = compile_chain(
        ProposedEntries{tables_}, {.service = service, .datacenter = "dc1", .trust_domain = "consul.domain"}, watch_);
    if (!compiled) return route_chain_invalid(compiled.error().detail);
    if (compiled->chain.Protocol == protocol) return route_accepted();
    return route_chain_invalid("route protocol does not match targeted service protocol");
  }

  const Tables& tables_;
  const base::Time now_;
  base::KeySet* const watch_;
  ReconcileOutcome outcome_{};
};

}  // namespace

std::span<const std::string_view> reconciled_kinds() {
  return kKinds;
}

ReconcileOutcome reconcile_api_gateways(const Tables& tables, const ReconcileRequest& request, const base::Time& now,
                                        base::KeySet* watch) {
  Reconciler reconciler(tables, now, watch);
  const ConfigEntry* entry = find_config_entry(tables, request.kind, request.name);
  if (request.kind == kind::kInlineCertificate) {
    reconciler.certificate(request);
  } else if (request.kind == kind::kBoundApiGateway) {
    entry ? reconciler.bound(*entry) : reconciler.bound_gone(request.name);
  } else if (request.kind == kind::kApiGateway) {
    entry ? reconciler.gateway(*entry_as<APIGatewayConfigEntry>(entry)) : reconciler.gateway_gone(request.name);
  } else if (const auto route = route_of(entry)) {
    reconciler.route(*route);
  } else {
    reconciler.route_gone(request);
  }
  return reconciler.take();
}

}  // namespace proconsul::catalog
