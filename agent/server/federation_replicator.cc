#include "agent/server/federation_replicator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/server/replication_loop.h"
#include "catalog/commands.h"
#include "catalog/query/federation.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::FederationState;
using States = std::vector<const FederationState*>;

FederationDifference federation_difference(States here, States there, std::uint64_t after) {
  return difference(std::move(here), std::move(there), &FederationState::Datacenter,
                    [after](const FederationState* ours, const FederationState* theirs) {
                      // Everything is looked at anew after an error, and by a new leader.
                      const bool copied = ours->PrimaryModifyIndex == theirs->ModifyIndex &&
                                          ours->UpdatedAt == theirs->UpdatedAt &&
                                          catalog::same_federation_state(*ours, *theirs);
                      return theirs->ModifyIndex > after && !copied;
                    });
}

FederationReplicator::FederationReplicator(Limits limits, Means means)
    : limits_(limits),
      means_(std::move(means)),
      log_("agent.server.replication.federation_state"),
      status_(base::metrics::gauge("leader.replication.federation-state.status", {},
                                   "Whether what the primary has was copied when it was last looked at.")),
      index_(base::metrics::gauge("leader.replication.federation-state.index", {},
                                  "The index of the primary up to which everything was copied.")),
      fetch_(base::metrics::sample("leader.replication.federation-state.fetch", {},
                                   "Time that asking the primary what it has takes, with the wait for a change.")),
      apply_(base::metrics::sample("leader.replication.federation-state.apply", {},
                                   "Time that comparing and writing takes, in milliseconds.")) {}

Result<std::uint64_t> FederationReplicator::round(std::uint64_t after, const std::stop_token& over) {
  const auto begun = std::chrono::steady_clock::now();
  const Result<rpc::IndexedFederationStates> remote = means_.ask(after, over);
  fetch_.add_since(begun);
  if (over.stop_requested()) return Error{Errc::unavailable, "leadership lost"};
  if (!remote) return Error{remote.error().code, "failed to retrieve federation states: " + remote.error().detail};
  const base::metrics::ScopedTimer timer(apply_);
  if (remote->Index < after) {
    log_.warn("replication remote index moved backwards, forcing a full sync",
              {{"from", after}, {"to", remote->Index}});
    after = 0;
  }
  States there;
  for (const auto& state : remote->States) {
    if (state && !state->Datacenter.empty()) there.push_back(&*state);
  }
  const catalog::ViewPtr view = means_.view();
  const FederationDifference found =
      federation_difference(catalog::federation_states(view->tables(), nullptr).rows, std::move(there), after);
  log_.debug("diffed replication state", {{"deletions", found.gone.size()}, {"updates", found.set.size()}});
  if (const Result<> done = write(found.gone, true); !done) {
    return Error{done.error().code, "failed to apply local federation state deletions: " + done.error().detail};
  }
  if (const Result<> done = write(found.set, false); !done) {
    return Error{done.error().code, "failed to apply local federation state updates: " + done.error().detail};
  }
  return remote->Index;
}

Result<> FederationReplicator::write(const States& states, bool gone) {
  const base::Duration distance{1'000'000'000 / std::max<std::int64_t>(limits_.applies_a_second, 1)};
  bool first = true;
  for (const FederationState* state : states) {
    if (!std::exchange(first, false) && !means_.pause(distance)) return Error{Errc::unavailable, "leadership lost"};
    catalog::FederationStateRequest request;
    request.Op = gone ? "delete" : "upsert";
    request.Datacenter = means_.datacenter;
    request.State = *state;
    if (!gone) request.State->PrimaryModifyIndex = state->ModifyIndex;
    const std::string command = catalog::encode_command(catalog::Command::federation_state, request);
    if (Result<> done = means_.apply(command); !done) return done;
  }
  return {};
}

void FederationReplicator::run(const std::stop_token& over) {
  ReplicationRounds rounds(limits_.rounds_a_second, limits_.burst, *means_.clock, means_.pause);
  ReplicationLoop{.round = [&](std::uint64_t after) { return round(after, over); },
                  .wanted = means_.ready,
                  .token = means_.token,
                  .report = means_.report,
                  .name = "federation state",
                  .log = log_,
                  .status = status_,
                  .index = index_}
      .run(rounds, over);
}

}  // namespace proconsul::agent::server
