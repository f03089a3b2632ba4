// One node of a serf pool (gossip.md B): members with tags and a status, user events, queries, keys, coordinates. Plain
// code on top of a membership: messages go in by the Delegate's calls, time by alarms().run_due(), files by stores.
//
// One thread. Each subject has a file: members.cc, intents.cc, join.cc, leave.cc, events.cc, queries.cc, keys.cc,
// conflicts.cc, maintenance.cc, state_exchange.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/radix_tree.h"
#include "base/random.h"
#include "gossip/alarms.h"
#include "gossip/keyring.h"
#include "gossip/serf/coalesce.h"
#include "gossip/serf/coordinate.h"
#include "gossip/serf/event.h"
#include "gossip/serf/keys.h"
#include "gossip/serf/lamport.h"
#include "gossip/serf/query.h"
#include "gossip/serf/serf_metrics.h"
#include "gossip/serf/settings.h"
#include "gossip/serf/snapshot.h"
#include "gossip/swim/broadcast_queue.h"
#include "gossip/swim/membership.h"

namespace proconsul::gossip::serf {

/// By name; copies are cheap and may go to other threads.
using MemberTree = base::RadixTree<base::Row<Member>>;
using CoordinateTree = base::RadixTree<base::Row<Coordinate>>;

/// What serf is handed; all of it outlives it.
struct Surroundings {
  const base::Clock& clock;
  base::Random& random;
  Observer& observer;
  Keyring* keyring = nullptr;               // null: encryption is off
  KeyringStore* keyring_store = nullptr;    // null: keys are not kept
  SnapshotStore* snapshot_store = nullptr;  // null: nothing is kept
  std::string_view snapshot{};              // what it held; only read while serf is made
  base::log::Logger log;
};

/// What Consul shows as serf_lan and serf_wan.
struct Stats {
  std::size_t members{}, failed{}, left{};
  std::size_t suspects{};  // of the others; not among the texts, which are Consul's
  int health_score{};
  LamportTime member_time{}, event_time{}, query_time{};
  std::size_t intent_queue{}, event_queue{}, query_queue{};
  bool encrypted{};
  std::optional<std::size_t> coordinate_resets{};  // none: coordinates are off
  /// As names and texts.
  std::map<std::string, std::string> texts() const;
};

class Serf final : public swim::Delegate {
 public:
  enum class State : std::uint8_t { alive, leaving, left, shutdown };
  using Done = swim::Membership::Done;
  using JoinDone = std::move_only_function<void(base::Result<swim::JoinOutcome>)>;

  /// Errors: what validate() says of the settings.
  static base::Result<std::unique_ptr<Serf>> create(Settings settings, Surroundings surroundings);
  ~Serf() override;

  /// The membership below, which calls this delegate and outlives it. Begins to join those known from before, if the
  /// snapshot names any. Before it, only the Delegate's calls work.
  void start(swim::Membership& membership);
  /// The end without a goodbye: queries are finished, the snapshot is written.
  void shutdown();
  State state() const { return state_; }
  Alarms& alarms() { return alarms_; }
  const Settings& settings() const { return settings_; }

  /// All of any status, the local one among them once the membership named it.
  const MemberTree& members() const { return members_; }
  const CoordinateTree& coordinates() const { return coordinates_; }
  MemberPtr local_member() const { return members_.share(settings_.node_name); }
  /// Errc::unavailable: "Coordinates are disabled".
  base::Result<Coordinate> coordinate() const;
  Stats stats() const;

  /// One after the other. `ignore_old`: user events from before the join are not delivered.
  void join(std::vector<swim::Address> addresses, bool ignore_old, JoinDone done);
  /// Says goodbye and waits until that has spread.
  void leave(Done done);
  /// A failed member counts as left; `prune`: it also goes from the list. Errc::timeout if nobody heard it.
  void force_leave(const std::string& node, bool prune, Done done);
  void set_tags(base::Map<std::string> tags, Done done);

