// raft_simulation [--seeds A..B] [--clients N] [--bug NAME] [--planted [LIMIT]] [--list]
// PROCONSUL_SEED=N replays one seed and tells its story on stderr. Exit code 1 when a violation was found (with
// --planted: when one was missed).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/run.h"

namespace simulation = proconsul::simulation;

namespace {

int run_planted(std::uint64_t limit) {
  int missed = 0;
  for (const std::string_view name : simulation::planted_names()) {
    std::string violation;
    const auto seed = simulation::find_planted(name, 1, limit, violation);
    const std::string first_line = violation.substr(0, violation.find('\n'));
    if (seed) {
      std::printf("%-26.*s seed %-6llu %s\n", static_cast<int>(name.size()), name.data(),
                  static_cast<unsigned long long>(*seed), first_line.c_str());
    } else {
      std::printf("%-26.*s NOT FOUND in %llu seeds\n", static_cast<int>(name.size()), name.data(),
                  static_cast<unsigned long long>(limit));
      ++missed;
    }
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
  std::optional<std::size_t> clients;
  const char* replay = std::getenv("PROCONSUL_SEED");
  if (replay != nullptr) first = last = std::strtoull(replay, nullptr, 10);
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (option == "--planted") return run_planted(value.empty() ? 3000 : std::strtoull(value.c_str(), nullptr, 10));
    if (option == "--list") {
      for (const std::string_view name : simulation::planted_names()) std::printf("%s\n", std::string(name).c_str());
      return 0;
    }
    if (option == "--clients" && std::strtoull(value.c_str(), nullptr, 10) > 0) {
      clients = std::min<std::size_t>(std::strtoull(value.c_str(), nullptr, 10), 10'000);
    } else if (option == "--seeds" && value.find("..") != std::string::npos) {
      first = std::strtoull(value.c_str(), nullptr, 10);
      last = std::strtoull(value.c_str() + value.find("..") + 2, nullptr, 10);
    } else if (option != "--bug" || !simulation::plant(value)) {
      std::fprintf(stderr,
                   "usage: raft_simulation [--seeds A..B] [--clients N] [--bug NAME] [--planted [LIMIT]] [--list]\n");
      return 2;
    }
  }

  simulation::Counts total;
  std::uint64_t failed = 0;
  std::uint64_t digest = 0;
  const auto started = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const simulation::SeedResult result = simulation::run_seed(seed, replay != nullptr, clients);
    total.add(result.counts);
    digest = simulation::mix(digest, result.digest);
    if (result.violations.empty()) continue;
    ++failed;
    std::printf("seed %llu:\n", static_cast<unsigned long long>(seed));
    for (const std::string& violation : result.violations) std::printf("  %s\n", violation.c_str());
    std::fflush(stdout);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("%s", simulation::describe(total).c_str());
  std::printf("seeds %llu..%llu: %llu with violations, digest %016llx, %.1f s (%.2f ms a seed)\n",
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last),
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(digest), took.count(),
              took.count() * 1000 / static_cast<double>(last - first + 1));
  return failed == 0 ? 0 : 1;
}
