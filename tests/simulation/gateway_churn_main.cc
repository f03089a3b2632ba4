// gateway_simulation [--seeds A..B] [--hours N]: that many hours of virtual time (24) for each seed
// PROCONSUL_SEED=N replays one seed and tells its story on stderr. Exit code 1 when a violation was found.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/simulation/gateway_churn.h"

namespace simulation = proconsul::simulation;

int main(int argc, char** argv) {
  unsigned long long first = 1, last = 20, hours = 24;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--seeds" && std::sscanf(value, "%llu..%llu", &first, &last) == 2) {
      ++i;
    } else if (word == "--hours" && std::sscanf(value, "%llu", &hours) == 1) {
      ++i;
    } else {
      std::fprintf(stderr, "gateway_simulation [--seeds A..B] [--hours N]; PROCONSUL_SEED=N tells the story of one\n");
      return 2;
    }
  }
  const char* replayed = std::getenv("PROCONSUL_SEED");
  if (replayed != nullptr) first = last = std::strtoull(replayed, nullptr, 10);
  int failed = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const auto begun = std::chrono::steady_clock::now();
    const simulation::ChurnResult result = simulation::run_gateway_churn(
        seed, proconsul::base::seconds(static_cast<std::int64_t>(hours * 3600)), replayed != nullptr);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("seed %llu, %llu h in %.1f s, %s\n", static_cast<unsigned long long>(seed), hours, seconds,
                simulation::describe(result.counts).c_str());
    for (const std::string& violation : result.violations) std::printf("  VIOLATION %s\n", violation.c_str());
    std::fflush(stdout);
    failed += !result.violations.empty();
  }
  return failed == 0 ? 0 : 1;
}
