#include "tests/simulation/gossip_pool.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <tuple>
#include <utility>

namespace proconsul::simulation {

using base::Duration;
using base::MonotonicTime;
using base::Result;
using swim::NodeState;
using swim::StreamId;

namespace {

constexpr MonotonicTime kNever{std::numeric_limits<std::int64_t>::max()};
constexpr std::size_t kInbox = 1000;  // datagrams that wait for a paused member

std::string name_of(std::size_t member) {
  return "m" + std::to_string(member);
}
swim::Address address_of(std::size_t member) {
  const auto byte = [&](int shift) { return static_cast<char>(member >> shift & 0xff); };
  return {std::string{'\x0a', byte(16), byte(8), byte(0)}, 7946};
}

}  // namespace

/// One member and the layer above it, which tells messages on as serf does.
struct GossipPool::Member final : swim::Delegate {
  Member(GossipPool& the_pool, std::size_t its_number)
      : pool(the_pool), number(its_number), messages([this] { return core->alive_count(); }, 4) {}

  std::string node_meta() override { return meta; }
  void user_message(std::string_view message) override {
    if (heard.insert(std::strtoull(std::string(message).c_str(), nullptr, 10)).second) {
      messages.push(std::string(message));
      core->broadcasts_queued();
    }
  }
  std::vector<std::string> broadcasts(std::size_t overhead, std::size_t limit) override {
    return messages.take(overhead, limit);
  }
  bool has_broadcasts() const override { return messages.size() > 0; }
  /// What gossip missed: it reaches everybody only as good as always.
  std::string local_state(bool) override {
    std::string state;
    for (const std::uint64_t message : heard) state += std::to_string(message) + ",";
    return state;
  }
  void merge_remote_state(std::string_view state, bool) override {
    for (std::size_t end; (end = state.find(',')) != std::string_view::npos; state.remove_prefix(end + 1)) {
      user_message(state.substr(0, end));
    }
  }
  void node_joined(const swim::Node& node) override { note(1, node); }
  void node_updated(const swim::Node& node) override { note(2, node); }
  void node_left(const swim::Node& node) override {
    note(node.state == NodeState::left ? 3 : 4, node);
    if (node.state != NodeState::dead) return;
    ++pool.counts_.deaths;
    const std::size_t other = pool.member_at(node.address);
    Death& death = pool.members_[other]->death;
    if (death.by++ == 0) death.first = pool.now_;
    death.last = pool.now_;
    if (!pool.is_up(other) || !pool.reach(number, other)) return;
    ++pool.counts_.false_deaths;
    if (pool.members_[other]->was_paused_lately(pool.now_)) return;
    ++pool.counts_.unjust_deaths;
    if (!was_paused_lately(pool.now_)) ++pool.counts_.unjust_at_well;
  }
  void name_conflict(const swim::Node&, const swim::Node&) override {
    pool.violation_ = "a conflict of names, where every name has one address";
  }
  Result<> allow_merge(const std::vector<swim::Node>&) override { return {}; }
  Result<> allow_alive(const swim::Node&) override { return {}; }
  std::string ack_payload() override { return "payload"; }
  void ping_complete(const swim::Node&, Duration round_trip, std::string_view payload) override {
    if (payload != "payload" || round_trip.nanoseconds < 0) pool.violation_ = "a ping that went wrong";
  }
  void note(std::uint64_t what, const swim::Node& node) {
    pool.digest_ = mix(pool.digest_, static_cast<std::uint64_t>(pool.now_.nanoseconds));
    pool.digest_ = mix(pool.digest_, number << 8 | what);
    pool.digest_ = mix(pool.digest_, pool.member_at(node.address));
  }
  /// Whoever was away is not blameless: it may be declared dead for what it missed.
  bool was_paused_lately(MonotonicTime now) const {
    return paused_ever && now - std::max(paused_until, deaf_until) < base::seconds(30);  // or still is
  }

