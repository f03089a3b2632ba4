// gossip_simulation [--seeds A..B] [--detection MEMBERS] [--slow MEMBERS] [--spread MEMBERS]
// gossip_simulation --members N [--starved N] [--seconds N] [--all]: the figures of the Lifeguard paper
// PROCONSUL_SEED=N replays one seed of chaos and tells its story on stderr. Exit code 1 when a violation was found.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/simulation/gossip_run.h"
#include "tests/simulation/lifeguard_run.h"

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

struct Figures {
  std::size_t members = 0;
  std::size_t starved = 0;  // 0: chosen by the size
  std::size_t seconds = 60;
  bool all = false;  // LHA-Probe and LHA-Suspicion each alone as well
};

/// What the paper (v1 of 2017 and v2 of 2018, DSN 2018) says, beside it where this differs.
constexpr const char kPaper[] =
    "\nThe paper's figures, for comparison:\n"
    "  FP     falsely declared dead, at any member: Lifeguard 50 to 100 times fewer than SWIM (v2, section V);\n"
    "         more than 50 times (v1, abstract)\n"
    "  FP-    the same at members that are well: with SWIM one overloaded member of 100 suffices, four cause hundreds\n"
    "         (v2, section II and figure 1)\n"
    "  delay  detection and message load grow modestly (v1, abstract); with the suspicion time tuned the median falls\n"
    "         by 45 % while FP- stays 3 times below SWIM (v1, abstract)\n"
    "  bases  probe interval 1 s and timeout 500 ms, growing up to 9 s and 4.5 s (v2, section IV-A): as here\n"
    "Where this differs: virtual time with 1 to 5 ms of delay and no loss, not 100 machines of one core; a starved\n"
    "member neither hears nor sends for 4 to 16 s, is well for up to 0.3 s, and so on; the buddy system is never off;\n"
    "who was starved counts as unwell for another 30 s. SWIM's suspicion lasts as long as Lifeguard's shortest.\n";

int figures(const Figures& wanted) {
  if (wanted.starved * 2 > wanted.members) {
    std::fprintf(stderr, "at most half of the members can be starved\n");
    return 2;
  }
  std::size_t starved = wanted.starved;
  if (starved == 0) starved = wanted.members >= 1000 ? 8 : std::max<std::size_t>(1, wanted.members / 32);
  std::printf("%zu members, 10 killed one after the other; then %zu starve again and again for %zu s\n\n",
              wanted.members, starved, wanted.seconds);
  std::printf("%-15s %8s %8s | %-15s | %-15s | %-22s | %-22s\n", "", "FP", "FP-", "first detection", "known by all",
              "quiet, each member", "while some starve");
  std::printf("%-15s %8s %8s | %6s %8s | %6s %8s | %10s %11s | %10s %11s\n", "", "", "", "median", "most", "median",
              "most", "packets/s", "bytes/s", "packets/s", "bytes/s");
  struct Kind {
    const char* name;
    bool probe, suspicion, always;
  };
  int unseen = 0;
  for (const Kind& kind : {Kind{"SWIM", false, false, true}, Kind{"LHA-Probe", true, false, false},
                           Kind{"LHA-Suspicion", false, true, false}, Kind{"Lifeguard", true, true, true}}) {
    if (!kind.always && !wanted.all) continue;
    const auto started = std::chrono::steady_clock::now();
    const simulation::LifeguardFigures one =
        simulation::run_lifeguard({.members = wanted.members,
                                   .starved = starved,
                                   .starving = proconsul::base::seconds(static_cast<std::int64_t>(wanted.seconds)),
                                   .probe = kind.probe,
                                   .suspicion = kind.suspicion});
    std::printf(
        "%-15s %8llu %8llu | %4.1f s %6.1f s | %4.1f s %6.1f s | %10.2f %11.0f | %10.2f %11.0f   (%.0f s, %.1f million "
        "events)\n",
        kind.name, static_cast<unsigned long long>(one.false_positives),
        static_cast<unsigned long long>(one.false_positives_at_well), one.first.median, one.first.most,
        one.everywhere.median, one.everywhere.most, one.quiet_packets, one.quiet_bytes, one.starved_packets,
        one.starved_bytes, seconds_since(started), static_cast<double>(one.events) / 1e6);
    std::fflush(stdout);
    unseen += static_cast<int>(one.unseen);
  }
  std::printf("%s", kPaper);
  return unseen == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
  const char* replay = std::getenv("PROCONSUL_SEED");
  if (replay != nullptr) first = last = std::strtoull(replay, nullptr, 10);
  Figures wanted;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    const std::size_t members = std::strtoull(value.c_str(), nullptr, 10);
    if (option == "--detection" && members > 2) return detection(members);
    if (option == "--slow" && members >= 32) return slow(members);
    if (option == "--spread" && members > 2) return spread(members);
    if (option == "--all") {
      wanted.all = true;
      --i;
    } else if (option == "--members" && members >= 32) {
      wanted.members = members;
    } else if (option == "--starved" && members > 0) {
      wanted.starved = members;
    } else if (option == "--seconds" && members > 0) {
      wanted.seconds = members;
    } else if (option == "--seeds" && value.find("..") != std::string::npos) {
      first = std::strtoull(value.c_str(), nullptr, 10);
      last = std::strtoull(value.c_str() + value.find("..") + 2, nullptr, 10);
    } else {
      std::fprintf(stderr,
                   "usage: gossip_simulation [--seeds A..B] [--detection MEMBERS] [--slow MEMBERS] [--spread MEMBERS]\n"
                   "       gossip_simulation --members N [--starved N] [--seconds N] [--all]\n");
      return 2;
    }
  }

  if (wanted.members > 0) return figures(wanted);

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
