// A cluster in virtual time: servers (core, disk, FSM, skewed clock), a network that loses, delays, doubles and
// reorders, and clients whose history is kept. Single-threaded; everything follows from the seed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "raft/core.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/linearizable.h"
#include "tests/simulation/random.h"

namespace proconsul::simulation {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMillisecond;

/// What one run did to its cluster.
struct Counts {
  std::uint64_t events{}, messages{}, lost{}, duplicated{}, late{}, partitions{}, one_way{}, crashes{}, gone{},
      restarts{}, writes_lost{}, torn{}, corrupted{}, stalled{}, full{}, pauses{}, changes{}, transfers{}, snapshots{},
      installs{}, restores{}, elections{}, operations{}, unknown{}, skewed{}, states_searched{};
  void add(const Counts& other);
};

/// Who asks, and for what.
struct Load {
  std::size_t clients = 6;  // few keys and clients without pause find most; many find what only crowds meet
  std::size_t keys = 4;     // at most kMostKeys
  /// Of a seed: `clients` of them, about 4 for a key (8 of a thousand), on a cluster that begins with 3 to 7 servers.
  static Load crowd(std::size_t clients);
  bool is_crowd() const { return clients > 6; }
};

class Cluster {
 public:
  /// `trace`: tell on stderr what happens, for a replay.
  explicit Cluster(std::uint64_t seed, Load load = {}, bool trace = false);

  /// Chaos, then healing, then the final checks.
  void run();

  const std::vector<std::string>& violations() const { return invariants_.violations(); }
  const Counts& counts() const { return counts_; }
  std::uint64_t digest() const { return digest_; }

 private:
  static constexpr std::uint64_t kRestore = 1;  // in `expected` of a put: it stands for an operator's restore
  static constexpr std::size_t kServers = 9;