  GossipPool& pool;
  std::size_t number;
  base::SeededRandom random{0};
  std::unique_ptr<swim::Core> core{};
  swim::BroadcastQueue messages;
  std::set<std::uint64_t> heard{};
  std::string meta{};
  bool up = false;
  bool left = false;
  bool paused_ever = false;
  std::uint64_t life = 0;  // events of an earlier one are void
  MonotonicTime paused_until{};
  MonotonicTime deaf_until{};
  MonotonicTime mute_until{};
  Death death{};
  MonotonicTime timer_at = kNever;
  std::size_t waiting = 0;                                // datagrams, while it is paused
  std::unordered_map<StreamId, std::uint64_t> streams{};  // to their connections
};

enum class GossipPool::Kind : std::uint8_t { packet, open, opened, bytes, closed, timer };

struct GossipPool::Event {
  MonotonicTime at{};
  std::uint64_t order{};
  Kind kind{};
  std::size_t member{};
  std::uint64_t life{};
  std::uint64_t connection{};
  bool deferred{};
  std::string bytes{};
  swim::Address from{};
};

struct GossipPool::Connection {
  std::size_t ends[2]{};
  StreamId ids[2]{};
  bool accepted = false;
  MonotonicTime arrival[2]{};  // of the last bytes at that end: streams keep their order
};

namespace {

/// Datagrams and streams before timers: whoever wakes up reads before it judges.
constexpr auto kLater = [](const auto& a, const auto& b) {
  const auto rank = [](const auto& event) {
    return std::tuple(event.at, event.bytes.empty() && event.connection == 0, event.order);
  };
  return rank(a) > rank(b);
};

}  // namespace

GossipPool::GossipPool(GossipOptions options) : options_(options), random_(options.seed * 7919 + 17) {
  (void)keyring_.add(std::string(16, 'k'));
}
GossipPool::~GossipPool() = default;

std::size_t GossipPool::add() {
  const std::size_t number = members_.size();
  members_.push_back(std::make_unique<Member>(*this, number));
  if (!groups_.empty()) groups_.push_back(0);
  start(number);
  return number;
}

void GossipPool::start(std::size_t number) {
  Member& member = *members_[number];
  ++member.life;
  member.random = base::SeededRandom(random_.next());
  member.meta = std::to_string(random_.below(1000));
  swim::Config config;
  config.name = name_of(number);
  config.address = address_of(number);
  config.bind_port = config.address.port;
  config.timing = options_.timing;
  config.wrapping.compress = options_.compress;
  if (options_.encrypt) config.wrapping.keyring = &keyring_;
  config.least_level = options_.trace ? base::log::Level::debug : base::log::Level::off;
  member.core = std::make_unique<swim::Core>(std::move(config), member.random);
  member.messages.clear();
  member.heard.clear();
  member.up = true;
  member.left = false;
  member.paused_until = {};
  member.deaf_until = {};
  member.mute_until = {};
  member.paused_ever = false;
  member.timer_at = kNever;
  member.waiting = 0;
  if (!member.core->start(now_, member)) std::abort();
  after(number);
}

void GossipPool::begin_whole(std::size_t members) {
  for (std::size_t i = 0; i < members; ++i) add();
  for (std::size_t i = 0; i < members; ++i) {
    members_[i]->core->at(now_);
    for (std::size_t other = 0; other < members; ++other) {
      if (other != i) members_[i]->core->know(members_[other]->core->local());
    }
    after(i);
  }
}

void GossipPool::kill(std::size_t member) {
  ++counts_.kills;
  members_[member]->death = {};
  end(*members_[member]);
}

/// The process is gone, and with it its ends of streams.
void GossipPool::end(Member& member) {
  member.up = false;
  ++member.life;
  for (const auto& [stream, id] : member.streams) {
    const auto found = connections_.find(id);
    Connection& connection = *found->second;
    const int other = connection.ids[0] == stream && connection.ends[0] == member.number ? 1 : 0;
    connection.ids[1 - other] = 0;
    if (connection.ids[other] == 0) {
      connections_.erase(found);
    } else {
      push({.at = now_ + delay(), .kind = Kind::closed, .member = connection.ends[other], .connection = id});
    }
  }
  member.streams.clear();
}

void GossipPool::restart(std::size_t member) {
  ++counts_.restarts;
  start(member);
}

void GossipPool::join(std::size_t member, std::size_t with) {
  members_[member]->core->at(now_);
  members_[member]->core->join({address_of(with)}, [](swim::JoinOutcome) {});
  after(member);
}

void GossipPool::leave(std::size_t number) {
  Member& member = *members_[number];
  ++counts_.leaves;
  member.left = true;
  member.core->at(now_);
  member.core->leave(base::seconds(5), [this, &member, life = member.life](Result<>) {
    if (member.life != life) return;
    end(member);  // but for its core, which is in use
  });
  after(number);
}

void GossipPool::pause(std::size_t number, Duration time) {
  ++counts_.pauses;
  members_[number]->paused_until = now_ + time;
  members_[number]->paused_ever = true;
}

void GossipPool::deafen(std::size_t number, Duration time) {
  ++counts_.pauses;
  members_[number]->deaf_until = now_ + time;
  members_[number]->paused_ever = true;
  members_[number]->paused_until = now_;
}

void GossipPool::starve(std::size_t number, Duration time) {
  deafen(number, time);
  members_[number]->mute_until = now_ + time;
}

void GossipPool::partition(std::vector<int> group_of_member) {
  if (!group_of_member.empty()) ++counts_.partitions;
  groups_ = std::move(group_of_member);
}

void GossipPool::update(std::size_t number) {
  Member& member = *members_[number];
  ++counts_.updates;
  member.meta = std::to_string(random_.below(1000));
  member.core->at(now_);
  member.core->update_node(base::seconds(5), [](Result<>) {});
  after(number);
}

std::uint64_t GossipPool::tell(std::size_t member) {
  ++counts_.user_events;
  const std::uint64_t message = ++next_message_;
  members_[member]->core->at(now_);
  members_[member]->user_message(std::to_string(message));
  after(member);
  return message;
}

bool GossipPool::reach(std::size_t a, std::size_t b) const {
  return groups_.empty() || groups_[a] == groups_[b];
}

Duration GossipPool::delay() {
  const GossipNetwork& network = options_.network;
  return {random_.between(network.least_delay.nanoseconds, network.most_delay.nanoseconds)};
}

std::size_t GossipPool::member_at(const swim::Address& address) const {
  std::size_t number = 0;
  for (std::size_t i = 1; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(address.ip[i]);
  return number;
}

void GossipPool::push(Event event) {
  event.order = ++order_;
  event.life = members_[event.member]->life;
  events_.push_back(std::move(event));
  std::push_heap(events_.begin(), events_.end(), kLater);
}

void GossipPool::send(std::size_t from, swim::Packet packet) {
  ++counts_.packets;
  counts_.packet_bytes += packet.bytes.size();
  if (packet.bytes.size() > 1400 + 5) violation_ = "a datagram of " + std::to_string(packet.bytes.size()) + " bytes";
  const std::size_t to = member_at(packet.to);
  if (to >= members_.size()) return;
  if (!reach(from, to)) {
    ++counts_.cut_off;
    return;
  }
  const GossipNetwork& network = options_.network;
  int copies = 1;
  if (random_.chance(network.duplicate)) {
    ++copies;
    ++counts_.duplicated;
  }
  for (; copies > 0; --copies) {
    if (random_.chance(network.loss)) {
      ++counts_.lost;
      continue;
    }
    const MonotonicTime leaves = std::max(now_, members_[from]->mute_until);
    push({.at = leaves + delay(), .kind = Kind::packet, .member = to, .bytes = packet.bytes, .from = address_of(from)});
  }
}

void GossipPool::stream_effect(std::size_t from, swim::StreamEffect& effect) {
  if (const auto* open = std::get_if<swim::OpenStream>(&effect)) {
    ++counts_.streams;
    const std::size_t to = member_at(open->to);
    if (to >= members_.size()) return;
    const std::uint64_t id = ++next_connection_;
    auto connection = std::make_unique<Connection>();
    connection->ends[0] = from;
    connection->ends[1] = to;
    connection->ids[0] = open->stream;
    connections_.emplace(id, std::move(connection));
    members_[from]->streams[open->stream] = id;
    const MonotonicTime leaves = std::max(now_, members_[from]->mute_until);
    if (reach(from, to)) push({.at = leaves + delay(), .kind = Kind::open, .member = to, .connection = id});
    return;
  }
  const StreamId stream = std::holds_alternative<swim::SendBytes>(effect) ? std::get<swim::SendBytes>(effect).stream
                                                                          : std::get<swim::CloseStream>(effect).stream;
  const auto known = members_[from]->streams.find(stream);
  if (known == members_[from]->streams.end()) return;
  const auto found = connections_.find(known->second);
  Connection& connection = *found->second;
  const int other = connection.ends[0] == from && connection.ids[0] == stream ? 1 : 0;
  const std::size_t to = connection.ends[other];
  MonotonicTime& arrival = connection.arrival[other];
  arrival = std::max(arrival, std::max(now_, members_[from]->mute_until) + delay());
  if (auto* send = std::get_if<swim::SendBytes>(&effect)) {
    counts_.stream_bytes += send->bytes.size();
    if (reach(from, to)) {
      push({.at = arrival,
            .kind = Kind::bytes,
            .member = to,
            .connection = found->first,
            .bytes = std::move(send->bytes)});
    }
  } else {
    connection.ids[1 - other] = 0;  // this end is gone
    members_[from]->streams.erase(known);
    if (connection.ids[0] == 0 && connection.ids[1] == 0 && connection.accepted) {
      connections_.erase(found);
    } else if (reach(from, to)) {
      push({.at = arrival, .kind = Kind::closed, .member = to, .connection = found->first});
    }
  }
}

void GossipPool::after(std::size_t number) {
  Member& member = *members_[number];
  swim::Effects effects = std::exchange(member.core->effects(), {});
  for (swim::Packet& packet : effects.packets) send(number, std::move(packet));
  for (swim::StreamEffect& effect : effects.streams) stream_effect(number, effect);
  if (options_.trace) {
    for (const swim::Line& line : effects.lines) {
      std::fprintf(stderr, "%10.3f %s %s\n", static_cast<double>(now_.nanoseconds) / 1e9, name_of(number).c_str(),
                   line.text.c_str());
    }
  }
  const MonotonicTime due = member.core->next_due();
  if (member.up && due < member.timer_at) {
    member.timer_at = due;
    push({.at = std::max(due, now_), .kind = Kind::timer, .member = number});
  }
}

void GossipPool::handle(Event& event) {
  Member& member = *members_[event.member];
  if (event.kind == Kind::open) {
    const auto found = connections_.find(event.connection);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    if (!member.up || event.life != member.life) {
      // Nobody listens there: it is refused.
      connection.accepted = true;
      push({.at = now_ + delay(), .kind = Kind::closed, .member = connection.ends[0], .connection = event.connection});
      return;
    }
  }
  if (!member.up || event.life != member.life) return;
  const MonotonicTime hears =
      event.kind == Kind::timer ? member.paused_until : std::max(member.paused_until, member.deaf_until);
  if (hears > now_) {  // in the order in which they came
    if (event.kind == Kind::packet && !event.deferred) {
      if (++member.waiting > kInbox) {
        --member.waiting;
        return;
      }
      event.deferred = true;
    }
    event.at = hears;
    events_.push_back(std::move(event));
    std::push_heap(events_.begin(), events_.end(), kLater);
    return;
  }
  if (event.deferred) --member.waiting;
  const auto found = connections_.find(event.connection);
  Connection* connection = found == connections_.end() ? nullptr : found->second.get();
  const int end = connection != nullptr && connection->ends[1] == event.member ? 1 : 0;
  switch (event.kind) {
    case Kind::packet:
      member.core->packet(now_, event.from, event.bytes);
      break;
    case Kind::timer:
      if (event.at < member.timer_at) return;
      member.timer_at = kNever;
      member.core->tick(now_);
      break;
    case Kind::open: {
      if (connection == nullptr) return;
      connection->accepted = true;
      connection->ids[1] = member.core->stream_accepted(now_, address_of(connection->ends[0]));
      if (connection->ids[1] != 0) member.streams[connection->ids[1]] = event.connection;
      const std::size_t opener = connection->ends[0];
      push({.at = now_ + delay(),
            .kind = connection->ids[1] == 0 ? Kind::closed : Kind::opened,
            .member = opener,
            .connection = event.connection});
      break;
    }
    case Kind::opened:
      if (connection != nullptr && connection->ids[0] != 0) member.core->stream_opened(now_, connection->ids[0]);
      break;
    case Kind::bytes:
      if (connection != nullptr && connection->ids[end] != 0) {
        member.core->stream_bytes(now_, connection->ids[end], event.bytes);
      }
      break;
    case Kind::closed:
      if (connection != nullptr && connection->ids[end] != 0)
        member.core->stream_closed(now_, connection->ids[end], {});
      break;
  }
  after(event.member);
}

void GossipPool::run(Duration time) {
  const MonotonicTime end = now_ + time;
  while (!events_.empty() && events_.front().at <= end) {
    std::pop_heap(events_.begin(), events_.end(), kLater);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = std::max(now_, event.at);
    ++counts_.events;
    handle(event);
  }
  now_ = end;
}

bool GossipPool::run_until(const std::function<bool()>& done, Duration limit) {
  const MonotonicTime end = now_ + limit;
  while (!done()) {
    if (now_ >= end) return false;
    run(base::milliseconds(100));
  }
  return true;
}

bool GossipPool::is_up(std::size_t member) const {
  return member < members_.size() && members_[member]->up;
}
bool GossipPool::is_paused(std::size_t member) const {
  return std::max(members_[member]->paused_until, members_[member]->deaf_until) > now_;
}
const swim::Core& GossipPool::core(std::size_t member) const {
  return *members_[member]->core;
}

std::size_t GossipPool::up_count() const {
  return static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(), [](const auto& member) { return member->up && !member->left; }));
}

