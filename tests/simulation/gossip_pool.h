// Members of a gossip pool on a network that loses, delays and doubles, in virtual time; all of it follows from a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/time.h"
#include "gossip/swim/broadcast_queue.h"
#include "gossip/swim/core.h"
#include "tests/simulation/random.h"

namespace proconsul::simulation {

namespace swim = gossip::swim;

struct GossipNetwork {
  double loss = 0;       // of datagrams
  double duplicate = 0;  // of datagrams
  base::Duration least_delay = base::milliseconds(1);
  base::Duration most_delay = base::milliseconds(5);
};

struct GossipOptions {
  std::uint64_t seed = 1;
  swim::Timing timing = swim::Timing::lan();
  GossipNetwork network{};
  bool compress = false;
  bool encrypt = false;
  bool trace = false;  // the members' lines on stderr
};

struct GossipCounts {
  std::uint64_t events{}, packets{}, packet_bytes{}, lost{}, duplicated{}, cut_off{}, streams{}, stream_bytes{};
  std::uint64_t kills{}, restarts{}, leaves{}, pauses{}, partitions{}, updates{}, user_events{};
  std::uint64_t deaths{};          // members declared dead, each time by anybody
  std::uint64_t false_deaths{};    // of these: they were up
  std::uint64_t unjust_deaths{};   // of these: they were up and not paused
  std::uint64_t unjust_at_well{};  // of these: as seen by a member that was not paused either
  std::uint64_t suspicions{}, refutations{};
  void add(const GossipCounts& other);
};
std::string describe(const GossipCounts& counts);

class GossipPool {
 public:
  explicit GossipPool(GossipOptions options);
  ~GossipPool();

  /// Members that know each other from the start.
  void begin_whole(std::size_t members);
  /// Starts another member; the number of it.
  std::size_t add();
  void join(std::size_t member, std::size_t with);
  /// Ends it without a word.
  void kill(std::size_t member);
  /// Under the same name and address, knowing nobody.
  void restart(std::size_t member);
  void leave(std::size_t member);
  /// It does nothing for so long; datagrams and timers wait for it.
  void pause(std::size_t member, base::Duration time);
  /// It hears nothing for so long; then all at once. What it does by itself goes on.
  void deafen(std::size_t member, base::Duration time);
  /// As deafen, and what it sends waits too: a member without CPU.
  void starve(std::size_t member, base::Duration time);
  /// Only members of the same group reach each other. Empty: all do.
  void partition(std::vector<int> group_of_member);
  void update(std::size_t member);
  /// A message that everybody should hear. Its number.
  std::uint64_t tell(std::size_t member);

  void run(base::Duration time);
  /// Looks every 100 ms; false: not within the limit.
  bool run_until(const std::function<bool()>& done, base::Duration limit);

  base::MonotonicTime now() const { return now_; }
  std::size_t size() const { return members_.size(); }
  bool is_up(std::size_t member) const;
  bool is_paused(std::size_t member) const;
  const swim::Core& core(std::size_t member) const;
  std::size_t up_count() const;
  /// Whether those that are up see each other alive, with their newest metadata, and nobody else.
  bool converged() const;
  /// How many of those that are up call `member` dead, left or do not know it.
  std::size_t missing_at(std::size_t member) const;
  /// How many of those that are up see it suspect.
  std::size_t suspect_at(std::size_t member) const;
  bool everybody_heard(std::uint64_t message) const;
  /// Who declared `member` dead since it was killed last, and when.
  struct Death {
    std::size_t by = 0;  // members
    base::MonotonicTime first{}, last{};
  };
  const Death& death(std::size_t member) const;
  /// What must hold at any time; the first that does not.
  std::string violation() const;

  GossipNetwork& network() { return options_.network; }
  GossipCounts totals() const;
  std::uint64_t digest() const { return digest_; }
  Random& random() { return random_; }

 private:
  struct Member;
  struct Connection;
  struct Event;
  enum class Kind : std::uint8_t;

  void push(Event event);
  void handle(Event& event);
  void after(std::size_t member);  // an input: carries out the effects
  void send(std::size_t from, swim::Packet packet);
  void stream_effect(std::size_t from, swim::StreamEffect& effect);
  void start(std::size_t member);
  void end(Member& member);
  bool reach(std::size_t a, std::size_t b) const;
  base::Duration delay();
  std::size_t member_at(const swim::Address& address) const;

  GossipOptions options_;
  Random random_;
  base::MonotonicTime now_{1'000'000'000};
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<int> groups_{};
  std::vector<Event> events_;  // a heap
  std::uint64_t order_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_connection_ = 0;
  std::uint64_t next_message_ = 0;
  gossip::Keyring keyring_{};
  GossipCounts counts_{};
  std::uint64_t digest_ = 0;
  std::string violation_{};
};

}  // namespace proconsul::simulation
