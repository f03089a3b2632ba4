#include "agent/server/api_gateway_controller.h"

#include <algorithm>
#include <optional>

#include "base/quote.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/store/key.h"

namespace proconsul::agent::server {

using base::Result;

namespace {

constexpr std::uint64_t kKindsToken = 0;
/// Sleeping has no end; this is only how long one sleep is.
constexpr base::Duration kLongSleep = base::seconds(3600);

std::uint64_t entries_index(const catalog::View& view) {
  return view.tables().index_of("config-entries");
}

}  // namespace

void ApiGatewayController::run(const std::stop_token& over) {
  while (!over.stop_requested()) {
    if (step()) continue;
    const auto due = queue_.due();
    means_.fired->wait(due ? std::max(*due - means_.clock->now(), base::Duration{}) : kLongSleep, over);
  }
}

bool ApiGatewayController::step() {
  if (!std::exchange(begun_, true)) notice();
  take_fired();
  const std::optional<Request> next = queue_.take(means_.clock->now());
  if (!next) return false;
  reconcile(*next);
  return true;
}

void ApiGatewayController::take_fired() {
  for (const std::uint64_t token : means_.fired->take()) {
    if (token == kKindsToken) {
      notice();
    } else if (const auto route = routes_by_token_.find(token); route != routes_by_token_.end()) {
      queue_.add(route->second);
    }
  }
}

void ApiGatewayController::notice() {
  base::KeySet keys;
  for (const std::string_view kind : catalog::reconciled_kinds()) {
    catalog::watch_below(&keys, catalog::Topic::config_entry, catalog::index_key({kind}));
  }
  kinds_ = means_.watch(keys, kKindsToken);
  const catalog::ViewPtr view = means_.view();
  Known now;
  for (const std::string_view kind : catalog::reconciled_kinds()) {
    for (const catalog::ConfigEntry* entry : catalog::list_config_entries(view->tables(), kind)) {
      Request request{.kind = std::string(kind), .name = entry->Name};
      const auto before = known_.find(request);
      if (before == known_.end() || before->second != entry->ModifyIndex) queue_.add(request);
      now.emplace(std::move(request), entry->ModifyIndex);
    }
  }
  for (const auto& [request, index] : known_) {
    if (!now.contains(request)) queue_.add(request);
  }
  known_ = std::move(now);
}

void ApiGatewayController::reconcile(const Request& request) {
  const catalog::ViewPtr view = means_.view();
  base::KeySet keys;
  const catalog::ReconcileOutcome outcome =
      catalog::reconcile_api_gateways(view->tables(), request, means_.clock->wall(), &keys);
  follow(request, keys, *view);
  for (const catalog::ConfigEntryRequest& write : outcome.writes) {
    log_.trace("persisting config entry", {{"kind", write.Entry->kind->name}, {"name", write.Entry->Name}});
    if (const Result<> done = means_.apply(catalog::encode_config_entry_command(write)); !done) {
      log_.warn("error persisting config entry",
                {{"kind", write.Entry->kind->name}, {"name", write.Entry->Name}, {"error", done.error()}});
      return queue_.retry(request, means_.clock->now());
    }
  }
  queue_.succeeded(request);
  for (const Request& next : outcome.requests) queue_.add(next);
}

void ApiGatewayController::follow(const Request& request, const base::KeySet& keys, const catalog::View& seen) {
  if (keys.empty()) {
    const auto at = followed_.find(request);
    if (at == followed_.end()) return;
    routes_by_token_.erase(at->second.token);
    followed_.erase(at);
    return;
  }
  Followed& followed = followed_[request];
  if (followed.token == kKindsToken) {
    followed.token = ++last_token_;
    routes_by_token_.emplace(followed.token, request);
  }
  followed.watch = means_.watch(keys, followed.token);
  // What changed before the watch was there is seen by looking again.
  if (entries_index(*means_.view()) != entries_index(seen)) queue_.add(request);
}

}  // namespace proconsul::agent::server