  /// Errors: too large, in serf's words.
  base::Result<> user_event(const std::string& name, base::Bytes payload, bool coalesce);
  base::Result<QueryHandle> query(const std::string& name, base::Bytes payload, QueryParams params, QuerySinks sinks);
  /// Finishes it before its time.
  void close_query(QueryHandle query);
  base::Result<> respond(IncomingQuery& query, base::Bytes payload);
  base::Duration default_query_timeout() const;

  /// `key`: base64, ignored for list. Operations that change keys run one at a time.
  void key_operation(KeyOperation operation, std::string key, std::uint8_t relay_factor, KeyDone done);

  // The Delegate's:
  std::string node_meta() override;
  void user_message(std::string_view message) override;
  std::vector<std::string> broadcasts(std::size_t overhead, std::size_t limit) override;
  bool has_broadcasts() const override;
  std::string local_state(bool join) override;
  void merge_remote_state(std::string_view state, bool join) override;
  void node_joined(const swim::Node& node) override;
  void node_left(const swim::Node& node) override;
  void node_updated(const swim::Node& node) override;
  void name_conflict(const swim::Node& existing, const swim::Node& other) override;
  base::Result<> allow_merge(const std::vector<swim::Node>& members) override;
  base::Result<> allow_alive(const swim::Node& node) override;
  std::string ack_payload() override;
  void ping_complete(const swim::Node& node, base::Duration round_trip, std::string_view payload) override;

 private:
  struct MemberState;
  using GoneList = std::vector<MemberState*>;
  struct MemberState {
    MemberPtr member{};
    LamportTime status_time{};         // of the intent that was last heard
    base::MonotonicTime leave_time{};  // when it failed or left
    GoneList* list = nullptr;          // failed_ or left_ while it is in one
    std::size_t place = 0;             // there
  };
  struct RecentIntent {
    MessageType type{};
    LamportTime time{};
    base::MonotonicTime heard{};
  };
  struct SeenQueries {
    LamportTime time{};
    std::vector<std::uint32_t> ids{};
  };
  struct PendingJoin {
    std::vector<swim::Address> addresses{};
    bool ignore_old = false;
    JoinDone done{};
  };
  struct RunningQuery {
    std::uint32_t id{};
    bool wants_acks = false;
    std::size_t most_answers{};
    std::unordered_set<std::string> acks{};
    std::unordered_set<std::string> answers{};
    Alarms::Id alarm{};
    std::shared_ptr<QuerySinks> sinks{};  // shared: a sink may close the query that it belongs to
  };
  struct PendingKeys {
    KeyOperation operation{};
    std::string key{};
    std::uint8_t relay_factor{};
    KeyDone done{};
  };
  struct Wait {
    Done done{};
    Alarms::Id alarm{};
  };

  Serf(Settings settings, const Surroundings& surroundings);
  void every(base::Duration interval, void (Serf::*task)());
  void spread(swim::BroadcastQueue& queue, std::string message, swim::BroadcastQueue::Sent sent = {});
  /// A message of somebody that makes no sense. Some lines are written in a while: a flood must not fill a disk.
  void refuse(base::log::Level level, const std::string& why);

  // members.cc
  MemberState* find(const std::string& name);
  bool has_other_alive() const;
  void put(MemberState& state, Member member);
  void set_status(MemberState& state, MemberStatus status);
  void move_to(GoneList& list, MemberState& state);
  void take_from_list(MemberState& state);
  void erase(MemberState& state);
  void emit(MemberEventType type, const MemberPtr& member);
  Member member_of(const swim::Node& node, MemberStatus status) const;
  base::Result<Member> validated(const swim::Node& node) const;

  // intents.cc: true means that others shall hear it from here too
  bool handle_leave(const LeaveIntent& leave);
  bool handle_join(const JoinIntent& join);
  bool remember_intent(MessageType type, const std::string& node, LamportTime time);
  void prune_later(MemberState& state);
  void prune(MemberState& state);
  void broadcast_join(LamportTime time);