bool GossipPool::converged() const {
  const std::size_t wanted = up_count();
  for (const auto& member : members_) {
    if (!member->up || member->left) continue;
    if (member->core->alive_count() != wanted) return false;
    for (const auto& other : members_) {
      if (!other->up || other->left) continue;
      const swim::Node* seen = member->core->find(other->core->local().name);
      if (seen == nullptr || seen->state != NodeState::alive || seen->meta != other->meta) return false;
    }
  }
  return true;
}

GossipCounts GossipPool::totals() const {
  GossipCounts total = counts_;
  for (const auto& member : members_) {
    total.suspicions += member->core->counts().suspect;
    total.refutations += member->core->counts().refutations;
  }
  return total;
}

std::size_t GossipPool::missing_at(std::size_t member) const {
  std::size_t count = 0;
  for (const auto& other : members_) {
    if (!other->up || other->left) continue;
    const swim::Node* seen = other->core->find(name_of(member));
    if (seen == nullptr || seen->state == NodeState::dead || seen->state == NodeState::left) ++count;
  }
  return count;
}

std::size_t GossipPool::suspect_at(std::size_t member) const {
  std::size_t count = 0;
  for (const auto& other : members_) {
    if (!other->up || other->left) continue;
    const swim::Node* seen = other->core->find(name_of(member));
    if (seen != nullptr && seen->state == NodeState::suspect) ++count;
  }
  return count;
}

