#include "agent/server/pool_duties.h"

#include <algorithm>
#include <set>
#include <utility>

#include "agent/server/metrics.h"
#include "base/time.h"
#include "catalog/commands.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::server {
namespace {

using base::Result;
using gossip::serf::Member;
using gossip::serf::MemberPtr;

// As Consul's server_health_interval and autopilot_interval. Until its first look a leader calls nobody healthy, as
// Consul's: whoever waits for health after a change of leaders does not go on before the others have answered.
constexpr base::Duration kLookInterval = base::seconds(2);
constexpr base::Duration kActInterval = base::seconds(10);
/// More changes than this are found by the next comparison of all.
constexpr std::size_t kMostChanges = 65'536;
/// While a mass failure goes on the log says so now and then.
constexpr base::Duration kReminder = base::seconds(60);

}  // namespace

PoolDuties::PoolDuties(Options options, Means means, const base::Clock& clock)
    : options_(std::move(options)), means_(std::move(means)), clock_(clock) {}

PoolDuties::~PoolDuties() = default;

void PoolDuties::member_changed(MemberPtr member, Fate fate) {
  const std::lock_guard lock(mutex_);
  if (changes_.size() < kMostChanges) changes_.emplace_back(std::move(member), fate);
}

void PoolDuties::configure(const MassFailureBrake::Settings& brake, const FlapDamping::Settings& damping) {
  const std::lock_guard lock(mutex_);
  configured_.emplace(brake, damping);
}

void PoolDuties::begin(bool again) {
  {
    const std::lock_guard lock(mutex_);
    changes_.clear();  // the comparison of all that follows sees them
    if (!again) autopilot_.restart();
  }
  // What an earlier term held back was not told to the catalog: the comparison finds it again.
  brake_.clear();
  damping_.clear();
  take_settings();
  {
    const std::lock_guard lock(fetched_->mutex);
    fetched_->statistics.clear();
  }
  fetch();
  look_at_ = clock_.now() + kLookInterval;
  act_at_ = clock_.now() + kActInterval;
}

void PoolDuties::end() {
  brake_.clear();
  damping_.clear();
  show_held();
}

bool PoolDuties::has_changes() const {
  const std::lock_guard lock(mutex_);
  return !changes_.empty() || configured_;
}

base::MonotonicTime PoolDuties::due() const {
  base::MonotonicTime due = std::min(look_at_, act_at_);
  for (const auto& at : {brake_.due(), damping_.due()}) {
    if (at) due = std::min(due, *at);
  }
  return due;
}

void PoolDuties::reconcile(const catalog::Tables& tables) {
  std::set<std::string> known;
  const std::vector<MemberPtr> members = means_.members();
  for (const MemberPtr& member : members) known.insert(catalog::lower_case(member->Name));
  const auto id_at = [this](const std::string& address) {
    for (const raft::Server& server : means_.raft().configuration.servers) {
      if (server.address == address) return server.id.value;
    }
    return std::string();
  };
  const std::vector<Member> unknown = unknown_members(tables, known, options_.datacenter, id_at);
  // All that is bad is weighed before any of it is told.
  for (const MemberPtr& member : members) {
    if (const auto fate = fate_of(member->Status)) note(tables, *member, *fate);
  }
  for (const Member& member : unknown) brake_.failed(catalog::lower_case(member.Name), clock_.now());
  weigh();
  for (const MemberPtr& member : members) {
    if (const auto fate = fate_of(member->Status)) settle(tables, *member, *fate);
  }
  for (const Member& member : unknown) {
    if (!brake_.holds(catalog::lower_case(member.Name))) settle(tables, member, Fate::reaped);
  }
}

void PoolDuties::take_settings() {
  std::optional<std::pair<MassFailureBrake::Settings, FlapDamping::Settings>> settings;
  {
    const std::lock_guard lock(mutex_);
    settings = std::exchange(configured_, std::nullopt);
  }
  if (!settings) return;
  brake_.set(settings->first);
  brake_enabled_ = settings->first.enabled;
  damping_.set(settings->second);
  show_held();
}

