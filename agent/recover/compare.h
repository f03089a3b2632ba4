// Which of several data directories holds most, and what would be lost with each.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/recover/data_directory.h"

namespace proconsul::agent::recover {

/// Entries that one directory has and another one lacks.
struct Missing {
  raft::LogIndex from{}, to{};
  std::uint64_t changes{};  // commands among them, as far as they are still in the log
  std::uint64_t entries() const { return to.value + 1 - from.value; }
};

/// What `of` has and `chosen` lacks; nothing if `chosen` has it all. Both are readable.
std::optional<Missing> missing(const DataDirectory& chosen, const DataDirectory& of);

/// The readable one that raft would elect; null if there is none. Of equal ones the first.
const DataDirectory* newest(const std::vector<DataDirectory>& directories);

}  // namespace proconsul::agent::recover
