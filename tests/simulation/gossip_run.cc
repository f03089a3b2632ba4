#include "tests/simulation/gossip_run.h"

#include <algorithm>

namespace proconsul::simulation {

using base::Duration;
using base::milliseconds;
using base::MonotonicTime;
using base::seconds;

namespace {

double seconds_since(MonotonicTime then, MonotonicTime now) {
  return static_cast<double>((now - then).nanoseconds) / 1e9;
}

/// Members that joined the first one, and time for the news to settle.
void fill(GossipPool& pool, std::size_t members) {
  for (std::size_t i = 0; i < members; ++i) {
    pool.add();
    if (i > 0) pool.join(i, pool.random().below(i));
    pool.run(milliseconds(20));
  }
}

class Chaos {
 public:
  Chaos(std::uint64_t seed, bool trace) : random_(seed), pool_(options(seed, trace)) {}

  GossipResult run() {
    const std::size_t members = 4 + random_.below(20);
    fill(pool_, members);
    expect(pool_.run_until([&] { return pool_.converged(); }, seconds(60)), "the pool does not come together");

    const MonotonicTime end = pool_.now() + seconds(random_.between(30, 120));
    while (pool_.now() < end && result_.violations.empty()) {
      step();
      pool_.run(milliseconds(random_.between(100, 4000)));
      rejoin();
      check();
    }
    settle();
    result_.digest = pool_.digest();
    result_.counts = pool_.totals();
    return std::move(result_);
  }

 private:
  GossipOptions options(std::uint64_t seed, bool trace) {
    GossipOptions options;
    options.seed = seed;
    options.trace = trace;
    options.compress = random_.chance(0.3);
    options.encrypt = random_.chance(0.3);
    options.network.loss = random_.chance(0.5) ? random_.unit() * 0.15 : 0;
    options.network.duplicate = random_.chance(0.5) ? random_.unit() * 0.1 : 0;
    options.network.most_delay = milliseconds(random_.pick({2, 20, 100, 300}));
    return options;
  }
  void expect(bool holds, const char* text) {
    if (!holds) result_.violations.emplace_back(text);
  }
  void check() {
    if (std::string violation = pool_.violation(); !violation.empty())
      result_.violations.push_back(std::move(violation));
  }
  std::size_t any(bool up) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      if (pool_.is_up(i) == up && pool_.core(i).local().state != swim::NodeState::left) found.push_back(i);
    }
    return found.empty() ? pool_.size() : found[random_.below(found.size())];
  }

