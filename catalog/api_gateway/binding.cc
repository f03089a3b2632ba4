#include "catalog/api_gateway/binding.h"

#include <algorithm>

#include "base/quote.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::catalog {

using base::Errc;
using base::Result;
using References = base::List<ResourceReference>;

namespace {

constexpr std::string_view kHttp = "http";
constexpr std::string_view kTcp = "tcp";

bool contains(const References& references, const ResourceReference& wanted) {
  return std::ranges::any_of(references, [&](const auto& each) { return same_resource(each, wanted); });
}

bool take_from(References& references, const ResourceReference& route) {
  const auto at = std::ranges::find_if(references, [&](const auto& each) { return same_resource(each, route); });
  if (at == references.end()) return false;
  references.erase(at);
  references.make_present();  // a listener that has lost its last route is told from one that never had any
  return true;
}

bool same_references(const References& a, const References& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& each) { return contains(b, each); });
}

void set_error(GatewayBinding::Outcome& outcome, const ResourceReference& parent, std::string why) {
  for (auto& [of, text] : outcome.errors) {
    if (!same_resource(of, parent)) continue;
    text = std::move(why);
    return;
  }
  outcome.errors.emplace_back(parent, std::move(why));
}

bool has_error(const GatewayBinding::Outcome& outcome, const ResourceReference& parent) {
  return std::ranges::any_of(outcome.errors, [&](const auto& each) { return same_resource(each.first, parent); });
}

bool same_listeners(const APIGatewayConfigEntry& gateway, const BoundAPIGatewayConfigEntry& bound) {
  return gateway.Name == bound.Name && std::ranges::equal(gateway.Listeners, bound.Listeners, {},
                                                          &APIGatewayListener::Name, &BoundAPIGatewayListener::Name);
}

Result<bool> refused(std::string why) {
  return {Errc::invalid_argument, std::move(why)};
}

}  // namespace

ResourceReference Route::reference() const {
  return {.Kind = std::string(entry->kind->name), .Name = entry->Name};
}

std::optional<Route> route_of(const ConfigEntry* entry) {
  if (const auto* http = entry_as<HTTPRouteConfigEntry>(entry)) {
    Route route{.entry = http, .http = http, .protocol = kHttp, .parents = &http->Parents, .status = &http->Status};
    for (const HTTPRouteRule& rule : http->Rules) {
      for (const HTTPService& service : rule.Services) route.services.push_back(service.Name);
    }
    return route;
  }
  if (const auto* tcp = entry_as<TCPRouteConfigEntry>(entry)) {
    Route route{.entry = tcp, .protocol = kTcp, .parents = &tcp->Parents, .status = &tcp->Status};
    for (const TCPService& service : tcp->Services) route.services.push_back(service.Name);
    return route;
  }
  return std::nullopt;
}

std::vector<Route> list_routes(const Tables& tables) {
  std::vector<Route> routes;
  for (const std::string_view kind : {kind::kHttpRoute, kind::kTcpRoute}) {
    for (const ConfigEntry* entry : list_config_entries(tables, kind)) {
      if (std::optional<Route> route = route_of(entry)) routes.push_back(std::move(*route));
    }
  }
  return routes;
}

std::vector<std::string> filtered_hostnames(const HTTPRouteConfigEntry& route, std::string_view hostname) {
  if (route.Hostnames.empty()) return {std::string(hostname)};
  const bool wildcard = hostname.find('*') != std::string_view::npos;
  if (hostname.starts_with('*')) hostname.remove_prefix(1);
  if (hostname.starts_with('.')) hostname.remove_prefix(1);
  std::vector<std::string> fitting;
  for (const std::string& each : route.Hostnames) {
    if (wildcard ? each.ends_with(hostname) : each == hostname) fitting.push_back(each);
  }
  return fitting;
}

GatewayBinding GatewayBinding::afresh(const APIGatewayConfigEntry& gateway, const BoundAPIGatewayConfigEntry* before) {
  std::shared_ptr<ConfigEntry> entry = before ? copy_config_entry(*before) : *make_config_entry(kind::kBoundApiGateway);
  auto bound = std::static_pointer_cast<BoundAPIGatewayConfigEntry>(std::move(entry));
  if (!before) {
    bound->Kind = kind::kBoundApiGateway;
    bound->Name = gateway.Name;
  }
  // The services stay: routes add theirs, and take them back when they are deleted only.
  bound->Services.make_present();
  bound->Listeners.clear();
  bound->Listeners.make_present();
  const bool same = before && same_listeners(gateway, *before);
  for (std::size_t i = 0; i < gateway.Listeners.size(); ++i) {
    BoundAPIGatewayListener& listener = bound->Listeners.emplace_back();
    listener.Name = gateway.Listeners[i].Name;
    // Among the same listeners, one that had routes is told from one that never had any.
    if (same && !before->Listeners[i].Routes.empty()) listener.Routes.make_present();
  }
  return {gateway, std::move(bound)};
}

std::vector<GatewayBinding> GatewayBinding::list(const Tables& tables) {
  std::vector<GatewayBinding> all;
  for (const ConfigEntry* entry : list_config_entries(tables, kind::kBoundApiGateway)) {
    const auto* bound = entry_as<BoundAPIGatewayConfigEntry>(entry);
    const auto* gateway = find_config_entry<APIGatewayConfigEntry>(tables, kind::kApiGateway, bound->Name);
    if (!gateway || !same_listeners(*gateway, *bound)) continue;
    all.push_back({*gateway, std::static_pointer_cast<BoundAPIGatewayConfigEntry>(copy_config_entry(*bound))});
  }
  return all;
}