/// What the brake and the damping must know before anything is told to the catalog.
void PoolDuties::note(const catalog::Tables& tables, const Member& member, Fate fate) {
  const std::string name = catalog::lower_case(member.Name);
  const base::MonotonicTime now = clock_.now();
  if (fate == Fate::left || fate == Fate::reaped) damping_.forget(name);
  if (fate != Fate::failed) brake_.over(name);
  if (fate == Fate::failed && brake_enabled_ && plan_failed(tables, member, options_.datacenter)) {
    brake_.failed(name, now);
  }
  if (fate != Fate::alive && fate != Fate::failed) return;
  if (!damping_.changed(name, fate == Fate::alive, now)) return;
  log_.warn("member flaps, its health stays critical until it is stable",
            {{"member", member.Name},
             {"changes", damping_.changes(name)},
             {"window", base::to_string(damping_.settings().window)},
             {"stable_time", base::to_string(damping_.settings().stable_time)}});
}

/// True: some were held back and are so no more, all are to be compared.
bool PoolDuties::weigh() {
  const base::MonotonicTime now = clock_.now();
  const bool stable = damping_.end_stable(now);
  if (stable) log_.info("members that flapped are stable again", {{"still_flapping", damping_.count()}});
  MassFailureBrake::Change change = MassFailureBrake::Change::none;
  if (!brake_.idle()) {
    const auto members = means_.members();
    const auto alive = static_cast<std::size_t>(std::ranges::count_if(members, [](const MemberPtr& member) {
      return member->Status == gossip::serf::MemberStatus::alive ||
             member->Status == gossip::serf::MemberStatus::leaving;
    }));
    change = brake_.weigh(alive, means_.suspects(), now);
  }
  const MassFailureBrake::State& state = brake_.state();
  const auto say = [&](base::log::Level level, std::string_view text) {
    log_.write(level, text, {{"failing", state.failing}, {"members", state.members}, {"held", state.held}});
    remind_at_ = now + kReminder;
  };
  switch (change) {
    case MassFailureBrake::Change::engaged:
      say(base::log::Level::warn, "too many members fail at once: none of them is marked critical until that is over");
      break;
    case MassFailureBrake::Change::released:
      say(base::log::Level::info, "mass failure is over, who is still failed is marked critical");
      break;
    case MassFailureBrake::Change::expired:
      say(base::log::Level::warn, "mass failure lasts longer than mass_failure_brake.max_hold, marking its members");
      break;
    case MassFailureBrake::Change::none:
      if (state.engaged && now >= remind_at_) say(base::log::Level::warn, "mass failure goes on");
      break;
  }
  show_held();
  return stable || change == MassFailureBrake::Change::released || change == MassFailureBrake::Change::expired;
}

void PoolDuties::show_held() {
  const Held held{.brake_enabled = brake_enabled_,
                  .brake = brake_.state(),
                  .damping_enabled = damping_.settings().enabled,
                  .damped = damping_.count()};
  server_metrics().brake_held.set(static_cast<double>(held.brake.held));
  server_metrics().flapping.set(static_cast<double>(held.damped));
  const std::lock_guard lock(mutex_);
  held_ = held;
}

PoolDuties::Held PoolDuties::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

void PoolDuties::take_changes(
    const std::function<void(const std::function<void(const catalog::Tables&)>&)>& with_tables) {
  std::deque<std::pair<MemberPtr, Fate>> changes;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(changes_);
  }
  take_settings();
  if (!changes.empty()) {
    with_tables([&](const catalog::Tables& tables) {
      for (const auto& [member, fate] : changes) note(tables, *member, fate);
    });
  }
  const bool all = weigh();
  for (const auto& [member, fate] : changes) {
    with_tables([&, &member = member, fate = fate](const catalog::Tables& tables) { settle(tables, *member, fate); });
  }
  if (all) with_tables([this](const catalog::Tables& tables) { reconcile(tables); });
}

