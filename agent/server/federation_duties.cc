#include "agent/server/federation_duties.h"

#include <algorithm>
#include <utility>

#include "agent/server/federation_anti_entropy.h"
#include "base/watch.h"
#include "catalog/commands.h"
#include "catalog/query/federation.h"

namespace proconsul::agent::server {

using base::Result;
using catalog::FederationState;

namespace {
constexpr base::Duration kPruneInterval = base::seconds(3600);
}

std::vector<std::string> stale_federation_states(const catalog::Tables& tables,
                                                 const std::vector<std::string>& datacenters) {
  std::vector<std::string> stale;
  for (const FederationState* state : catalog::federation_states(tables, nullptr).rows) {
    if (std::ranges::find(datacenters, state->Datacenter) == datacenters.end()) stale.push_back(state->Datacenter);
  }
  return stale;
}

void FederationDuties::open(Server& server, Means means) {
  server_ = &server;
  means_ = std::move(means);
  threads_.start([this](const std::stop_token& over, const ReplicationPause& pause) { keep_own(over, pause); });
  if (settings_.in_primary()) {
    threads_.start([this](const std::stop_token&, const ReplicationPause& pause) { prune(pause); });
  } else {
    threads_.start([this](const std::stop_token& over, const ReplicationPause& pause) { copy(over, pause); });
  }
}

void FederationDuties::keep_own(const std::stop_token& over, const ReplicationPause& pause) {
  FederationAntiEntropy::Means means;
  means.view = [this] { return server_->view(); };
  means.watch = [this](const base::KeySet& keys) { return server_->watches().watch(keys, wait_, 0); };
  means.wait = [this, &over](const base::Watch& watch, base::Duration most) { wait_.wait(watch, most, over); };
  means.clock = &clock_;
  means.ready = means_.ready;
  means.token = [this] { return settings_.replication_chance(); };
  means.write = [this, &over](FederationState state) {
    return settings_.in_primary() ? write("upsert", std::move(state)) : means_.primary.set(std::move(state), over);
  };
  means.pause = pause;
  means.datacenter = settings_.datacenter;
  means.report = [this](const Result<bool>& pass) {
    kept_.report(pass ? Result<std::uint64_t>(0) : Result<std::uint64_t>(pass.error()));
  };
  FederationAntiEntropy(std::move(means)).run(over);
}

void FederationDuties::copy(const std::stop_token& over, const ReplicationPause& pause) {
  FederationReplicator::Means means;
  means.ask = means_.primary.ask;
  means.clock = &clock_;
  means.ready = means_.ready;
  means.token = [this] { return settings_.replication_chance(); };
  means.view = [this] { return server_->view(); };
  means.apply = [this](std::string command) { return apply_as_leader(*server_, std::move(command)); };
  means.pause = pause;
  means.datacenter = settings_.datacenter;
  means.report = [this](const Result<std::uint64_t>& round) { copied_.report(round); };
  FederationReplicator({}, std::move(means)).run(over);
}

void FederationDuties::prune(const ReplicationPause& pause) {
  while (pause(kPruneInterval)) {
    const catalog::ViewPtr view = server_->view();
    for (const std::string& datacenter : stale_federation_states(view->tables(), means_.datacenters())) {
      log_.info("pruning stale federation state", {{"datacenter", datacenter}});
      FederationState state;
      state.Datacenter = datacenter;
      if (const Result<> done = write("delete", std::move(state)); !done) {
        log_.error("error pruning stale federation states",
                   {{"error", "Failed to delete federation state " + datacenter + ": " + done.error().detail}});
        break;
      }
    }
  }
}

Result<> FederationDuties::write(std::string_view operation, FederationState state) {
  catalog::FederationStateRequest request;
  request.Op = operation;
  request.Datacenter = settings_.datacenter;
  request.State = std::move(state);
  return apply_as_leader(*server_, catalog::encode_command(catalog::Command::federation_state, request));
}

}  // namespace proconsul::agent::server
