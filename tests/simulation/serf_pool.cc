#include "tests/simulation/serf_pool.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace proconsul::simulation {

using base::Duration;
using base::MonotonicTime;
using serf::MemberStatus;

namespace {

constexpr MonotonicTime kNever{std::numeric_limits<std::int64_t>::max()};

}  // namespace

void SerfPool::Node::member_event(const serf::MemberEvent& event) {
  for (const serf::MemberPtr& member : event.members) note(std::string(to_string(event.type)) + " " + member->Name);
}
void SerfPool::Node::user_event(const serf::UserEventMessage& event) {
  note("user " + event.Name + " " + event.Payload);
}
void SerfPool::Node::query(serf::IncomingQuery query) {
  note("query " + query.name);
  if (!serf->respond(query, base::Bytes(name))) note("no answer");
}
void SerfPool::Node::note(std::string event) {
  for (const char c : event) pool.digest_ = pool.digest_ * 1'099'511'628'211 + static_cast<unsigned char>(c);
  pool.digest_ ^= number + static_cast<std::uint64_t>(pool.clock_.now().nanoseconds);
  if (pool.options_.trace) {
    std::fprintf(stderr, "%9.3f %s #%u: %s\n", static_cast<double>(pool.clock_.now().nanoseconds) / 1e9, name.c_str(),
                 number, event.c_str());
  }
  events.push_back(std::move(event));
}
std::size_t SerfPool::Node::heard(const std::string& event) const {
  return static_cast<std::size_t>(std::ranges::count(events, event));
}
swim::Address SerfPool::Node::address() const {
  return {std::string{'\x0a', '\0', static_cast<char>(number >> 8), static_cast<char>(number)}, 8301};
}

SerfPool::SerfPool(SerfOptions options) : options_(std::move(options)), random_(options_.seed) {
  base::log::set_level(options_.trace ? base::log::Level::debug : base::log::Level::off);
  clock_.advance(base::seconds(1));
}

SerfPool::~SerfPool() {
  for (const auto& node : nodes_) {
    if (node->serf) node->serf->shutdown();
  }
}

SerfPool::Node& SerfPool::add(const std::string& name, std::vector<std::string> keys) {
  Node& node = *nodes_.emplace_back(std::make_unique<Node>(*this, name, static_cast<unsigned>(nodes_.size() + 1)));
  for (const std::string& key : keys.empty() ? options_.keys : keys) {
    if (!node.keyring.add(key)) std::abort();
  }
  start(node);
  return node;
}

void SerfPool::start(Node& node) {
  ++node.life;
  node.up = true;
  node.timer = kNever;
  node.random = base::SeededRandom(random_.next());
  serf::Settings settings = options_.settings;
  settings.node_name = node.name;
  swim::Config config;
  config.name = node.name;
  config.address = node.address();
  config.bind_port = node.address().port;
  config.timing = settings.timing;
  const bool encrypted = !node.keyring.empty();
  if (encrypted) config.wrapping.keyring = &node.keyring;
  node.serf.reset();
  const std::string kept = node.snapshot;
  node.serf = serf::Serf::create(std::move(settings), {.clock = clock_,
                                                       .random = node.random,
                                                       .observer = node,
                                                       .keyring = encrypted ? &node.keyring : nullptr,
                                                       .snapshot_store = &node,
                                                       .snapshot = kept,
                                                       .log = base::log::Logger(node.name)})
                  .value();
  node.core = std::make_unique<swim::Core>(std::move(config), node.random);
  if (!node.core->start(clock_.now(), *node.serf)) std::abort();
  node.serf->start(*node.core);
  after(node);
}

void SerfPool::kill(Node& node) {
  node.up = false;
  ++node.life;
}

void SerfPool::restart(Node& node) {
  start(node);
}

void SerfPool::join(Node& node, const Node& with, bool ignore_old) {
  ask(node, [&](serf::Serf& asked) {
    asked.join({with.address()}, ignore_old, [](const base::Result<swim::JoinOutcome>&) {});
  });
}

void SerfPool::ask(Node& node, const std::function<void(serf::Serf&)>& what) {
  node.core->at(clock_.now());
  what(*node.serf);
  after(node);
}

void SerfPool::partition(Node& node, int group) {
  node.group = group;
}

void SerfPool::run(Duration time) {
  run_until([] { return false; }, time);
}

bool SerfPool::run_until(const std::function<bool()>& done, Duration limit) {
  const MonotonicTime end = clock_.now() + limit;
  MonotonicTime look = clock_.now();
  while (true) {
    if (clock_.now() >= look) {
      if (done()) return true;
      look = clock_.now() + base::milliseconds(100);
    }
    const MonotonicTime next = events_.empty() ? end : std::min(end, events_.begin()->first.first);
    if (next > clock_.now()) clock_.advance(next - clock_.now());
    if (events_.empty() || events_.begin()->first.first > end) return done();
    auto event = events_.extract(events_.begin());
    event.mapped()();
  }
}