  // leave.cc
  void broadcast_and_wait(std::string message, Done done);
  void end_wait(std::uint64_t id, base::Result<> result);
  void leave_membership(Done done);

  // join.cc
  void next_join();
  void rejoin(std::vector<std::pair<std::string, std::string>> previous);

  // events.cc
  bool handle_user_event(const UserEventMessage& event);

  // queries.cc
  bool handle_query(const Query& query);
  void handle_query_response(const QueryResponse& response);
  void handle_relay(std::string_view body);
  base::Result<> send_answer(const swim::Address& to, const std::string& name, std::string encoded);
  base::Result<> relay_answer(std::uint8_t factor, const swim::Address& to, const std::string& name,
                              const QueryResponse& response);
  base::Result<> respond_encoded(IncomingQuery& query, std::string encoded, const QueryResponse& response);
  QueryResponse response_to(const IncomingQuery& query, base::Bytes payload) const;
  void finish_query(LamportTime time);

  // keys.cc
  void next_key_operation();
  void run_key_operation(PendingKeys pending);
  void key_operation_ended(KeyOperation operation);
  void handle_internal_query(IncomingQuery query, std::string_view name);
  void handle_key_query(IncomingQuery query, std::string_view name);
  KeyResponse change_keys(std::string_view name, const base::Bytes& key);
  void answer_key_list(IncomingQuery query);

  // conflicts.cc
  void answer_conflict(IncomingQuery query);
  void resolve_conflict();

  // maintenance.cc
  void reap();
  void reap(GoneList& list, base::Duration timeout);
  void reconnect();
  void check_queues();
  void check_queue(const char* name, swim::BroadcastQueue& queue, base::metrics::Sample depth);
  void snapshot_soon();
  bool flush_snapshot();  // true: look again soon

  Settings settings_;
  const base::Clock& clock_;
  base::Random& random_;
  Observer& observer_;
  Keyring* keyring_;
  KeyringStore* keyring_store_;
  base::log::Logger log_;
  SerfMetrics metrics_;
  Alarms alarms_;
  swim::Membership* membership_ = nullptr;
  std::shared_ptr<Serf*> life_ = std::make_shared<Serf*>(this);  // the membership may answer when serf is gone
  State state_ = State::alive;

  LamportClock clock_of_members_{};
  LamportClock clock_of_events_{};
  LamportClock clock_of_queries_{};
  swim::BroadcastQueue intent_queue_;
  swim::BroadcastQueue event_queue_;
  swim::BroadcastQueue query_queue_;

  std::unordered_map<std::string, std::unique_ptr<MemberState>> states_{};
  MemberTree members_{};
  GoneList failed_{};
  GoneList left_{};
  std::unordered_map<std::string, RecentIntent> recent_intents_{};

  base::List<base::Pointer<UserEvents>> event_buffer_{};  // slot: time % size; as it travels
  LamportTime least_event_time_ = 0;
  bool ignore_old_events_ = false;  // while such a join runs

  std::vector<SeenQueries> query_buffer_{};
  LamportTime least_query_time_ = 0;
  std::map<LamportTime, RunningQuery> running_queries_{};

  std::deque<PendingJoin> joins_{};
  bool join_runs_ = false;
  std::map<std::uint64_t, Wait> waits_{};  // for a broadcast to have gone out
  std::uint64_t next_wait_ = 0;
  std::deque<PendingKeys> key_operations_{};
  int key_lists_running_ = 0;
  bool key_change_runs_ = false;

  bool conflict_is_resolved_ = false;  // a vote on this node's name is under way

  base::MonotonicTime refusals_since_{};
  int refusals_ = 0;

  std::optional<CoordinateClient> coordinate_client_{};
  CoordinateTree coordinates_{};

  std::optional<Snapshot> snapshot_{};
  bool snapshot_armed_ = false;
  MemberCoalescer member_coalescer_;
  UserEventCoalescer user_event_coalescer_;
};

}  // namespace proconsul::gossip::serf