std::shared_ptr<ConfigEntry> GatewayBinding::entry() const {
  return copy_config_entry(*bound_);
}

ResourceReference GatewayBinding::listener(std::size_t i) const {
  return {.Kind = std::string(kind::kApiGateway), .Name = gateway_->Name, .SectionName = gateway_->Listeners[i].Name};
}

std::vector<std::pair<ResourceReference, std::string>> GatewayBinding::bind_certificates(const Tables& tables) {
  std::vector<std::pair<ResourceReference, std::string>> errors;
  for (std::size_t i = 0; i < gateway_->Listeners.size(); ++i) {
    std::string missing;
    for (const ResourceReference& certificate : gateway_->Listeners[i].TLS.Certificates) {
      if (find_config_entry(tables, certificate.Kind, certificate.Name)) {
        bound_->Listeners[i].Certificates.push_back(certificate);
      } else {
        missing = "certificate " + base::quote(certificate.Name) + " not found";
      }
    }
    if (!missing.empty()) errors.emplace_back(listener(i), std::move(missing));
  }
  return errors;
}

GatewayBinding::Outcome GatewayBinding::bind(const Route& route) {
  Outcome outcome;
  const ResourceReference self = route.reference();
  const std::size_t count = bound_->Listeners.size();
  std::vector<bool> before(count);
  std::vector<bool> after(count);
  for (std::size_t i = 0; i < count; ++i) before[i] = take_from(bound_->Listeners[i].Routes, self);
  bound_->Services.make_present();
  for (const ResourceReference& parent : *route.parents) {
    if ((!parent.Kind.empty() && parent.Kind != kind::kApiGateway) || parent.Name != gateway_->Name) continue;
    if (count == 0) {
      set_error(outcome, parent, "route cannot bind because gateway has no listeners");
      continue;
    }
    bool any = false;
    for (std::size_t i = 0; i < count; ++i) {
      const Result<bool> done = bind_to(i, route, parent);
      if (!done) set_error(outcome, parent, done.error().detail);
      if (done && *done) any = after[i] = true;
    }
    if (!any && !has_error(outcome, parent)) {
      set_error(outcome, parent,
                "failed to bind route " + route.entry->Name + " to gateway " + gateway_->Name + " with listener '" +
                    parent.SectionName + "'");
    }
    if (!any) continue;
    for (const std::string& service : route.services) {
      References& routes = bound_->Services[service];
      if (!contains(routes, self)) routes.push_back(self);
    }
    outcome.bound.push_back(parent);
  }
  outcome.changed = before != after;
  return outcome;
}

Result<bool> GatewayBinding::bind_to(std::size_t i, const Route& route, const ResourceReference& parent) {
  const APIGatewayListener& listener = gateway_->Listeners[i];
  if (!parent.SectionName.empty() && parent.SectionName != listener.Name) return false;
  const std::string failed = "failed to bind route to gateway " + gateway_->Name + ": ";
  if (!holds(gateway_->Status, gateway_accepted())) return refused(failed + "gateway has not been accepted");
  if (!holds(*route.status, route_accepted())) return refused(failed + "route has not been accepted");
  if (route.http &&
      filtered_hostnames(*route.http, listener.Hostname.empty() ? "*" : std::string_view(listener.Hostname)).empty()) {
    return refused(failed + "listener " + listener.Name + " is does not have any hostnames that match the route");
  }
  if (listener.Protocol == route.protocol) {
    References& routes = bound_->Listeners[i].Routes;
    const ResourceReference self = route.reference();
    if (!contains(routes, self)) routes.push_back(self);
    return true;
  }
  if (parent.SectionName.empty()) return false;
  return refused("failed to bind route " + route.entry->Name + " to gateway " + gateway_->Name + ": listener " +
                 listener.Name + " is not a " + std::string(route.protocol) + " listener");
}

bool GatewayBinding::unbind(const ResourceReference& route) {
  bool any = false;
  for (BoundAPIGatewayListener& listener : bound_->Listeners) any |= take_from(listener.Routes, route);
  if (!any) return false;
  for (auto at = bound_->Services.begin(); at != bound_->Services.end();) {
    take_from(at->second, route);
    at = at->second.empty() ? bound_->Services.erase(at) : std::next(at);
  }
  bound_->Services.make_present();
  return true;
}

void GatewayBinding::set_conflicts(StatusDraft& status) const {
  for (std::size_t i = 0; i < gateway_->Listeners.size(); ++i) {
    const bool conflicts = gateway_->Listeners[i].Protocol == kTcp && bound_->Listeners[i].Routes.size() > 1;
    status.set(listener_conflict(listener(i), conflicts));
  }
}

bool same_binding(const BoundAPIGatewayConfigEntry& a, const BoundAPIGatewayConfigEntry& b) {
  const auto same_listener = [&](const BoundAPIGatewayListener& one) {
    const auto other = std::ranges::find(b.Listeners, one.Name, &BoundAPIGatewayListener::Name);
    return other != b.Listeners.end() && same_references(one.Certificates, other->Certificates) &&
           same_references(one.Routes, other->Routes);
  };
  if (a.Listeners.size() != b.Listeners.size() || !std::ranges::all_of(a.Listeners, same_listener)) return false;
  return std::ranges::equal(a.Services, b.Services, [](const auto& one, const auto& other) {
    return one.first == other.first && std::ranges::equal(one.second, other.second, &same_resource);
  });
}

}  // namespace proconsul::catalog
