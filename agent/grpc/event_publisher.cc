#include "agent/grpc/event_publisher.h"

#include <algorithm>
#include <utility>

#include "base/protobuf.h"
#include "catalog/gateway/services.h"
#include "catalog/query/instances.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::agent::grpc {

namespace pb = base::pb;
using base::net::Clock;
using catalog::Change;
using catalog::ChangeLog;
using Kind = catalog::Change::Kind;

namespace {

constexpr std::chrono::seconds kSnapshotTime{10};
constexpr std::string_view kConfigEntries = "config-entries";

std::string feed_key(Topic topic, std::string_view peer, std::string_view key) {
  std::string text(1, static_cast<char>(topic));
  (text += peer) += '\0';
  return text += catalog::lower_case(key);
}

/// One part of an index key, from 0 on.
std::string_view part_of(std::string_view key, int number) {
  for (; number > 0; --number) key.remove_prefix(std::min(key.find('\0'), key.size() - 1) + 1);
  return key.substr(0, key.find('\0'));
}

std::string encode(const Event& event) {
  std::string bytes;
  schema().append(bytes, event);
  return bytes;
}

std::string health_event(std::uint64_t index, std::int32_t op, catalog::CheckServiceNode instance) {
  Event event;
  event.Index = index;
  event.ServiceHealth.emplace().Op = op;
  event.ServiceHealth->CheckServiceNode = std::move(instance);
  return encode(event);
}

// What is left of an instance that went: enough to know it by.
std::string gone_event(const Change& change) {
  catalog::StoredService service = change.service->get();
  catalog::CheckServiceNode instance;
  instance.Node.emplace().Node = service.Node;
  instance.Service = catalog::NodeService(std::move(service));
  return health_event(change.index, kDeregister, std::move(instance));
}

std::string register_event(const Change& change) {
  catalog::CheckServiceNode instance;
  if (change.node) instance.Node = change.node->get();
  instance.Service = catalog::NodeService(change.service->get());
  for (const auto& check : change.checks) instance.Checks.emplace_back(check->get());
  return health_event(change.index, kRegister, std::move(instance));
}

std::string name_event(std::uint64_t index, bool removed, std::string_view name) {
  Event event;
  event.Index = index;
  event.Service.emplace().Op = removed ? kDeregister : kRegister;
  event.Service->Name = name;
  return encode(event);
}

/// Several events of one index travel as one.
void append_events(std::string& out, std::uint64_t index, const std::vector<std::string>& events) {
  append_frame(out, [&] {
    if (events.size() == 1) {
      out += events.front();
      return;
    }
    std::string batch;
    for (const std::string& event : events) pb::append_bytes_field(batch, 1, event);
    pb::append_varint_field(out, 1, index);
    pb::append_bytes_field(out, 4, batch);
  });
}

void append_end(std::string& out, std::uint64_t index) {
  Event event;
  event.Index = index;
  event.EndOfSnapshot = true;
  append_frame(out, [&] { schema().append(out, event); });
}

const Frames& new_snapshot_frames() {
  static const Frames frames = [] {
    Event event;
    event.NewSnapshotToFollow = true;
    std::string out;
    append_frame(out, [&] { schema().append(out, event); });
    return std::make_shared<const std::string>(std::move(out));
  }();
  return frames;
}

base::KeySet watched_keys() {
  base::KeySet keys;
  const std::string own = catalog::index_key({catalog::peer_part({})});
  for (const catalog::Topic topic :
       {catalog::Topic::service, catalog::Topic::node, catalog::Topic::check, catalog::Topic::connect}) {
    catalog::watch_below(&keys, topic, own);
  }
  catalog::watch_below(&keys, catalog::Topic::kind_name, {});
  catalog::watch_key(&keys, catalog::Topic::index, catalog::kGatewayServices);
  return keys;
}

/// The terminating gateways that serve a service.
std::string gateways_of(const catalog::Tables& tables, std::string_view service) {
  std::string names;
  for (const auto [key, row] : tables.gateway_services_by_service.prefix(catalog::index_key({service}))) {
    if (row->GatewayKind == catalog::kKindTerminatingGateway) (names += row->Gateway.Name) += '\0';
  }
  return names;
}

}  // namespace

EventPublisher::EventPublisher(base::net::Loop& loop, server::Server& server)
    : loop_(loop), server_(server), log_(server.changes()) {}

EventPublisher::~EventPublisher() {
  *alive_ = false;
}

void EventPublisher::stop() {
  close_all();
  cancel();
  watch_.cancel();
  watch_ = {};
}

// On the thread that commits: the newest append is the one that fired the watch.
void EventPublisher::wake(std::vector<std::uint64_t>) {
  loop_.post([this, alive = alive_, behind = log_.index_before_last_append()] {
    if (*alive) publish(behind);
  });
}

// ---- subscribers ----

