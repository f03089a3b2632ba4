#include "agent/server/acl_replication.h"

#include <future>
#include <utility>

#include "catalog/commands.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using Kind = AclReplicator::Kind;

namespace {

/// As Consul shows times: to the nearest second.
base::Time whole_seconds(base::Time time) {
  if (time.nanoseconds >= 500'000'000) ++time.seconds;
  time.nanoseconds = 0;
  return time;
}

Result<> apply_and_wait(Server& server, std::string command) {
  // Whoever leads now has a copier of its own: what this one has read may be old by then.
  if (!server.leadership().is_leader) return Error{Errc::not_leader, "node is not the leader"};
  const auto promise = std::make_shared<std::promise<Result<>>>();
  std::future<Result<>> applied = promise->get_future();
  server.apply(std::move(command), [promise](Result<catalog::ApplyResult> result) {
    const Error* error = result ? result->error() : &result.error();
    promise->set_value(error ? Result<>(*error) : Result<>());
  });
  return applied.get();
}

}  // namespace

AclReplication::AclReplication(AclSettings settings, const base::Clock& clock, AclReplicator::Limits limits)
    : settings_(std::move(settings)), clock_(clock), limits_(limits) {}

AclReplication::~AclReplication() {
  stop();
}

void AclReplication::open(Server& server, std::shared_ptr<AclPrimary> primary) {
  server_ = &server;
  primary_ = std::move(primary);
  for (const Kind kind : {Kind::policies, Kind::roles, Kind::tokens}) {
    if (kind != Kind::tokens || settings_.token_replication) threads_.emplace_back([this, kind] { run(kind); });
  }
}

void AclReplication::lead(bool leading) {
  const std::lock_guard lock(mutex_);
  if (term_) term_->request_stop();
  term_.reset();
  status_.Running = leading && !stopping_;
  if (status_.Running) {
    term_.emplace();
    status_.Enabled = true;
    status_.SourceDatacenter = settings_.primary_datacenter;
    status_.ReplicationType = settings_.token_replication ? "tokens" : "policies";
  }
  changed_.notify_all();
}

rpc::ACLReplicationStatus AclReplication::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void AclReplication::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (term_) term_->request_stop();
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void AclReplication::run(Kind kind) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (term_ && !term_->stop_requested()); });
    if (stopping_) return;
    const std::stop_token over = term_->get_token();
    lock.unlock();
    AclReplicator::Means means;
    means.primary = primary_;
    means.clock = &clock_;
    means.view = [this] { return server_->view(); };
    means.apply = [this](std::string command) { return apply_and_wait(*server_, std::move(command)); };
    means.pause = [this, &over](base::Duration time) {
      std::unique_lock waiting(mutex_);
      return !changed_.wait_for(waiting, std::chrono::nanoseconds(time.nanoseconds),
                                [&over] { return over.stop_requested(); });
    };
    means.token = [this] { return settings_.replication_token(); };
    means.report = [this, kind](const Result<std::uint64_t>& round) { report(kind, round); };
    AclReplicator(kind, limits_, std::move(means)).run(over);
    lock.lock();
  }
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
