// The controller of API gateways: it says of gateways and routes what is wrong with them, binds the ones to the others,
// and keeps that in bound-api-gateway entries. Here is what it makes of the entries as they are; it is asked again for
// each that has changed, its own writes included, until there is nothing more to write.
#pragma once

#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/watch.h"
#include "catalog/store/tables.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

/// An entry to be looked at, because it was written or deleted, or what it depends on was.
struct ReconcileRequest {
  std::string kind{};
  std::string name{};
  auto operator<=>(const ReconcileRequest&) const = default;
};

struct ReconcileOutcome {
  /// To be written one after the other; each comes to nothing if the entry is no longer the one that was looked at.
  std::vector<ConfigEntryRequest> writes{};
  std::vector<ReconcileRequest> requests{};  // to be looked at then
};

/// The kinds whose changes are to be looked at.
std::span<const std::string_view> reconciled_kinds();

/// `now` is the time of what it says. `watch` gets what a route's services depend on: when that changes the route is to
/// be looked at again. Never fails.
ReconcileOutcome reconcile_api_gateways(const Tables& tables, const ReconcileRequest& request, const base::Time& now,
                                        base::KeySet* watch = nullptr);

}  // namespace proconsul::catalog
