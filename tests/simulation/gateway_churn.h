// Three datacenters that are joined through mesh gateways, simulated in virtual time: gateways die, hang, move and come
// back, servers and whole datacenters restart, links are cut. Who dials which gateway is decided by the real locator;
// what datacenters know of each other's gateways comes by the real anti-entropy and replication of federation states,
// through the very gateways that it is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace proconsul::simulation {

struct ChurnCounts {
  std::uint64_t rounds{};  // of churn and healing
  std::uint64_t died{}, hung{}, moved{}, all_moved{}, added{}, removed{}, cuts{}, servers{}, cold{};
  std::uint64_t calls{}, failed{};
  std::int64_t longest_heal{};  // seconds from the end of the churn until all was well
};

struct ChurnResult {
  std::uint64_t digest{};
  std::vector<std::string> violations{};
  ChurnCounts counts{};
};

/// Minutes of churn, then healing, and so on for that long. A violation: a datacenter that does not reach another one,
/// or does so through another's gateway, or does not know all gateways, some time after all is well; and one that does
/// not come back although nothing but a direct way to the primary is missing.
ChurnResult run_gateway_churn(std::uint64_t seed, base::Duration time, bool trace = false);

/// For people.
std::string describe(const ChurnCounts& counts);

}  // namespace proconsul::simulation
