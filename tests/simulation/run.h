// Runs of simulated clusters over many seeds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/cluster.h"

namespace proconsul::simulation {

struct SeedResult {
  std::uint64_t digest{};
  std::vector<std::string> violations{};
  Counts counts{};
};

/// One seed in 64 has a crowd of up to a thousand clients, unless `clients` says how many there are.
SeedResult run_seed(std::uint64_t seed, bool trace = false, std::optional<std::size_t> clients = {});

/// The first seed in first..last that shows the planted mistake, if any does.
std::optional<std::uint64_t> find_planted(std::string_view name, std::uint64_t first, std::uint64_t last,
                                          std::string& violation);

/// Names that can be planted.
std::vector<std::string_view> planted_names();
bool plant(std::string_view name);

std::string describe(const Counts& counts);

}  // namespace proconsul::simulation
