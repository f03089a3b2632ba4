// What the controller of API gateways says of gateways and routes, and how a status is made of it. The words are those
// that users of the API see.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "catalog/types/config_routes.h"

namespace proconsul::catalog {

bool same_resource(const ResourceReference& a, const ResourceReference& b);

// Of a gateway, and of its listeners.
EntryCondition gateway_accepted();
EntryCondition gateway_certificates_invalid();
EntryCondition listener_refs_resolved(const ResourceReference& listener);
EntryCondition listener_certificate_invalid(const ResourceReference& listener, std::string why);
EntryCondition listener_conflict(const ResourceReference& listener, bool conflicts);
// Of a route, and of what it wants to be bound to.
EntryCondition route_accepted();
EntryCondition route_chain_invalid(std::string why);
EntryCondition route_without_services();
EntryCondition route_bound(const ResourceReference& parent);
EntryCondition route_unbound(const ResourceReference& parent, std::string why);
EntryCondition route_gateway_missing(const ResourceReference& parent);

/// Whether the status holds this condition; its reason and text may be others.
bool holds(const EntryStatus& status, const EntryCondition& condition);

/// A status in the making. What is said again in the same words keeps its time.
class StatusDraft {
 public:
  /// `before` outlives it. `now` is given to what is new.
  StatusDraft(const EntryStatus& before, const base::Time& now) : before_(before), now_(now), status_(before) {}

  /// From here on all is found out anew.
  void clear() { status_.Conditions.clear(); }
  /// In place of what was said of the same thing.
  void set(EntryCondition condition);
  /// Takes out what is said of the same thing.
  void remove(const EntryCondition& condition);
  /// The status in its order; nothing if it says what was said before.
  std::optional<EntryStatus> changed() const;

 private:
  const EntryStatus& before_;
  const base::Time now_;
  EntryStatus status_;
};

}  // namespace proconsul::catalog
