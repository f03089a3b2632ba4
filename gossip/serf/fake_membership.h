// For tests of serf's core: a membership that does nothing by itself, an observer that writes down, a node of both.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "gossip/ip_text.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {

inline swim::Node node_named(const std::string& name, std::uint8_t last_byte, const base::Map<std::string>& tags = {}) {
  return {.name = name,
          .address = {.ip = std::string("\x0a\0\0", 3) + static_cast<char>(last_byte), .port = 8301},
          .meta = encode_tags(tags),
          .versions = {1, 5, 2, 2, 5, 4},
          .state = swim::NodeState::alive};
}

class FakeMembership final : public swim::Membership {
 public:
  explicit FakeMembership(swim::Node self) : self_(self.name) { nodes.emplace(self.name, std::move(self)); }

  const swim::Node& local() const override { return nodes.at(self_); }
  std::vector<const swim::Node*> members() const override {
    std::vector<const swim::Node*> all;
    for (const auto& [name, node] : nodes) all.push_back(&node);
    return all;
  }
  const swim::Node* find(std::string_view name) const override {
    const auto found = nodes.find(std::string(name));
    return found == nodes.end() ? nullptr : &found->second;
  }
  std::size_t alive_count() const override { return nodes.size(); }
  std::size_t suspect_count() const override { return 0; }
  int health_score() const override { return 0; }
  void join(std::vector<swim::Address> addresses, std::move_only_function<void(swim::JoinOutcome)> done) override {
    joins.emplace_back(std::move(addresses), std::move(done));
  }
  void broadcasts_queued() override { ++broadcasts; }
  void leave(base::Duration, Done done) override { leaves.push_back(std::move(done)); }
  void update_node(base::Duration, Done done) override { updates.push_back(std::move(done)); }
  base::Result<> send_user_message(const swim::Address& to, const swim::Node*, std::string_view message) override {
    sent.emplace_back(swim::to_string(to), message);
    return {};
  }

  std::map<std::string, swim::Node> nodes{};
  std::vector<std::pair<std::vector<swim::Address>, std::move_only_function<void(swim::JoinOutcome)>>> joins{};
  std::vector<Done> leaves{};
  std::vector<Done> updates{};
  std::vector<std::pair<std::string, std::string>> sent{};
  int broadcasts = 0;  // how often it was told of some

 private:
  std::string self_;
};

class WritingObserver final : public Observer {
 public:
  void member_event(const MemberEvent& event) override {
    for (const MemberPtr& member : event.members) {
      events.push_back(std::string(to_string(event.type)) + " " + member->Name);
    }
  }
  void user_event(const UserEventMessage& event) override {
    events.push_back("user " + event.Name + " " + event.Payload);
  }
  void query(IncomingQuery query) override {
    events.push_back("query " + query.name);
    queries.push_back(std::move(query));
  }
  void view_changed() override { ++views; }
  void name_conflict_lost() override { events.push_back("conflict lost"); }
  std::vector<std::string> take() { return std::exchange(events, {}); }

  std::vector<std::string> events{};
  std::vector<IncomingQuery> queries{};
  int views = 0;
};

class WritingStore final : public SnapshotStore {
 public:
  void append(std::string lines, bool) override {
    if (is_healthy) content += lines;
  }
  void replace(std::string whole) override {
    content = std::move(whole);
    is_healthy = true;
    ++replaced;
  }
  bool healthy() const override { return is_healthy; }

  std::string content{};
  bool is_healthy = true;
  int replaced = 0;
};

/// A node "self" at 10.0.0.1, alone at first.
class LoneNode {
 public:
  explicit LoneNode(Settings settings = {}, Keyring* keyring = nullptr, std::string kept = {}, bool has_store = false)
      : membership(node_named("self", 1, settings.tags)) {
    base::log::set_level(base::log::Level::off);
    settings.node_name = "self";
    serf = Serf::create(std::move(settings), {.clock = clock,
                                              .random = random,
                                              .observer = observer,
                                              .keyring = keyring,
                                              .snapshot_store = has_store ? &store : nullptr,
                                              .snapshot = kept,
                                              .log = base::log::Logger("serf.test")})
               .value();
    serf->node_joined(membership.local());
    serf->start(membership);
    observer.take();
  }
  ~LoneNode() { serf->shutdown(); }

  /// Another node comes.
  void add(const std::string& name, std::uint8_t last_byte, const base::Map<std::string>& tags = {}) {
    const swim::Node node = node_named(name, last_byte, tags);
    membership.nodes[name] = node;
    serf->node_joined(node);
  }
  void pass(base::Duration time) {
    // In steps, so that what repeats does so.
    for (base::Duration step = base::milliseconds(100); time.nanoseconds > 0; time.nanoseconds -= step.nanoseconds) {
      if (time < step) step = time;
      clock.advance(step);
      serf->alarms().run_due();
    }
  }
  void settle() { serf->alarms().run_due(); }
  template <class Message>
  void hear(MessageType type, const Message& message) {
    serf->user_message(encode(type, message));
  }
  /// All that is to be carried along, once.
  std::vector<std::string> queued() { return serf->broadcasts(2, 1 << 20); }
  MemberStatus status(const std::string& name) const {
    const Member* member = serf->members().get(name);
    return member == nullptr ? MemberStatus::none : member->Status;
  }

  base::ManualClock clock{};
  base::SeededRandom random{1};
  WritingObserver observer{};
  WritingStore store{};
  FakeMembership membership;
  std::unique_ptr<Serf> serf{};
};

}  // namespace proconsul::gossip::serf