bool PoolDuties::is_self(const Member& member) const {
  return catalog::lower_case(member.Name) == catalog::lower_case(options_.self.Node);
}

void PoolDuties::settle(const catalog::Tables& tables, const Member& member, Fate fate) {
  if (!belongs_in_catalog(member, options_.datacenter)) {
    log_.warn("skipping reconcile of node", {{"member", member.Name}});
    return;
  }
  const base::metrics::ScopedTimer timer(server_metrics().reconcile_member);
  Result<> done;
  switch (fate) {
    case Fate::alive:
      done = register_alive(tables, member);
      break;
    case Fate::failed:
      if (brake_.holds(catalog::lower_case(member.Name))) return;
      if (const auto request = plan_failed(tables, member, options_.datacenter)) {
        log_.info("member failed, marking health critical", {{"member", member.Name}});
        done = means_.apply(catalog::encode_command(catalog::Command::register_, *request));
      }
      break;
    case Fate::left:
    case Fate::reaped:
      // Only a leader that is leaving sees itself go; who leads next deregisters it.
      if (is_self(member)) {
        log_.warn("deregistering self should be done by follower", {{"name", member.Name}});
        return;
      }
      done = take_place(member);
      if (!done) break;
      if (const auto request = plan_gone(tables, member, options_.datacenter)) {
        log_.info("deregistering member",
                  {{"member", member.Name}, {"reason", fate == Fate::left ? "left" : "reaped"}});
        done = means_.apply(catalog::encode_command(catalog::Command::deregister, *request));
      }
      break;
  }
  if (!done) log_.error("failed to reconcile member", {{"member", member.Name}, {"error", done.error()}});
}

Result<> PoolDuties::register_alive(const catalog::Tables& tables, const Member& member) {
  if (Result<> placed = give_place(member); !placed) return placed;
  const std::optional<std::string> flaps = unstable(member);
  auto request = plan_alive(tables, member, options_.datacenter, flaps);
  if (!request) return {};
  if (is_self(member) && catalog::find_node(tables, member.Name) == nullptr) {
    // The agent writes its node at the same time. Whoever is last must not wipe out what the other wrote.
    request->TaggedAddresses = options_.self.TaggedAddresses;
    request->NodeMeta = options_.self.NodeMeta;
    request->Locality = options_.self.Locality;
    request->SkipNodeUpdate = true;
  }
  if (!flaps) log_.info("member joined, marking health alive", {{"member", member.Name}});
  return means_.apply(catalog::encode_command(catalog::Command::register_, *request));
}

/// What its check says while it flaps. It does not count the changes: each would be a write that wakes who watches.
std::optional<std::string> PoolDuties::unstable(const Member& member) const {
  if (!damping_.damps(catalog::lower_case(member.Name))) return std::nullopt;
  const FlapDamping::Settings& settings = damping_.settings();
  return "Agent alive but unstable: its state changed more than " + std::to_string(settings.max_changes) +
         " times within " + base::to_string(settings.window) + ". It is passing again once it has been stable for " +
         base::to_string(settings.stable_time);
}

Result<> PoolDuties::give_place(const Member& member) {
  const auto server = server_info(member);
  if (!server) return {};
  if (server->bootstrap) {
    for (const ServerInfo& other : servers()) {
      if (!other.bootstrap || other.name == server->name) continue;
      log_.error("Two nodes are in bootstrap mode. Only one node should be in bootstrap mode, not adding Raft peer.",
                 {{"node_to_add", server->name}, {"other", other.name}});
      return {};
    }
  }
  Result<std::vector<raft::MembershipChange>> changes = plan_server(means_.raft().configuration, *server);
  if (!changes) return changes.error();
  for (const raft::MembershipChange& change : *changes) {
    if (Result<> changed = means_.change_raft(change); !changed) return changed;
    if (change.kind == raft::Change::remove_server) {
      autopilot_log_.info("removed server with duplicate address", {{"address", server->rpc_address()}});
    }
  }
  if (!changes->empty()) dead_may_go_ = true;
  return {};
}

