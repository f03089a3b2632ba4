#include "agent/server/federation_anti_entropy.h"

#include <utility>

#include "agent/cluster/way_advice.h"
#include "catalog/query/federation.h"

namespace proconsul::agent::server {

using base::Error;
using base::Result;
using catalog::FederationState;

namespace {

constexpr double kPassesASecond = 0.2;
constexpr std::int64_t kBurst = 5;
/// It is looked at again, should something have been missed, or what the primary was asked for not have come back.
constexpr base::Duration kLookAgain = base::seconds(300);
constexpr base::Duration kNotReady = base::seconds(1);

}  // namespace

Result<bool> FederationAntiEntropy::pass(base::Watch& watch) {
  const auto now = [this](const catalog::Tables& tables, base::KeySet* keys) {
    return std::pair(catalog::federation_state(tables, means_.datacenter, keys).row,
                     catalog::current_federation_state(tables, means_.datacenter, keys));
  };
  // What changes before the watch is there is seen by looking again.
  base::KeySet keys;
  (void)now(means_.view()->tables(), &keys);
  watch = means_.watch(keys);
  const catalog::ViewPtr view = means_.view();
  auto [before, current] = now(view->tables(), nullptr);
  if (before && catalog::same_federation_state(*before, current)) return false;
  current.UpdatedAt = means_.clock->wall();
  if (Result<> written = means_.write(std::move(current)); !written) {
    return Error{written.error().code,
                 "error performing federation state anti-entropy sync: " + written.error().detail};
  }
  return true;
}

void FederationAntiEntropy::run(const std::stop_token& over) {
  ReplicationRounds rounds(kPassesASecond, kBurst, *means_.clock, means_.pause);
  int failures = 0;
  for (;;) {
    while (!means_.ready()) {
      if (!means_.pause(kNotReady)) return;
    }
    if (!rounds.wait_for_turn()) return;
    base::Watch watch;
    const std::string token = means_.token();
    const Result<bool> done = pass(watch);
    if (over.stop_requested()) return;
    if (means_.report) means_.report(done);
    if (!done) {
      log_.write(cluster::level_of(done.error()), "error performing anti-entropy sync of federation state",
                 {{"error", done.error()}});
      if (!rounds.back_off(++failures, [&] { return means_.token() != token; })) return;
      continue;
    }
    failures = 0;
    if (*done) {
      log_.info("federation state anti-entropy synced");
    } else {
      log_.trace("federation state anti-entropy sync skipped; already up to date");
    }
    means_.wait(watch, kLookAgain);
    if (over.stop_requested()) return;
  }
}

}  // namespace proconsul::agent::server