bool SerfPool::all_see(const std::string& member, MemberStatus status) const {
  return std::ranges::all_of(nodes_, [&](const auto& node) {
    if (!node->up || node->name == member) return true;
    const serf::Member* seen = node->serf->members().get(member);
    return (seen == nullptr ? MemberStatus::none : seen->Status) == status;
  });
}

bool SerfPool::whole() const {
  return std::ranges::all_of(nodes_,
                             [&](const auto& node) { return !node->up || all_see(node->name, MemberStatus::alive); });
}

Duration SerfPool::delay() {
  const std::int64_t range = options_.most_delay.nanoseconds - options_.least_delay.nanoseconds;
  return {options_.least_delay.nanoseconds +
          static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(range) + 1))};
}

SerfPool::Node* SerfPool::at_address(const swim::Address& address) const {
  for (const auto& node : nodes_) {
    if (node->address() == address) return node.get();
  }
  return nullptr;
}

/// Void if the node dies before.
void SerfPool::at(MonotonicTime time, Node& node, std::function<void()> what) {
  events_.emplace(std::pair(time, ++order_), [this, &node, life = node.life, what = std::move(what)] {
    if (!node.up || node.life != life) return;
    what();
    after(node);
  });
}

void SerfPool::after(Node& node) {
  node.core->at(clock_.now());
  node.serf->alarms().run_due();
  swim::Effects effects = std::exchange(node.core->effects(), {});
  for (const swim::Packet& packet : effects.packets) send(node, packet);
  for (swim::StreamEffect& effect : effects.streams) stream_effect(node, std::move(effect));
  for (const swim::Line& line : effects.lines) {
    if (options_.trace) {
      std::fprintf(stderr, "%9.3f %s #%u: %s\n", static_cast<double>(clock_.now().nanoseconds) / 1e9, node.name.c_str(),
                   node.number, line.text.c_str());
    }
  }
  MonotonicTime due = node.core->next_due();
  if (const auto alarm = node.serf->alarms().next()) due = std::min(due, *alarm);
  if (due >= node.timer && node.timer > clock_.now()) return;
  node.timer = std::max(due, clock_.now());
  at(node.timer, node, [this, &node, time = node.timer] {
    if (node.timer == time) node.timer = kNever;
    node.core->tick(clock_.now());
  });
}

void SerfPool::send(Node& from, const swim::Packet& packet) {
  Node* to = at_address(packet.to);
  if (to == nullptr || to->group != from.group || random_.unit() < options_.loss) return;
  at(clock_.now() + delay(), *to,
     [this, to, bytes = packet.bytes, source = from.address()] { to->core->packet(clock_.now(), source, bytes); });
}

void SerfPool::stream_effect(Node& from, swim::StreamEffect effect) {
  if (const auto* open = std::get_if<swim::OpenStream>(&effect)) {
    Node* to = at_address(open->to);
    const swim::StreamId id = open->stream;
    if (to == nullptr || !to->up || to->group != from.group) {
      at(clock_.now() + delay(), from, [this, &from, id] {
        from.core->stream_closed(clock_.now(), id, base::Result<>(base::Errc::unavailable, "connection refused"));
      });
      return;
    }
    auto connection = std::make_shared<Connection>();
    connection->ends[0] = &from;
    connection->ends[1] = to;
    connection->ids[0] = id;
    connections_[{&from, id}] = connection;
    at(clock_.now() + delay(), *to, [this, to, &from, id, connection] {
      connection->ids[1] = to->core->stream_accepted(clock_.now(), from.address());
      connections_[{to, connection->ids[1]}] = connection;
      at(clock_.now() + delay(), from, [this, &from, id] { from.core->stream_opened(clock_.now(), id); });
    });
    return;
  }
  auto* bytes = std::get_if<swim::SendBytes>(&effect);
  const swim::StreamId id = bytes != nullptr ? bytes->stream : std::get<swim::CloseStream>(effect).stream;
  const auto found = connections_.find({&from, id});
  if (found == connections_.end()) return;
  const std::shared_ptr<Connection> connection = found->second;
  const int other = connection->ends[0] == &from && connection->ids[0] == id ? 1 : 0;
  Node* to = connection->ends[other];
  if (to->group != from.group) return;
  // Streams keep their order.
  MonotonicTime& arrival = connection->arrival[other];
  arrival = std::max(arrival, clock_.now() + delay());
  at(arrival, *to,
     [this, to, connection, other, text = bytes != nullptr ? std::move(bytes->bytes) : std::string(),
      close = bytes == nullptr] {
       if (close) {
         to->core->stream_closed(clock_.now(), connection->ids[other], {});
       } else {
         to->core->stream_bytes(clock_.now(), connection->ids[other], text);
       }
     });
  if (bytes == nullptr) connections_.erase(found);
}

}  // namespace proconsul::simulation
