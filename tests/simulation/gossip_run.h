// Runs of simulated gossip pools: chaos from a seed, and what the papers on SWIM and Lifeguard promise, measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/gossip_pool.h"

namespace proconsul::simulation {

struct GossipResult {
  std::uint64_t digest{};
  std::vector<std::string> violations{};
  GossipCounts counts{};
};

/// Members come, go, die, pause and are cut off from each other; then all is well again, and everybody must see
/// everybody.
GossipResult run_gossip_seed(std::uint64_t seed, bool trace = false);

/// How long the members of a quiet pool need to see that one of them was killed. Seconds; negative: never.
struct Detection {
  double first_suspicion{};
  double first_death{};
  double everywhere{};
  double bound{};  // what the protocol's own numbers allow
};
Detection run_detection(std::size_t members, std::uint64_t seed);

/// Some members hear late again and again; counts what is said of the others.
GossipCounts run_slow_members(std::size_t members, std::size_t slow, bool lifeguard, std::uint64_t seed);

/// Seconds until `members` that all join the first one see each other, and until a message is heard by all of them.
struct Spread {
  double joined{};
  double message{};
  GossipCounts counts{};
};
Spread run_spread(std::size_t members, std::uint64_t seed);

}  // namespace proconsul::simulation
