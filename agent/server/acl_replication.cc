#include "agent/server/acl_replication.h"

#include <utility>

namespace proconsul::agent::server {

using base::Result;
using Kind = AclReplicator::Kind;

namespace {

/// As Consul shows times: to the nearest second.
base::Time whole_seconds(base::Time time) {
  if (time.nanoseconds >= 500'000'000) ++time.seconds;
  time.nanoseconds = 0;
  return time;
}

}  // namespace

AclReplication::AclReplication(AclSettings settings, const base::Clock& clock, AclReplicator::Limits limits)
    : settings_(std::move(settings)), clock_(clock), limits_(limits) {}

void AclReplication::open(Server& server, std::shared_ptr<AclPrimary> primary) {
  server_ = &server;
  primary_ = std::move(primary);
  for (const Kind kind : {Kind::policies, Kind::roles, Kind::tokens}) {
    if (kind == Kind::tokens && !settings_.token_replication) continue;
    threads_.start(
        [this, kind](const std::stop_token& over, const ReplicationPause& pause) { run(kind, over, pause); });
  }
}

void AclReplication::lead(bool leading) {
  {
    const std::lock_guard lock(mutex_);
    status_.Running = leading;
    if (leading) {
      status_.Enabled = true;
      status_.SourceDatacenter = settings_.primary_datacenter;
      status_.ReplicationType = settings_.token_replication ? "tokens" : "policies";
    }
  }
  threads_.lead(leading);
}

rpc::ACLReplicationStatus AclReplication::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void AclReplication::run(Kind kind, const std::stop_token& over, const ReplicationPause& pause) {
  AclReplicator::Means means;
  means.primary = primary_;
  means.clock = &clock_;
  means.view = [this] { return server_->view(); };
  means.apply = [this](std::string command) { return apply_as_leader(*server_, std::move(command)); };
  means.pause = pause;
  means.token = [this] { return settings_.replication_chance(); };
  means.report = [this, kind](const Result<std::uint64_t>& round) { report(kind, round); };
  AclReplicator(kind, limits_, std::move(means)).run(over);
}

void AclReplication::report(Kind kind, const Result<std::uint64_t>& round) {
  const std::lock_guard lock(mutex_);
  const base::Time now = whole_seconds(clock_.wall());
  if (!round) {
    status_.LastError = now;
    status_.LastErrorMessage = round.error().detail;
    return;
  }
  status_.LastSuccess = now;
  switch (kind) {
    case Kind::policies:
      status_.ReplicatedIndex = *round;
      break;
    case Kind::roles:
      status_.ReplicatedRoleIndex = *round;
      break;
    case Kind::tokens:
      status_.ReplicatedTokenIndex = *round;
      break;
  }
}

}  // namespace proconsul::agent::server
