// The figures of the Lifeguard paper (arXiv:1707.00788), measured in pools of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace proconsul::simulation {

struct LifeguardOptions {
  std::size_t members = 128;
  std::size_t kills = 10;                       // in a pool that is well
  std::size_t starved = 8;                      // at the same time, again and again
  base::Duration starving = base::seconds(60);  // for so long in all
  bool probe = true;                            // the paper's LHA-Probe: a member in doubt of itself probes slower
  bool suspicion = true;                        // its LHA-Suspicion: longer, until others confirm
  std::uint64_t seed = 1;
};

struct LifeguardFigures {
  // Seconds from a death until the first member declares it, and until all have heard.
  struct Latency {
    double median{}, most{};
  };
  Latency first{}, everywhere{};
  std::size_t unseen{};  // deaths that somebody has not heard of after two minutes
  // Of members that were well, declared dead at any member, and at members that were well themselves.
  std::uint64_t false_positives{}, false_positives_at_well{};
  // Of each member in a second: quiet, and while some starve.
  double quiet_packets{}, quiet_bytes{}, starved_packets{}, starved_bytes{};
  std::uint64_t events{};
};
LifeguardFigures run_lifeguard(const LifeguardOptions& options);

}  // namespace proconsul::simulation
