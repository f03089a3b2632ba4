// What the parts of the authority have in common.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/result.h"

namespace proconsul::agent::mesh {

inline base::Error no_leader() {
  return {base::Errc::no_leader, "No cluster leader"};
}

/// Servers of the primary that have come may still be without a leader or an authority; who has waited for long asks
/// them less often.
inline std::chrono::milliseconds retry_after(unsigned failures) {
  constexpr std::chrono::milliseconds kFirst{50}, kLast{60'000};
  constexpr unsigned kSoon = 20;  // a primary that starts too is there within a moment, and to look for it costs little
  return std::min(kLast, kFirst * (1 << std::min(failures - std::min(failures, kSoon), 11u)));
}
/// Whether an operator is to hear of it: waiting for the primary for a moment is in the order of things.
inline bool is_long(unsigned failures) {
  return failures >= 24;
}

}  // namespace proconsul::agent::mesh