void EventPublisher::subscribe(const Subject& subject, std::uint64_t index, Subscriber& subscriber) {
  if (feeds_.empty()) {
    position_ = ChangeLog::Position{log_.last_index()};
    watch_ = {};
  }
  const std::string key = feed_key(subject.topic, subject.peer, subject.key);
  auto [found, is_new] = feeds_.try_emplace(key);
  if (is_new) {
    found->second = std::make_unique<Feed>();
    found->second->key = key;
    found->second->subject = subject;
    if (subject.topic == Topic::service_health_connect) ++connect_feeds_;
  }
  publish({});  // also begins to watch
  // If changes were missed, all feeds are gone.
  Feed* feed = nullptr;
  if (const auto still = feeds_.find(key); still != feeds_.end()) {
    feed = still->second.get();
  } else {
    return subscriber.closed();
  }

  Seat seat{&subscriber, 0};
  if (index != 0 && index == feed->last_index) {
    seat.from = index;
  } else {
    make_snapshot(*feed);
    seat.from = feed->snapshot_from;
    // Of the mesh's instances, the index may stay while one of them goes.
    const bool is_current = index == feed->snapshot_index && subject.topic != Topic::service_health_connect;
    if (index == 0 || !is_current) {
      const bool wanted =
          (index == 0 || subscriber.deliver(new_snapshot_frames())) && subscriber.deliver(feed->snapshot);
      if (!wanted) return drop_if_empty(*feed);
    }
  }
  feed->seats.push_back(seat);
  subscribers_.emplace(&subscriber, feed);
}

void EventPublisher::unsubscribe(Subscriber& subscriber) {
  const auto found = subscribers_.find(&subscriber);
  if (found == subscribers_.end()) return;
  Feed& feed = *found->second;
  std::erase_if(feed.seats, [&](const Seat& seat) { return seat.subscriber == &subscriber; });
  subscribers_.erase(found);
  drop_if_empty(feed);
}

void EventPublisher::drop_if_empty(Feed& feed) {
  if (!feed.seats.empty()) return;
  if (feed.subject.topic == Topic::service_health_connect) --connect_feeds_;
  feeds_.erase(std::string(feed.key));
  if (feeds_.empty()) watch_ = {};
}

void EventPublisher::close_all() {
  const Feeds feeds = std::exchange(feeds_, {});
  subscribers_.clear();
  changed_.clear();
  connect_feeds_ = 0;
  for (const auto& [key, feed] : feeds) {
    for (const Seat& seat : feed->seats) seat.subscriber->closed();
  }
}

// ---- snapshots ----

void EventPublisher::make_snapshot(Feed& feed) {
  if (feed.snapshot && loop_.now() < feed.snapshot_until) return;
  const auto view = server_.view();
  const catalog::Tables& tables = view->tables();
  const Subject& subject = feed.subject;
  std::string out;
  std::uint64_t index = 0;
  if (subject.topic == Topic::service_health || subject.topic == Topic::service_health_connect) {
    const catalog::InstancesAnswer found =
        catalog::health_instances(tables,
                                  {.service = subject.key,
                                   .peer = subject.peer,
                                   .connect = subject.topic == Topic::service_health_connect,
                                   .tags = nullptr},
                                  nullptr);
    index = found.index;
    if (subject.topic == Topic::service_health_connect) feed.gateways = gateways_of(tables, subject.key);
    for (const catalog::InstanceRow* row : found.rows) {
      append_frame(out, [&] { out += health_event(index, kRegister, catalog::check_service_node(tables, *row)); });
    }
  } else if (subject.topic == Topic::service_list) {
    const catalog::KindNamesAnswer found = catalog::service_names_of_kind(tables, catalog::kKindTypical, nullptr);
    index = found.index;
    std::vector<std::string> events;
    for (const std::string& name : found.names) events.push_back(name_event(index, false, name));
    if (!events.empty()) append_events(out, index, events);
  } else {
    index = tables.index_of(kConfigEntries);  // of which there are none yet
  }
  feed.snapshot_index = std::max<std::uint64_t>(index, 1);
  append_end(out, feed.snapshot_index);
  feed.snapshot = std::make_shared<const std::string>(std::move(out));
  feed.snapshot_from = view->applied_index();
  feed.snapshot_until = loop_.now() + kSnapshotTime;
  if (!armed()) arm(loop_, feed.snapshot_until);
}

// Snapshots are kept for those who come at the same time, not for ever.
void EventPublisher::on_timer() {
  std::optional<Clock::time_point> next;
  for (const auto& [key, feed] : feeds_) {
    if (!feed->snapshot) continue;
    if (feed->snapshot_until <= loop_.now()) {
      feed->snapshot.reset();
    } else if (!next || feed->snapshot_until < *next) {
      next = feed->snapshot_until;
    }
  }
  if (next) arm(loop_, *next);
}

// ---- changes ----

void EventPublisher::publish(std::optional<std::uint64_t> woken_behind) {
  follow(woken_behind);
  if (connect_feeds_ > 0) close_regatewayed();
}

