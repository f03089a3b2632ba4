#include "agent/server/leader_duties.h"

#include <chrono>
#include <future>
#include <utility>

#include "agent/mesh/authority.h"
#include "agent/server/acl_replication.h"
#include "agent/server/api_gateway_duties.h"
#include "agent/server/config_bootstrap.h"
#include "agent/server/config_replication.h"
#include "agent/server/federation_duties.h"
#include "agent/server/metrics.h"
#include "base/random.h"
#include "base/uuid.h"
#include "catalog/acl/builtin.h"
#include "catalog/commands.h"
#include "catalog/registry/settings.h"

namespace proconsul::agent::server {
namespace {

using base::Result;

/// Registrations are compared with what they should be this often, in case somebody changed them.
constexpr base::Duration kReconcileInterval = base::seconds(60);
/// How long others wait for the mesh's authority before they see the servers' own services, by which all is well.
constexpr std::chrono::milliseconds kFirstAttempt{500};
/// After a failed attempt to open the term.
constexpr std::chrono::seconds kRetry{1};

}  // namespace

LeaderDuties::LeaderDuties(Options options, Server& server, LeaderClocks& clocks, const base::Clock& clock,
                           Barrier barrier)
    : options_(std::move(options)),
      server_(server),
      clocks_(clocks),
      clock_(clock),
      barrier_(std::move(barrier)),
      pool_({.datacenter = options_.datacenter, .self = options_.self}, means(), clock),
      acl_(
          options_.acl, server, [this](std::string command) { return apply(std::move(command)); }, clock),
      config_entries_(options_.config_entries) {
  pool_.configure(options_.brake, options_.damping);
  thread_ = std::thread([this] { run(); });
}

LeaderDuties::~LeaderDuties() {
  stop();
}

void LeaderDuties::leadership(bool leading) {
  const std::lock_guard lock(mutex_);
  leading_ = leading;
  begun_ = false;
  ++term_;
  changed_.notify_all();
}

void LeaderDuties::open_term_again(Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (still_leading()) {
      ++term_;
      opened_.push_back(std::move(done));
      changed_.notify_all();
      return;
    }
  }
  done(base::Error{base::Errc::no_leader, "No cluster leader"});
}

PoolDuties::Means LeaderDuties::means() {
  PoolDuties::Means means = options_.means;
  means.apply = [this](std::string command) { return apply(std::move(command)); };
  return means;
}

void LeaderDuties::member_changed(gossip::serf::MemberPtr member, Fate fate) {
  const std::lock_guard lock(mutex_);
  if (!still_leading()) return;
  pool_.member_changed(std::move(member), fate);
  changed_.notify_all();
}

void LeaderDuties::configure(const MassFailureBrake::Settings& brake, const FlapDamping::Settings& damping) {
  pool_.configure(brake, damping);
  wake();
}

void LeaderDuties::configure(std::vector<catalog::ConfigEntryPtr> config_entries) {
  const std::lock_guard lock(mutex_);
  config_entries_ = std::move(config_entries);
  bootstrap_due_ = true;
  changed_.notify_all();
}

void LeaderDuties::wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void LeaderDuties::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  for (Done& done : std::exchange(opened_, {})) done(base::Error{base::Errc::unavailable, "the server is stopping"});
}

void LeaderDuties::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (leading_) {
      lead(lock);
      lead_others(false);
      clocks_.stop();
      pool_.end();
    } else {
      changed_.wait(lock);
    }
  }
}

void LeaderDuties::lead(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t term = term_;
  const bool again = std::exchange(begun_, true);
  const auto current = [&] { return still_leading() && term_ == term; };
  if (!again) {
    lock.unlock();
    options_.means.tell_of_leader();
    lock.lock();
  }
  while (current()) {
    lock.unlock();
    const Result<> opened = open_term(again);
    lock.lock();
    if (!current()) return;
    if (opened) {
      std::vector<Done> waiting = std::exchange(opened_, {});
      lock.unlock();
      for (Done& done : waiting) done({});
      lock.lock();
      break;
    }
    log_.error("failed to establish leadership", {{"error", opened.error()}});
    changed_.wait_for(lock, kRetry);
    if (!current()) return;
  }
  base::MonotonicTime reconcile_at = clock_.now() + kReconcileInterval;
  base::MonotonicTime reap_at = clock_.now();
  while (current()) {
    base::MonotonicTime due = std::min(reconcile_at, pool_.due());
    if (const auto earliest = clocks_.earliest()) due = std::min(due, *earliest);
    if (acl_.on()) due = std::min(due, reap_at);
    const base::Duration wait = due - clock_.now();
    if (wait.nanoseconds > 0 && !pool_.has_changes() && !bootstrap_due_) {
      changed_.wait_for(lock, std::chrono::nanoseconds(wait.nanoseconds));
      continue;
    }
    const bool bootstraps = bootstrap_due_;
    lock.unlock();
    if (const Result<> done = bootstraps ? bootstrap() : Result<>(); !done) {
      log_.error("failed to write the config entries of the configuration", {{"error", done.error()}});
    }
    expire();
    look_after_pool();
    if (acl_.on() && clock_.now() >= reap_at) reap_at = acl_.reap();
    if (clock_.now() >= reconcile_at) {
      reconcile();
      reconcile_at = clock_.now() + kReconcileInterval;
    }
    lock.lock();
  }
}

