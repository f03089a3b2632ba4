// gossip_simulation [--seeds A..B] [--detection MEMBERS] [--slow MEMBERS] [--spread MEMBERS]
// PROCONSUL_SEED=N replays one seed of chaos and tells its story on stderr. Exit code 1 when a violation was found.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/simulation/gossip_run.h"

namespace simulation = proconsul::simulation;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int detection(std::size_t members) {
  double suspicion = 0, death = 0, everywhere = 0, worst = 0, bound = 0;
  constexpr int kRuns = 50;
  int late = 0;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    const simulation::Detection one = simulation::run_detection(members, seed);
    suspicion += one.first_suspicion / kRuns;
    death += one.first_death / kRuns;
    everywhere += one.everywhere / kRuns;
    worst = std::max(worst, one.everywhere);
    bound = one.bound;
    if (one.everywhere < 0 || one.everywhere > one.bound) ++late;
  }
  std::printf(
      "%zu members, one killed, %d runs: suspect after %.1f s, dead after %.1f s, everywhere after %.1f s on average "
      "and "
      "%.1f s at most (bound %.0f s)\n",
      members, kRuns, suspicion, death, everywhere, worst, bound);
  return late == 0 ? 0 : 1;
}

int slow(std::size_t members) {
  for (const std::size_t paused : {members / 32, members / 16, members / 8, members / 4}) {
    for (const bool lifeguard : {false, true}) {
      const simulation::GossipCounts counts = simulation::run_slow_members(members, paused, lifeguard, 1);
      std::printf(
          "%zu members, %zu of them slow, %s: %llu suspicions, %llu deaths declared, %llu of members that were "
          "well\n",
          members, paused, lifeguard ? "Lifeguard" : "SWIM     ", static_cast<unsigned long long>(counts.suspicions),
          static_cast<unsigned long long>(counts.deaths), static_cast<unsigned long long>(counts.unjust_deaths));
    }
  }
  return 0;
}

int spread(std::size_t members) {
  const auto started = std::chrono::steady_clock::now();
  const simulation::Spread one = simulation::run_spread(members, 1);
  std::printf(
      "%zu members: all joined after %.1f s, a message is everywhere after %.1f s (%.1f s of this machine's time)\n%s",
      members, one.joined, one.message, seconds_since(started), simulation::describe(one.counts).c_str());
  return one.joined < 0 || one.message < 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
  const char* replay = std::getenv("PROCONSUL_SEED");
  if (replay != nullptr) first = last = std::strtoull(replay, nullptr, 10);
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    const std::size_t members = std::strtoull(value.c_str(), nullptr, 10);
    if (option == "--detection" && members > 2) return detection(members);
    if (option == "--slow" && members >= 32) return slow(members);
    if (option == "--spread" && members > 2) return spread(members);
    if (option == "--seeds" && value.find("..") != std::string::npos) {
      first = std::strtoull(value.c_str(), nullptr, 10);
      last = std::strtoull(value.c_str() + value.find("..") + 2, nullptr, 10);
    } else {
      std::fprintf(
          stderr,
          "usage: gossip_simulation [--seeds A..B] [--detection MEMBERS] [--slow MEMBERS] [--spread MEMBERS]\n");
      return 2;
    }
  }

  simulation::GossipCounts total;
  std::uint64_t failed = 0;
  std::uint64_t digest = 0;
  const auto started = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const simulation::GossipResult result = simulation::run_gossip_seed(seed, replay != nullptr);
    total.add(result.counts);
    digest = simulation::mix(digest, result.digest);
    if (result.violations.empty()) continue;
    ++failed;
    std::printf("seed %llu:\n", static_cast<unsigned long long>(seed));
    for (const std::string& violation : result.violations) std::printf("  %s\n", violation.c_str());
    std::fflush(stdout);
  }
  const double took = seconds_since(started);
  std::printf("%s", simulation::describe(total).c_str());
  std::printf("seeds %llu..%llu: %llu with violations, digest %016llx, %.1f s (%.1f ms a seed)\n",
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last),
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(digest), took,
              took * 1000 / static_cast<double>(last - first + 1));
  return failed == 0 ? 0 : 1;
}
