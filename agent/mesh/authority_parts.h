// What the parts of the authority have in common.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/result.h"

namespace proconsul::agent::mesh {

inline base::Error no_leader() {
  return {base::Errc::no_leader, "No cluster leader"};
}

/// How long to wait after so many failures before this one.
inline std::chrono::seconds retry_after(unsigned failures) {
  constexpr std::chrono::seconds kFirst{1};
  constexpr std::chrono::seconds kLast{256};
  return std::min(kLast, kFirst * (1 << std::min(failures, 8u)));
}

}  // namespace proconsul::agent::mesh
