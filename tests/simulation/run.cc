#include "tests/simulation/run.h"

#include <algorithm>
#include <exception>

#include "raft/planted.h"

namespace proconsul::simulation {

namespace {

Load load_of(std::uint64_t seed, std::optional<std::size_t> clients) {
  constexpr std::uint64_t kOneIn = 64;
  if (clients) return *clients > Load{}.clients ? Load::crowd(*clients) : Load{};
  if (seed % kOneIn != 0) return {};
  return Load::crowd(100 + mix(seed, kOneIn) % 901);
}

}  // namespace

SeedResult run_seed(std::uint64_t seed, bool trace, std::optional<std::size_t> clients) {
  SeedResult result;
  Cluster cluster(seed, load_of(seed, clients), trace);
  try {
    cluster.run();
    result.violations = cluster.violations();
  } catch (const std::exception& failure) {
    result.violations = {failure.what()};
  }
  result.digest = cluster.digest();
  result.counts = cluster.counts();
  return result;
}

std::vector<std::string_view> planted_names() {
  return {raft::kPlantedNames.begin() + 1, raft::kPlantedNames.end()};
}

bool plant(std::string_view name) {
  const auto found = std::ranges::find(raft::kPlantedNames, name);
  if (found == raft::kPlantedNames.end()) return false;
  raft::planted = static_cast<raft::Planted>(found - raft::kPlantedNames.begin());
  return true;
}

std::optional<std::uint64_t> find_planted(std::string_view name, std::uint64_t first, std::uint64_t last,
                                          std::string& violation) {
  if (!plant(name)) return std::nullopt;
  std::optional<std::uint64_t> found;
  for (std::uint64_t seed = first; seed <= last && !found; ++seed) {
    SeedResult result = run_seed(seed);
    if (result.violations.empty()) continue;
    found = seed;
    violation = std::move(result.violations.front());
  }
  plant("none");
  return found;
}

std::string describe(const Counts& c) {
  std::string out;
  const auto line = [&](const char* name, std::uint64_t count) {
    out += "  " + std::string(name) + std::string(28 - std::min<std::size_t>(27, std::string_view(name).size()), ' ') +
           std::to_string(count) + "\n";
  };
  line("events", c.events);
  line("client operations", c.operations);
  line("  of unknown outcome", c.unknown);
  line("elections won", c.elections);
  line("messages", c.messages);
  line("  lost", c.lost);
  line("  duplicated", c.duplicated);
  line("  much delayed", c.late);
  line("partitions", c.partitions);
  line("  of one direction", c.one_way);
  line("crashes and restarts", c.crashes);
  line("  noticed by a peer", c.gone);
  line("  unsynced writes at stake", c.writes_lost);
  line("  torn writes", c.torn);
  line("damaged disks (replaced)", c.corrupted);
  line("stalled disks", c.stalled);
  line("full disks", c.full);
  line("paused servers", c.pauses);
  line("runs with skewed clocks", c.skewed);
  line("membership changes", c.changes);
  line("leadership transfers", c.transfers);
  line("snapshots taken", c.snapshots);
  line("snapshots installed", c.installs);
  line("user restores", c.restores);
  line("states searched by checker", c.states_searched);
  return out;
}

}  // namespace proconsul::simulation