  enum class Kind : std::uint8_t {
    tick,
    deliver,
    flushed,
    flush_retry,
    apply,
    snapshot_taken,
    snapshot_received,
    log_read,
    failed_call,
    peer_gone,
    client,
    client_timeout,
    nemesis,
    mend,
    restart,
    resume,
    strike,
    deafen
  };
  struct Event {
    std::int64_t at{};
    std::uint64_t order{};
    Kind kind{};
    std::uint16_t server{};  // or client
    std::uint32_t life{};
    std::uint64_t detail{};
    bool operator<(const Event& other) const {  // std::priority_queue gives the greatest first
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Envelope {
    std::uint8_t from{};
    std::uint8_t to{};
    raft::Message message{};
    std::shared_ptr<const FsmState> snapshot{};
  };
  struct Waiting {
    std::uint64_t term{};
    std::size_t operation{};
    int client{};
  };
  struct WaitingRead {
    std::uint64_t index{};
    std::size_t operation{};
    int client{};
  };
  struct Server {
    std::string name{};
    raft::ServerId id{};
    std::string address{};
    std::optional<raft::Core> core{};
    Disk disk{};
    FsmState state{};
    std::uint64_t applied{};
    std::deque<raft::FsmStep> fsm_queue{};
    bool applying{};
    std::uint32_t life{};
    bool lost{};  // its disk is damaged: it refuses to start
    bool paused{};
    std::deque<Event> deferred{};
    double rate = 1;  // of its clock
    std::int64_t clock_base{};
    std::int64_t tick_at = -1;
    raft::Role role{};
    std::map<std::uint64_t, Waiting> proposals{};         // by index
    std::map<std::uint64_t, WaitingRead> reads{};         // by number
    std::map<std::uint64_t, StoredSnapshot> receiving{};  // by token
    std::optional<StoredSnapshot> taking{};
    std::shared_ptr<const FsmState> incoming{};  // with the message being received
    bool refusal_reported{};
    bool up() const { return core.has_value(); }
  };
  struct Client {
    bool busy{};
    std::size_t operation{};
    std::uint64_t attempt{};
  };
  // An operator restores into a healthy cluster only: a leader that fails half-way leaves an orphan snapshot behind.
  struct Restore {
    enum class Stage : std::uint8_t { none, quiet, restoring } stage{};
    std::int64_t since{};
    std::uint64_t index{};  // that ends it
    std::size_t first_operation{};
  };

  // cluster.cc
  void at(std::int64_t time, Kind kind, std::size_t server = 0, std::uint64_t detail = 0);
  void loop(std::int64_t until);
  void dispatch(const Event& event);
  raft::Instant local(const Server& server) const;
  std::int64_t global(const Server& server, raft::Instant instant) const;
  void start(std::size_t i);
  void crash(std::size_t i, std::int64_t down_for);
  void flush(std::size_t i);
  void carry_out(std::size_t i);
  void send(std::size_t from, raft::Message message);
  void deliver(std::uint64_t slot);
  void apply(std::size_t i);
  void apply_entry(Server& server, const raft::Entry& entry);
  void serve_reads(Server& server);
  std::size_t find(const raft::ServerId& id) const;

  // clients.cc
  void client(std::size_t c);
  std::int64_t pause(std::int64_t least);
  std::size_t some_leader();
  void client_timeout(std::size_t c, std::uint64_t attempt);
  bool submit(std::size_t c, std::size_t i, Operation operation, raft::ReadMode mode);
  void finished(int client, std::size_t operation, std::uint64_t result);
  void abandoned(int client, std::size_t operation);
  void refused(int client, std::size_t operation);
  void lose_proposals(Server& server, std::uint64_t above);

  // faults.cc
  void nemesis();
  void disturb();
  void heal();
  void partition();
  void strike(std::size_t i);
  void deafen(std::size_t i);
  void crash_some();
  void change_membership();
  void damage();
  void replace_lost();
  void restore_episode();
  void begin_restore(std::size_t i);
  std::optional<std::size_t> leader() const;
  bool can_spare(std::size_t i) const;

  // final.cc
  void finish();
  void read_at_last(std::size_t key);
  void resolve_unknown();
  bool settled();
  bool expected_to_recover() const;

  void note(std::size_t i, const std::string& what) const;

  Random random_;
  bool trace_;
  std::uint64_t seed_;
  Load load_;
  raft::Options options_{};
  std::vector<Server> servers_{kServers};
  std::priority_queue<Event> events_{};
  std::uint64_t order_ = 0;
  std::int64_t now_ = 0;
  std::vector<Envelope> envelopes_{};
  std::vector<std::uint64_t> free_envelopes_{};
  std::map<std::uint64_t, raft::LogRead> log_reads_{};
  bool blocked_[kServers][kServers]{};
  std::uint64_t requests_[kServers][kServers]{};  // that came, by who sent and who got them
  double strike_ = 0;                             // chance that a new leader is hit at once
  double loss_ = 0, duplication_ = 0, slow_ = 0;
  double base_loss_ = 0, base_duplication_ = 0, base_slow_ = 0;
  std::int64_t latency_ = 0, disk_latency_ = 0, fsm_latency_ = 0;
  std::int64_t pace_ = 0;  // of the nemesis, in milliseconds
  bool chaos_ = true;
  std::uint64_t partition_number_ = 0;
  bool partitioned_ = false;
  Restore restore_{};
  std::uint64_t next_read_ = 1;
  std::uint64_t next_value_ = 1;
  std::uint64_t last_seen_[kMostKeys]{};
  std::vector<Client> clients_;
  std::vector<Operation> history_{};
  struct Applied {
    std::int64_t at{};
    std::uint64_t result{};
  };
  std::vector<Applied> first_applied_{};  // by operation: when the first FSM did it; 0: none ever did
  Invariants invariants_{};
  Counts counts_{};
  std::uint64_t digest_ = 1;
};

}  // namespace proconsul::simulation
