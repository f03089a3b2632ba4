// Nodes of serf over the core of SWIM, on a network that loses and delays, in virtual time; all of it follows from a
// seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "gossip/keyring.h"
#include "gossip/serf/serf.h"
#include "gossip/swim/core.h"

namespace proconsul::simulation {

namespace serf = gossip::serf;
namespace swim = gossip::swim;

struct SerfOptions {
  std::uint64_t seed = 1;
  double loss = 0;  // of datagrams
  base::Duration least_delay = base::milliseconds(1);
  base::Duration most_delay = base::milliseconds(5);
  serf::Settings settings{};        // of every node, but for its name
  std::vector<std::string> keys{};  // none: plaintext
  bool trace = false;               // lines on stderr
};

class SerfPool {
 public:
  struct Node;

  explicit SerfPool(SerfOptions options);
  ~SerfPool();

  /// Starts another one. Names may be the same, addresses never are. `keys` in place of the pool's.
  Node& add(const std::string& name, std::vector<std::string> keys = {});
  /// Asks it to join the other.
  void join(Node& node, const Node& with, bool ignore_old = false);
  void kill(Node& node);
  /// Under the same name and address, with what its snapshot holds.
  void restart(Node& node);
  /// Calls something of a node's serf, and does what follows from it.
  void ask(Node& node, const std::function<void(serf::Serf&)>& what);
  /// Only nodes of the same group reach each other.
  void partition(Node& node, int group);

  void run(base::Duration time);
  /// False: not within the limit.
  bool run_until(const std::function<bool()>& done, base::Duration limit);
  /// Whether all that are up call the member so (none: do not know it), but for the member itself.
  bool all_see(const std::string& member, serf::MemberStatus status) const;
  /// Whether all that are up see each other alive.
  bool whole() const;
  std::vector<std::unique_ptr<Node>>& nodes() { return nodes_; }
  /// Of everything that was delivered to applications, in order.
  std::uint64_t digest() const { return digest_; }

 private:
  struct Connection {
    Node* ends[2]{};
    std::uint64_t lives[2]{};
    swim::StreamId ids[2]{};
    base::MonotonicTime arrival[2]{};
  };
  void start(Node& node);
  void at(base::MonotonicTime time, Node& node, std::function<void()> what);
  void after(Node& node);
  void send(Node& from, const swim::Packet& packet);
  void stream_effect(Node& from, swim::StreamEffect effect);
  base::Duration delay();
  Node* at_address(const swim::Address& address) const;

  SerfOptions options_;
  base::ManualClock clock_{};
  base::SeededRandom random_;
  std::vector<std::unique_ptr<Node>> nodes_{};
  std::map<std::pair<base::MonotonicTime, std::uint64_t>, std::function<void()>> events_{};
  std::uint64_t order_ = 0;
  std::map<std::pair<const Node*, swim::StreamId>, std::shared_ptr<Connection>> connections_{};
  std::uint64_t digest_ = 0;
};

/// One node, and an application that writes down what it hears and answers queries with its name.
struct SerfPool::Node final : serf::Observer, serf::SnapshotStore {
  Node(SerfPool& the_pool, std::string its_name, unsigned its_number)
      : pool(the_pool), name(std::move(its_name)), number(its_number) {}

  void member_event(const serf::MemberEvent& event) override;
  void user_event(const serf::UserEventMessage& event) override;
  void query(serf::IncomingQuery query) override;
  void view_changed() override {}
  void name_conflict_lost() override { note("conflict lost"); }
  void append(std::string lines, bool) override { snapshot += lines; }
  void replace(std::string content) override { snapshot = std::move(content); }
  bool healthy() const override { return true; }
  void note(std::string event);
  std::size_t heard(const std::string& event) const;
  swim::Address address() const;

  SerfPool& pool;
  std::string name;
  unsigned number;
  bool up = false;
  int group = 0;
  std::uint64_t life = 0;  // events of an earlier one are void
  std::vector<std::string> events{};
  std::string snapshot{};
  base::SeededRandom random{0};
  gossip::Keyring keyring{};
  std::unique_ptr<swim::Core> core{};
  std::unique_ptr<serf::Serf> serf{};
  base::MonotonicTime timer{};
};

}  // namespace proconsul::simulation