bool GossipPool::everybody_heard(std::uint64_t message) const {
  return std::all_of(members_.begin(), members_.end(), [&](const auto& member) {
    return !member->up || member->left || member->heard.contains(message);
  });
}

const GossipPool::Death& GossipPool::death(std::size_t member) const {
  return members_[member]->death;
}

std::string GossipPool::violation() const {
  if (!violation_.empty()) return violation_;
  for (const auto& member : members_) {
    if (!member->up) continue;
    const swim::Core& core = *member->core;
    const std::string name = name_of(member->number);
    if (!member->left && core.local().state != NodeState::alive) return name + " does not know itself alive";
    if (core.members().size() != core.alive_count()) return name + " counts its members wrong";
    for (const swim::Node* node : core.members()) {
      const std::size_t other = member_at(node->address);
      if (other >= members_.size() || name_of(other) != node->name) return name + " knows somebody who never was";
      // Nobody but the member itself raises its incarnation. One that was started anew counts from 1 again.
      if (members_[other]->life == 1 && node->incarnation > members_[other]->core->local().incarnation) {
        return name + " knows " + node->name + " by an incarnation that it never had";
      }
    }
  }
  return {};
}

void GossipCounts::add(const GossipCounts& other) {
  const auto* from = reinterpret_cast<const std::uint64_t*>(&other);
  auto* to = reinterpret_cast<std::uint64_t*>(this);
  for (std::size_t i = 0; i < sizeof(GossipCounts) / sizeof(std::uint64_t); ++i) to[i] += from[i];
}

std::string describe(const GossipCounts& counts) {
  std::string text;
  const auto line = [&](std::string_view name, std::uint64_t value) {
    text.append(name).append(" ").append(std::to_string(value)).append("  ");
  };
  line("events", counts.events);
  line("packets", counts.packets);
  line("bytes", counts.packet_bytes);
  line("lost", counts.lost);
  line("duplicated", counts.duplicated);
  line("cut off", counts.cut_off);
  line("streams", counts.streams);
  line("stream bytes", counts.stream_bytes);
  text += "\n";
  line("kills", counts.kills);
  line("restarts", counts.restarts);
  line("leaves", counts.leaves);
  line("pauses", counts.pauses);
  line("partitions", counts.partitions);
  line("updates", counts.updates);
  line("user events", counts.user_events);
  text += "\n";
  line("deaths declared", counts.deaths);
  line("of members that were up", counts.false_deaths);
  line("and not paused", counts.unjust_deaths);
  line("at members that were not either", counts.unjust_at_well);
  line("suspicions", counts.suspicions);
  line("refutations", counts.refutations);
  return text + "\n";
}

}  // namespace proconsul::simulation