Result<> PoolDuties::take_place(const Member& member) {
  const auto server = server_info(member);
  if (!server || server->id.empty()) return {};
  if (raft::find(means_.raft().configuration, {server->id}) == nullptr) return {};
  const raft::MembershipChange change{.kind = raft::Change::remove_server, .id = {server->id}, .address = {}};
  if (Result<> changed = means_.change_raft(change); !changed) return changed;
  autopilot_log_.info("removed server", {{"id", server->id}, {"name", server->name}});
  return {};
}

std::vector<ServerInfo> PoolDuties::servers() const {
  std::vector<ServerInfo> servers;
  for (const MemberPtr& member : means_.members()) {
    auto server = server_info(*member);
    if (server && server->datacenter == options_.datacenter && server->segment.empty()) {
      server->status = member->Status;
      servers.push_back(std::move(*server));
    }
  }
  return servers;
}

void PoolDuties::fetch() {
  std::vector<ServerInfo> ask = servers();
  std::erase_if(ask, [](const ServerInfo& server) { return server.status == gossip::serf::MemberStatus::left; });
  means_.fetch_stats(ask, [fetched = fetched_](Statistics statistics) {
    const std::lock_guard lock(fetched->mutex);
    fetched->statistics = std::move(statistics);
  });
}

void PoolDuties::autopilot(const catalog::AutopilotConfig& config) {
  const base::MonotonicTime now = clock_.now();
  if (now >= look_at_) {
    Autopilot::Input input;
    input.now = now;
    input.wall = clock_.wall();
    input.config = config;
    const raft::Status status = means_.raft();
    input.configuration = status.configuration;
    input.leader = status.leader;
    // Others are as far as they were when they were asked: under writes that is long ago.
    input.last_index = std::exchange(asked_at_, status.last_index.value);
    if (input.last_index == 0) input.last_index = status.last_index.value;
    input.last_term = status.last_term.value;
    input.known = servers();
    {
      const std::lock_guard lock(fetched_->mutex);
      input.stats = std::exchange(fetched_->statistics, {});
    }
    // This server knows itself best.
    input.stats[status.leader.value] = {
        .last_contact = {}, .last_term = status.last_term.value, .last_index = status.last_index.value};
    {
      const std::lock_guard lock(mutex_);
      autopilot_.update(std::move(input));
    }
    fetch();
    look_at_ = now + kLookInterval;
  }
  const bool act = now >= act_at_;
  if (act) {
    act_at_ = now + kActInterval;
    for (const raft::MembershipChange& change : health().promotions()) {
      autopilot_log_.info("Promoting server", {{"id", change.id.value}, {"address", change.address}});
      if (Result<> changed = means_.change_raft(change); !changed) {
        autopilot_log_.error("failed to promote server", {{"id", change.id.value}, {"error", changed.error()}});
        return;
      }
    }
  }
  if (act || std::exchange(dead_may_go_, false)) remove_dead();
}

void PoolDuties::remove_dead() {
  const Autopilot::Removals removals = health().removals();
  for (const std::string& refusal : removals.refusals)
    autopilot_log_.debug("will not remove server", {{"why", refusal}});
  for (const raft::ServerId& id : removals.from_raft) {
    const raft::MembershipChange change{.kind = raft::Change::remove_server, .id = id, .address = {}};
    const Result<> changed = means_.change_raft(change);
    if (changed) {
      autopilot_log_.info("removed server that nobody knows", {{"id", id.value}});
    } else {
      autopilot_log_.error("failed to remove server", {{"id", id.value}, {"error", changed.error()}});
    }
  }
  for (const ServerInfo& server : removals.failed) {
    autopilot_log_.info("Attempting removal of failed server node",
                        {{"id", server.id}, {"name", server.name}, {"address", server.rpc_address()}});
    means_.force_leave(server.name);
  }
}

Autopilot PoolDuties::health() const {
  const std::lock_guard lock(mutex_);
  return autopilot_;
}

}  // namespace proconsul::agent::server
