#include "agent/server/leader_duties.h"

#include <chrono>
#include <future>
#include <utility>

#include "agent/server/metrics.h"
#include "catalog/commands.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/settings.h"

namespace proconsul::agent::server {
namespace {

using base::Result;

/// Registrations are compared with what they should be this often, in case somebody changed them.
constexpr base::Duration kReconcileInterval = base::seconds(60);
/// After a failed attempt to open the term.
constexpr std::chrono::seconds kRetry{1};

}  // namespace

LeaderDuties::LeaderDuties(Options options, Server& server, LeaderClocks& clocks, const base::Clock& clock,
                           Barrier barrier)
    : options_(std::move(options)), server_(server), clocks_(clocks), clock_(clock), barrier_(std::move(barrier)) {
  thread_ = std::thread([this] { run(); });
}

LeaderDuties::~LeaderDuties() {
  stop();
}

void LeaderDuties::leadership(bool leading) {
  const std::lock_guard lock(mutex_);
  leading_ = leading;
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
      clocks_.stop();
    } else {
      changed_.wait(lock);
    }
  }
}

void LeaderDuties::lead(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t term = term_;
  const auto current = [&] { return still_leading() && term_ == term; };
  for (;;) {
    lock.unlock();
    const Result<> opened = open_term();
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
  while (current()) {
    const auto earliest = clocks_.earliest();
    const base::MonotonicTime due = earliest ? std::min(*earliest, reconcile_at) : reconcile_at;
    const base::Duration wait = due - clock_.now();
    if (wait.nanoseconds > 0) {
      changed_.wait_for(lock, std::chrono::nanoseconds(wait.nanoseconds));
      continue;
    }
    lock.unlock();
    expire();
    if (clock_.now() >= reconcile_at) {
      const base::metrics::ScopedTimer timer(server_metrics().reconcile);
      if (const Result<> done = register_self(); !done) {
        log_.warn("failed to reconcile this server's registration", {{"error", done.error()}});
      }
      reconcile_at = clock_.now() + kReconcileInterval;
    }
    lock.lock();
  }
}

Result<> LeaderDuties::open_term() {
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
  return register_self();
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

Result<> LeaderDuties::register_self() {
  const base::metrics::ScopedTimer timer(server_metrics().reconcile_member);
  const auto view = server_.view();
  const catalog::Tables& tables = view->tables();
  catalog::RegisterRequest wanted = options_.self;
  // The agent writes the same row, and a reload may have given it other contents: where the row is right in what a
  // server answers for, applying this must leave it alone. (A row that is missing then is created all the same.)
  wanted.SkipNodeUpdate = true;
  const catalog::NodeRow* row = catalog::find_node(tables, wanted.Node);
  if (row != nullptr) {
    const catalog::Node node = row->get();
    const catalog::ServiceRow* service = catalog::find_service(tables, wanted.Node, wanted.Service->ID);
    const catalog::CheckRow* check = catalog::find_check(tables, wanted.Node, wanted.Check->CheckID);
    wanted.SkipNodeUpdate = node.Address == wanted.Address && node.ID == wanted.ID;
    if (wanted.SkipNodeUpdate && service != nullptr && check != nullptr &&
        service->get().Meta == wanted.Service->Meta && service->get().Port == wanted.Service->Port &&
        check->get().Status == wanted.Check->Status) {
      return {};
    }
    // The agent itself keeps these two; what it wrote stays.
    wanted.TaggedAddresses = node.TaggedAddresses;
    wanted.NodeMeta = node.Meta;
  }
  log_.info("member joined, marking health alive", {{"member", wanted.Node}});
  return apply(catalog::encode_command(catalog::Command::register_, wanted));
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