  void step() {
    const std::size_t up = any(true);
    const std::size_t down = any(false);
    switch (random_.below(13)) {
      case 0:
      case 1:
        if (pool_.up_count() > 3) pool_.kill(up);
        break;
      case 2:
      case 3:
        if (down < pool_.size()) pool_.restart(down);
        break;
      case 4:
        if (pool_.up_count() > 3 && !pool_.is_paused(up)) pool_.leave(up);
        break;
      case 5:
      case 6:
        pool_.pause(up, milliseconds(random_.between(100, 15'000)));
        break;
      case 7: {
        std::vector<int> groups;
        for (std::size_t i = 0; i < pool_.size(); ++i) groups.push_back(static_cast<int>(random_.below(2)));
        pool_.partition(std::move(groups));
        break;
      }
      case 8:
      case 9:
        pool_.partition({});
        break;
      case 10:
        pool_.deafen(up, milliseconds(random_.between(100, 10'000)));
        break;
      case 11:
        if (!pool_.is_paused(up)) pool_.update(up);
        break;
      default:
        if (!pool_.is_paused(up)) pool_.tell(up);
    }
  }

  /// What serf and the agent do: who is alone, or knows of dead ones, tries again.
  void rejoin() {
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      if (!pool_.is_up(i) || pool_.is_paused(i) || pool_.core(i).local().state == swim::NodeState::left) continue;
      if (pool_.core(i).alive_count() > 1 && !random_.chance(0.05)) continue;
      if (const std::size_t with = any(true); with != i) pool_.join(i, with);
    }
  }

  void settle() {
    pool_.partition({});
    pool_.network() = {};
    pool_.run(seconds(20));  // nobody pauses any more
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      if (!pool_.is_up(i) || pool_.core(i).local().state == swim::NodeState::left) continue;
      for (std::size_t other = 0; other < pool_.size(); ++other) {
        if (other != i && pool_.is_up(other)) pool_.join(i, other);
      }
      break;
    }
    expect(pool_.run_until([&] { return pool_.converged(); }, seconds(120)), "not everybody sees everybody again");
    check();
    if (!result_.violations.empty()) return;

    const std::uint64_t message = pool_.tell(any(true));
    expect(pool_.run_until([&] { return pool_.everybody_heard(message); }, seconds(180)),
           "a message is not heard by all");
    pool_.run(seconds(60));
    expect(pool_.converged(), "a quiet pool does not stay as it is");
    check();
  }

  Random random_;
  GossipPool pool_;
  GossipResult result_{};
};

}  // namespace

GossipResult run_gossip_seed(std::uint64_t seed, bool trace) {
  return Chaos(seed, trace).run();
}

Detection run_detection(std::size_t members, std::uint64_t seed) {
  GossipPool pool({.seed = seed});
  fill(pool, members);
  pool.run_until([&] { return pool.converged(); }, seconds(60));
  pool.run(seconds(20) + milliseconds(pool.random().between(0, 1000)));

  const std::size_t killed = pool.random().below(members);
  pool.kill(killed);
  const MonotonicTime start = pool.now();
  const swim::Timing timing;
  const Duration least = swim::suspicion_timeout(timing.suspicion_mult, members, timing.probe_interval);
  Detection detection{.first_suspicion = -1, .first_death = -1, .everywhere = -1};
  // Somebody's turn comes within two rounds of its list, the suspicion ends, and the news needs some rounds of gossip.
  detection.bound = 2.0 * static_cast<double>(members) +
                    static_cast<double>(least.nanoseconds) / 1e9 * timing.suspicion_max_timeout_mult + 10;
  while (detection.everywhere < 0 && seconds_since(start, pool.now()) < 2 * detection.bound) {
    pool.run(milliseconds(50));
    const double passed = seconds_since(start, pool.now());
    if (detection.first_suspicion < 0 && pool.suspect_at(killed) > 0) detection.first_suspicion = passed;
    const std::size_t missing = pool.missing_at(killed);
    if (detection.first_death < 0 && missing > 0) detection.first_death = passed;
    if (missing == pool.up_count()) detection.everywhere = passed;
  }
  return detection;
}

GossipCounts run_slow_members(std::size_t members, std::size_t slow, bool lifeguard, std::uint64_t seed) {
  GossipOptions options{.seed = seed};
  if (!lifeguard) {
    options.timing.awareness_max_multiplier = 1;
    options.timing.suspicion_max_timeout_mult = 1;
  }
  GossipPool pool(options);
  fill(pool, members);
  pool.run_until([&] { return pool.converged(); }, seconds(60));
  // Each of them hears nothing for up to 16 s and then is well for some milliseconds, again and again: the paper's CPU
  // that is never free.
  std::vector<MonotonicTime> next(slow);
  const MonotonicTime end = pool.now() + seconds(120);
  while (pool.now() < end) {
    for (std::size_t i = 0; i < slow; ++i) {
      if (pool.now() < next[i]) continue;
      const Duration away = milliseconds(pool.random().between(4000, 16'000));
      pool.deafen(i, away);
      next[i] = pool.now() + away + milliseconds(pool.random().between(1, 300));
    }
    pool.run(milliseconds(10));
  }
  return pool.totals();
}

Spread run_spread(std::size_t members, std::uint64_t seed) {
  GossipPool pool({.seed = seed});
  for (std::size_t i = 0; i < members; ++i) pool.add();
  const MonotonicTime start = pool.now();
  for (std::size_t i = 1; i < members; ++i) {
    pool.join(i, i - 1 < 32 ? 0 : pool.random().below(i));  // one takes no more than so many at once
    if (i % 32 == 0) pool.run(milliseconds(20));
  }
  Spread spread{.joined = -1, .message = -1};
  const auto all_known = [&] {
    for (std::size_t i = 0; i < members; ++i) {
      if (pool.core(i).alive_count() != members) return false;
    }
    return true;
  };
  if (pool.run_until(all_known, seconds(600))) spread.joined = seconds_since(start, pool.now());
  pool.run(seconds(10));
  const MonotonicTime told = pool.now();
  const std::uint64_t message = pool.tell(pool.random().below(members));
  if (pool.run_until([&] { return pool.everybody_heard(message); }, seconds(60))) {
    spread.message = seconds_since(told, pool.now());
  }
  spread.counts = pool.totals();
  return spread;
}

}  // namespace proconsul::simulation
