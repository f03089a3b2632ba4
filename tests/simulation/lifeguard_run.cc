#include "tests/simulation/lifeguard_run.h"

#include <algorithm>
#include <vector>

#include "tests/simulation/gossip_pool.h"

namespace proconsul::simulation {
namespace {

using base::Duration;
using base::milliseconds;
using base::MonotonicTime;
using base::seconds;

double in_seconds(Duration time) {
  return static_cast<double>(time.nanoseconds) / 1e9;
}

LifeguardFigures::Latency latency(std::vector<double> times) {
  if (times.empty()) return {};
  std::ranges::sort(times);
  return {.median = times[times.size() / 2], .most = times.back()};
}

class Experiment {
 public:
  explicit Experiment(const LifeguardOptions& options) : options_(options), pool_(pool_options(options)) {
    pool_.begin_whole(options.members);
    pool_.run(seconds(10));
  }

  LifeguardFigures run() {
    load(seconds(20), figures_.quiet_packets, figures_.quiet_bytes, [&] { pool_.run(seconds(20)); });
    kill_some();
    load(options_.starving, figures_.starved_packets, figures_.starved_bytes, [&] { starve_some(); });
    // What was said falsely of others while some starved is found at the end of their suspicion too.
    pool_.run(seconds(30));
    const GossipCounts counts = pool_.totals();
    figures_.false_positives = counts.unjust_deaths;
    figures_.false_positives_at_well = counts.unjust_at_well;
    figures_.events = counts.events;
    return figures_;
  }

 private:
  static GossipOptions pool_options(const LifeguardOptions& options) {
    GossipOptions pool{.seed = options.seed};
    if (!options.probe) pool.timing.awareness_max_multiplier = 1;
    if (!options.suspicion) pool.timing.suspicion_max_timeout_mult = 1;
    return pool;
  }

  template <class Work>
  void load(Duration time, double& packets, double& bytes, Work work) {
    const GossipCounts before = pool_.totals();
    work();
    const GossipCounts after = pool_.totals();
    const double whole = static_cast<double>(pool_.up_count()) * in_seconds(time);
    packets = static_cast<double>(after.packets - before.packets) / whole;
    bytes = static_cast<double>(after.packet_bytes - before.packet_bytes) / whole;
  }

  void kill_some() {
    struct Killed {
      std::size_t member{};
      MonotonicTime at{};
    };
    std::vector<Killed> killed;
    while (killed.size() < options_.kills) {
      const std::size_t member = pool_.random().below(options_.members);
      if (!pool_.is_up(member)) continue;
      pool_.kill(member);
      killed.push_back({.member = member, .at = pool_.now()});
      pool_.run(milliseconds(pool_.random().between(500, 1500)));
    }
    const auto all_heard = [&] {
      return std::ranges::all_of(killed,
                                 [&](const Killed& one) { return pool_.death(one.member).by >= pool_.up_count(); });
    };
    pool_.run_until(all_heard, seconds(120));
    std::vector<double> first, everywhere;
    for (const Killed& one : killed) {
      const GossipPool::Death& death = pool_.death(one.member);
      if (death.by > 0) first.push_back(in_seconds(death.first - one.at));
      if (death.by >= pool_.up_count()) {
        everywhere.push_back(in_seconds(death.last - one.at));
      } else {
        ++figures_.unseen;
      }
    }
    figures_.first = latency(std::move(first));
    figures_.everywhere = latency(std::move(everywhere));
  }

  void starve_some() {
    std::vector<std::size_t> starved;
    while (starved.size() < options_.starved) {
      const std::size_t member = pool_.random().below(options_.members);
      if (pool_.is_up(member) && std::ranges::find(starved, member) == starved.end()) starved.push_back(member);
    }
    std::vector<MonotonicTime> next(starved.size());
    const MonotonicTime end = pool_.now() + options_.starving;
    while (pool_.now() < end) {
      for (std::size_t i = 0; i < starved.size(); ++i) {
        if (pool_.now() < next[i]) continue;
        const Duration away = milliseconds(pool_.random().between(4000, 16'000));
        pool_.starve(starved[i], away);
        next[i] = pool_.now() + away + milliseconds(pool_.random().between(1, 300));
      }
      pool_.run(milliseconds(10));
    }
  }

  const LifeguardOptions options_;
  GossipPool pool_;
  LifeguardFigures figures_{};
};

}  // namespace

LifeguardFigures run_lifeguard(const LifeguardOptions& options) {
  return Experiment(options).run();
}

}  // namespace proconsul::simulation