Result<> LeaderDuties::open_term(bool again) {
  // What an earlier leader committed must be here before sessions get their time: none may be missed.
  {
    const base::metrics::ScopedTimer timer(server_metrics().barrier);
    if (Result<> current = barrier_(); !current) return current;
  }
  const auto view = server_.view();
  clocks_.start(view->tables(), view->applied_index());
  // What Go servers look for before they use these features.
  for (const auto& [key, value] : {std::pair{"intention-format", "config-entry"}, std::pair{"virtual-ips", "true"},
                                   std::pair{"virtual-ips-term-gateway", "true"}}) {
    if (Result<> set = set_metadata(key, value); !set) return set;
  }
  if (catalog::autopilot_config(view->tables(), nullptr) == nullptr) {
    catalog::AutopilotSetConfigRequest request{};
    request.Datacenter = options_.datacenter;
    request.Config = options_.autopilot;
    if (Result<> set = apply(catalog::encode_command(catalog::Command::autopilot, request)); !set) return set;
  }
  if (Result<> begun = acl_.begin(); !begun) return begun;
  if (acl_.on()) {
    // By it servers know each other's requests that no token of an operator's is behind.
    if (Result<> set = set_metadata(catalog::kServerManagementToken, base::generate_uuid(base::system_random()));
        !set) {
      return set;
    }
  }
  // Before the servers' own services are there, by which others see that all is well.
  if (Result<> written = bootstrap(); !written) return written;
  pool_.begin(again);
  lead_others(true);
  // A primary's makes a key and a certificate in a few milliseconds; larger keys take their time behind this.
  if (options_.authority && options_.authority->in_primary()) options_.authority->await_first_attempt(kFirstAttempt);
  reconcile();
  return {};
}

void LeaderDuties::lead_others(bool leading) {
  if (options_.acl_replication) options_.acl_replication->lead(leading);
  if (options_.config_replication) options_.config_replication->lead(leading);
  if (options_.federation) options_.federation->lead(leading);
  if (options_.api_gateways) options_.api_gateways->lead(leading);
  if (options_.authority) options_.authority->lead(leading);
}

Result<> LeaderDuties::bootstrap() {
  std::vector<catalog::ConfigEntryPtr> entries;
  {
    const std::lock_guard lock(mutex_);
    entries = config_entries_;
    bootstrap_due_ = false;
  }
  if (!options_.acl.in_primary()) return {};
  return bootstrap_config_entries(server_, entries, options_.connect_enabled, options_.datacenter,
                                  [this](std::string command) { return apply(std::move(command)); });
}

Result<> LeaderDuties::set_metadata(std::string_view key, std::string_view value) {
  if (catalog::system_metadata(server_.view()->tables(), key) == value) return {};
  catalog::SystemMetadataRequest request{};
  request.Datacenter = options_.datacenter;
  request.Op = "upsert";
  catalog::SystemMetadataEntry& entry = request.Entry.emplace();
  entry.Key = key;
  entry.Value = value;
  return apply(catalog::encode_command(catalog::Command::system_metadata, request));
}

void LeaderDuties::reconcile() {
  const base::metrics::ScopedTimer timer(server_metrics().reconcile);
  pool_.reconcile(server_.view()->tables());
}

void LeaderDuties::look_after_pool() {
  pool_.take_changes([this](const auto& settle) { settle(server_.view()->tables()); });
  const auto view = server_.view();
  const catalog::AutopilotConfig* config = catalog::autopilot_config(view->tables(), nullptr);
  pool_.autopilot(config != nullptr ? *config : options_.autopilot);
}

void LeaderDuties::expire() {
  LeaderClocks::Expired expired = clocks_.take_expired();
  for (std::string& id : expired.sessions) {
    catalog::SessionRequest request{};
    request.Datacenter = options_.datacenter;
    request.Op = "destroy";
    request.Session.ID = id;
    const base::metrics::ScopedTimer timer(server_metrics().session_expiry);
    if (const Result<> ended = apply(catalog::encode_command(catalog::Command::session, request)); !ended) {
      log_.warn("failed to end an expired session; it is tried again", {{"session", id}, {"error", ended.error()}});
      clocks_.retry_session(std::move(id));
    } else {
      log_.debug("session expired", {{"session", id}});
    }
  }
  if (expired.tombstone_index != 0) {
    catalog::TombstoneRequest request{};
    request.Datacenter = options_.datacenter;
    request.Op = "reap";
    request.ReapIndex = expired.tombstone_index;
    const base::metrics::ScopedTimer timer(server_metrics().reap_tombstones);
    if (const Result<> reaped = apply(catalog::encode_command(catalog::Command::tombstone, request)); !reaped) {
      log_.warn("failed to reap tombstones", {{"index", expired.tombstone_index}, {"error", reaped.error()}});
    }
  }
}

Result<> LeaderDuties::apply(std::string command) {
  std::promise<Result<>> promise;
  std::future<Result<>> future = promise.get_future();
  server_.apply(std::move(command), [&promise](Result<catalog::ApplyResult> result) {
    if (!result) return promise.set_value(result.error());
    const base::Error* error = result->error();
    promise.set_value(error != nullptr ? Result<>(*error) : Result<>());
  });
  return future.get();
}

}  // namespace proconsul::agent::server
