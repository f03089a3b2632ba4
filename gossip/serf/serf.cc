#include "gossip/serf/serf.h"

#include <utility>

namespace proconsul::gossip::serf {

using base::Errc;
using base::Result;

namespace {

constexpr base::Duration kRefusalInterval = base::seconds(10);
constexpr int kMostRefusals = 20;  // lines in such an interval

/// The messages of `from` that fit into what is left of the limit.
void take_along(std::vector<std::string>& taken, swim::BroadcastQueue& from, std::size_t overhead, std::size_t limit,
                std::size_t& used) {
  if (used >= limit) return;
  for (std::string& message : from.take(overhead, limit - used)) {
    used += message.size() + overhead;
    taken.push_back(std::move(message));
  }
}

}  // namespace

std::map<std::string, std::string> Stats::texts() const {
  std::map<std::string, std::string> texts{
      {"members", std::to_string(members)},
      {"failed", std::to_string(failed)},
      {"left", std::to_string(left)},
      {"health_score", std::to_string(health_score)},
      {"member_time", std::to_string(member_time)},
      {"event_time", std::to_string(event_time)},
      {"query_time", std::to_string(query_time)},
      {"intent_queue", std::to_string(intent_queue)},
      {"event_queue", std::to_string(event_queue)},
      {"query_queue", std::to_string(query_queue)},
      {"encrypted", encrypted ? "true" : "false"},
  };
  if (coordinate_resets) texts.emplace("coordinate_resets", std::to_string(*coordinate_resets));
  return texts;
}

Result<std::unique_ptr<Serf>> Serf::create(Settings settings, Surroundings surroundings) {
  if (Result<> ok = validate(settings); !ok) return ok.error();
  return std::unique_ptr<Serf>(new Serf(std::move(settings), surroundings));
}

Serf::Serf(Settings settings, const Surroundings& surroundings)
    : settings_(std::move(settings)),
      clock_(surroundings.clock),
      random_(surroundings.random),
      observer_(surroundings.observer),
      keyring_(surroundings.keyring),
      keyring_store_(surroundings.keyring_store),
      log_(surroundings.log),
      metrics_(settings_.labels),
      alarms_(surroundings.clock),
      intent_queue_([this] { return states_.size(); }, settings_.timing.retransmit_mult),
      event_queue_([this] { return states_.size(); }, settings_.timing.retransmit_mult),
      query_queue_([this] { return states_.size(); }, settings_.timing.retransmit_mult),
      event_buffer_(settings_.event_buffer),
      query_buffer_(settings_.query_buffer),
      member_coalescer_(alarms_, settings_.coalesce_period, settings_.quiescent_period,
                        [this](const MemberEvent& event) { observer_.member_event(event); }),
      user_event_coalescer_(alarms_, settings_.user_coalesce_period, settings_.user_quiescent_period,
                            [this](const UserEventMessage& event) { observer_.user_event(event); }) {
  if (!settings_.disable_coordinates) {
    coordinate_client_.emplace(random_);
    coordinates_.insert(settings_.node_name, base::make_row(coordinate_client_->coordinate()));
  }
  // Above 0, so that a join at time 0 is older than everything.
  clock_of_members_.increment();
  clock_of_events_.increment();
  clock_of_queries_.increment();
  if (surroundings.snapshot_store != nullptr) {
    const std::size_t size = surroundings.snapshot.size();
    SnapshotState kept = read_snapshot(surroundings.snapshot, settings_.rejoin_after_leave, log_);
    clock_of_members_.witness(kept.clock);
    clock_of_events_.witness(kept.event_clock);
    clock_of_queries_.witness(kept.query_clock);
    least_event_time_ = kept.event_clock + 1;
    least_query_time_ = kept.query_clock + 1;
    snapshot_.emplace(std::move(kept), size, *surroundings.snapshot_store, clock_, log_);
  }
}

Serf::~Serf() = default;

void Serf::every(base::Duration interval, void (Serf::*task)()) {
  alarms_.after(interval, [this, interval, task] {
    (this->*task)();
    every(interval, task);
  });
}

void Serf::start(swim::Membership& membership) {
  membership_ = &membership;
  every(settings_.reap_interval, &Serf::reap);
  every(settings_.reconnect_interval, &Serf::reconnect);
  every(settings_.queue_check_interval, &Serf::check_queues);
  if (has_broadcasts()) membership.broadcasts_queued();
  if (!snapshot_) return;
  clock_of_members_.when_moved([this] { snapshot_soon(); });
  snapshot_soon();

  std::vector<std::pair<std::string, std::string>> previous;
  for (const auto& known : snapshot_->state().alive) {
    if (known.first != settings_.node_name) previous.push_back(known);
  }
  if (previous.empty()) return;
  // Else all nodes that come back would ask the same one first.
  for (std::size_t i = previous.size() - 1; i > 0; --i) std::swap(previous[i], previous[random_.below(i + 1)]);
  alarms_.after({}, [this, previous = std::move(previous)]() mutable { rejoin(std::move(previous)); });
}

void Serf::shutdown() {
  if (state_ == State::shutdown) return;
  if (state_ != State::left) log_.warn("serf: Shutdown without a Leave");
  state_ = State::shutdown;
  life_.reset();
  if (snapshot_) flush_snapshot();
  member_coalescer_.flush();
  user_event_coalescer_.flush();
  while (!running_queries_.empty()) finish_query(running_queries_.begin()->first);
  while (!waits_.empty()) end_wait(waits_.begin()->first, Result<>(Errc::unavailable, "serf is shut down"));
  for (PendingJoin& pending : std::exchange(joins_, {})) {
    pending.done(Result<swim::JoinOutcome>(Errc::unavailable, "serf is shut down"));
  }
  for (PendingKeys& pending : std::exchange(key_operations_, {})) pending.done({.error = "serf is shut down"});
  alarms_.clear();
}

Result<Coordinate> Serf::coordinate() const {
  if (!coordinate_client_) return {Errc::unavailable, "Coordinates are disabled"};
  return coordinate_client_->coordinate();
}

Stats Serf::stats() const {
  Stats stats{
      .members = states_.size(),
      .failed = failed_.size(),
      .left = left_.size(),
      .suspects = membership_ == nullptr ? 0 : membership_->suspect_count(),
      .health_score = membership_ == nullptr ? 0 : membership_->health_score(),
      .member_time = clock_of_members_.time(),
      .event_time = clock_of_events_.time(),
      .query_time = clock_of_queries_.time(),
      .intent_queue = intent_queue_.size(),
      .event_queue = event_queue_.size(),
      .query_queue = query_queue_.size(),
      .encrypted = keyring_ != nullptr,
  };
  if (coordinate_client_) stats.coordinate_resets = coordinate_client_->resets();
  return stats;
}

void Serf::set_tags(base::Map<std::string> tags, Done done) {
  if (Result<> ok = validate_tags(tags); !ok) return done(ok);
  settings_.tags = std::move(tags);
  membership_->update_node(settings_.broadcast_timeout, std::move(done));
}

std::string Serf::node_meta() {
  return encode_tags(settings_.tags);
}

void Serf::refuse(base::log::Level level, const std::string& why) {
  if (clock_.now() - refusals_since_ > kRefusalInterval) {
    if (refusals_ > kMostRefusals) {
      log_.warn("serf: refused " + std::to_string(refusals_ - kMostRefusals) + " more messages");
    }
    refusals_since_ = clock_.now();
    refusals_ = 0;
  }
  if (++refusals_ <= kMostRefusals) log_.write(level, "serf: " + why, {});
}

void Serf::user_message(std::string_view message) {
  if (message.empty() || state_ == State::shutdown) return;
  metrics_.messages_received.add(static_cast<double>(message.size()));
  const std::string_view body = message.substr(1);
  const auto handle = [&]<class Message>(const char* what, bool (Serf::*handler)(const Message&),
                                         swim::BroadcastQueue& queue) {
    const Result<Message> decoded = decode<Message>(body);
    if (!decoded) {
      refuse(base::log::Level::error, "Error decoding " + std::string(what) + " message: " + decoded.error().detail);
      return;
    }
    if ((this->*handler)(*decoded)) spread(queue, std::string(message));
  };
  switch (static_cast<MessageType>(message[0])) {
    case MessageType::leave:
      return handle("leave", &Serf::handle_leave, intent_queue_);
    case MessageType::join:
      return handle("join", &Serf::handle_join, intent_queue_);
    case MessageType::user_event:
      return handle("user event", &Serf::handle_user_event, event_queue_);
    case MessageType::query:
      return handle("query", &Serf::handle_query, query_queue_);
    case MessageType::query_response: {
      const Result<QueryResponse> response = decode<QueryResponse>(body);
      if (response) return handle_query_response(*response);
      refuse(base::log::Level::error, "Error decoding query response message: " + response.error().detail);
      return;
    }
    case MessageType::relay:
      return handle_relay(body);
    case MessageType::push_pull:
    case MessageType::conflict_response:
    case MessageType::key_request:
    case MessageType::key_response:
      break;  // never a message of its own
  }
  refuse(base::log::Level::warn,
         "Received message of unknown type: " + std::to_string(static_cast<unsigned char>(message[0])));
}

void Serf::spread(swim::BroadcastQueue& queue, std::string message, swim::BroadcastQueue::Sent sent) {
  queue.push(std::move(message), {}, std::move(sent));
  if (membership_ != nullptr) membership_->broadcasts_queued();
}

bool Serf::has_broadcasts() const {
  return intent_queue_.size() + query_queue_.size() + event_queue_.size() > 0;
}

std::vector<std::string> Serf::broadcasts(std::size_t overhead, std::size_t limit) {
  std::vector<std::string> taken;
  std::size_t used = 0;
  take_along(taken, intent_queue_, overhead, limit, used);
  take_along(taken, query_queue_, overhead, limit, used);
  take_along(taken, event_queue_, overhead, limit, used);
  for (const std::string& message : taken) metrics_.messages_sent.add(static_cast<double>(message.size()));
  return taken;
}

}  // namespace proconsul::gossip::serf