void EventPublisher::close_regatewayed() {
  const auto view = server_.view();
  const std::uint64_t index = view->tables().index_of(catalog::kGatewayServices);
  if (std::exchange(gateways_index_, index) == index) return;
  std::vector<Feed*> stale;
  for (const auto& [key, feed] : feeds_) {
    if (feed->subject.topic != Topic::service_health_connect || feed->seats.empty()) continue;
    if (feed->gateways != gateways_of(view->tables(), feed->subject.key)) stale.push_back(feed.get());
  }
  for (Feed* feed : stale) {
    for (const Seat& seat : std::exchange(feed->seats, {})) {
      subscribers_.erase(seat.subscriber);
      seat.subscriber->closed();
    }
    drop_if_empty(*feed);
  }
}

void EventPublisher::follow(std::optional<std::uint64_t> woken_behind) {
  if (feeds_.empty()) return;
  // A restored state is not the next one after the old.
  if (woken_behind == 0u) return close_all();
  // While nothing of the catalog changes, all else does, and may fill the log several times over.
  if (woken_behind) position_ = std::max(position_, ChangeLog::Position{*woken_behind});
  const std::uint64_t before_newest = log_.index_before_last_append();
  if (watch_ && !watch_.fired()) position_ = std::max(position_, ChangeLog::Position{before_newest});
  if (!read()) return close_all();
  if (watch_ && !watch_.fired()) return;
  watch_ = server_.watches().watch(watched_keys(), *this, 0);
  // What came between reading and watching wakes nobody.
  if (!read()) close_all();
}

bool EventPublisher::read() {
  bool there = true;
  do {
    there = log_.read(position_, [this](const Change& change) {
      take(change);
      return true;
    });
  } while (there && position_ < ChangeLog::Position{log_.last_index()});
  end_command();
  return there;
}

void EventPublisher::take(const Change& change) {
  if (change.index != command_) end_command();
  command_ = change.index;
  switch (change.kind) {
    case Kind::kv:
    case Kind::kv_tree:
    case Kind::node:  // whose instances have changes of their own
      return;
    case Kind::instance:
    case Kind::health: {
      const std::string_view name = part_of(change.key, 1);
      std::string mesh_name;
      if (connect_feeds_ > 0 && !change.removed) mesh_name = catalog::connect_name(*change.service);
      const bool wanted = find(Topic::service_health, name) != nullptr;
      const bool wanted_in_mesh = !mesh_name.empty() && find(Topic::service_health_connect, mesh_name) != nullptr;
      const std::vector<std::string> served =
          connect_feeds_ > 0 ? followed_services(change) : std::vector<std::string>{};
      if (!wanted && !wanted_in_mesh && served.empty()) return;
      const std::string event = change.removed ? gone_event(change) : register_event(change);
      if (wanted) add(Topic::service_health, name, event);
      if (wanted_in_mesh) add(Topic::service_health_connect, mesh_name, event);
      for (const std::string& service : served) add(Topic::service_health_connect, service, event);
      return;
    }
    case Kind::connect:
      if (!find(Topic::service_health_connect, part_of(change.key, 1))) return;
      return add(Topic::service_health_connect, part_of(change.key, 1), gone_event(change));
    case Kind::kind_name:
      // Only names of typical services are listed, so only those may come and go.
      if (!part_of(change.key, 0).empty() || !find(Topic::service_list, {})) return;
      return add(Topic::service_list, {}, name_event(change.index, change.removed, part_of(change.key, 1)));
  }
}

std::vector<std::string> EventPublisher::followed_services(const Change& change) {
  std::vector<std::string> followed;
  const auto view = server_.view();
  const catalog::Tables& tables = view->tables();
  if (tables.gateway_services.empty()) return followed;
  if (catalog::service_kind(*change.service) != catalog::kKindTerminatingGateway) return followed;
  for (const auto [key, row] : tables.gateway_services.prefix(catalog::index_key({part_of(change.key, 1)}))) {
    if (row->GatewayKind == catalog::kKindTerminatingGateway &&
        find(Topic::service_health_connect, row->Service.Name)) {
      followed.push_back(row->Service.Name);
    }
  }
  return followed;
}

EventPublisher::Feed* EventPublisher::find(Topic topic, std::string_view key) {
  const auto found = feeds_.find(feed_key(topic, {}, key));
  return found == feeds_.end() ? nullptr : found->second.get();
}

void EventPublisher::add(Topic topic, std::string_view key, const std::string& event) {
  Feed* feed = find(topic, key);
  if (feed->pending.empty()) changed_.push_back(feed);
  feed->pending.push_back(event);
}

void EventPublisher::end_command() {
  for (Feed* feed : std::exchange(changed_, {})) {
    auto frames = std::make_shared<std::string>();
    append_events(*frames, command_, std::exchange(feed->pending, {}));
    feed->snapshot.reset();
    feed->last_index = command_;
    const std::size_t refused = std::erase_if(feed->seats, [&](const Seat& seat) {
      if (command_ <= seat.from || seat.subscriber->deliver(frames)) return false;
      subscribers_.erase(seat.subscriber);
      return true;
    });
    if (refused > 0) drop_if_empty(*feed);
  }
}

}  // namespace proconsul::agent::grpc
