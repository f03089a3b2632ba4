// An API gateway, and the routes that are bound to its listeners.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/api_gateway/conditions.h"
#include "catalog/store/tables.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_routes.h"

namespace proconsul::catalog {

/// What gateways see of a route, of either kind. Refers to the entry.
struct Route {
  const ConfigEntry* entry = nullptr;
  const HTTPRouteConfigEntry* http = nullptr;  // null: by tcp
  std::string_view protocol{};
  const base::List<ResourceReference>* parents = nullptr;
  const EntryStatus* status = nullptr;
  std::vector<std::string> services{};  // one may be there several times

  ResourceReference reference() const;
};
/// Nothing for what is no route.
std::optional<Route> route_of(const ConfigEntry* entry);
/// Those of http first; each by name.
std::vector<Route> list_routes(const Tables& tables);

/// Which of the route's hostnames a listener for `hostname` answers for; `hostname` itself of a route for all of them.
std::vector<std::string> filtered_hostnames(const HTTPRouteConfigEntry& route, std::string_view hostname);

class GatewayBinding {
 public:
  struct Outcome {
    bool changed = false;                                             // another set of listeners than before
    std::vector<ResourceReference> bound{};                           // parents of the route, of this gateway
    std::vector<std::pair<ResourceReference, std::string>> errors{};  // why others are not; or not to all listeners
  };

  /// With no route bound yet. `before`: what was bound until now, or null. The gateway outlives it.
  static GatewayBinding afresh(const APIGatewayConfigEntry& gateway, const BoundAPIGatewayConfigEntry* before);
  /// Of all gateways with what is bound to them; those whose listeners are others by now are left out.
  static std::vector<GatewayBinding> list(const Tables& tables);

  const APIGatewayConfigEntry& gateway() const { return *gateway_; }
  const BoundAPIGatewayConfigEntry& bound() const { return *bound_; }
  /// A copy that may be written.
  std::shared_ptr<ConfigEntry> entry() const;
  ResourceReference listener(std::size_t i) const;

  /// Gives each listener those of its certificates that there are. Of the others: which listener, and what is wrong.
  std::vector<std::pair<ResourceReference, std::string>> bind_certificates(const Tables& tables);
  /// Takes the route from all listeners, and binds it to those that its parents name, if they fit.
  Outcome bind(const Route& route);
  /// Whether it was bound anywhere.
  bool unbind(const ResourceReference& route);
  /// A listener by tcp can have one route only.
  void set_conflicts(StatusDraft& status) const;

 private:
  GatewayBinding(const APIGatewayConfigEntry& gateway, std::shared_ptr<BoundAPIGatewayConfigEntry> bound)
      : gateway_(&gateway), bound_(std::move(bound)) {}
  base::Result<bool> bind_to(std::size_t i, const Route& route, const ResourceReference& parent);

  const APIGatewayConfigEntry* gateway_;
  std::shared_ptr<BoundAPIGatewayConfigEntry> bound_;  // its listeners are the gateway's, in the same order
};

/// Whether the same is bound; in which order does not matter.
bool same_binding(const BoundAPIGatewayConfigEntry& a, const BoundAPIGatewayConfigEntry& b);

}  // namespace proconsul::catalog
