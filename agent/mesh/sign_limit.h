// How often the authority signs: csr_max_per_second, or csr_max_concurrent where there is none.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace proconsul::agent::mesh {

/// Somebody waits this long for his turn at most; then he is told to come again.
inline constexpr base::Duration kSignPatience = base::milliseconds(500);

/// One thread at a time.
class SignLimit {
 public:
  /// How long to wait for one's turn, which is then taken; nothing: it would be too long. A rate of 0 or below: no
  /// limit.
  std::optional<base::Duration> take(double per_second, base::MonotonicTime now);

  /// False: so many are at it already. 0: no limit. Who got in leaves.
  bool enter(std::int64_t most);
  void leave() { --inside_; }

 private:
  double per_second_ = 0;
  double ready_ = 0;  // turns: at most one, below 0 when some are taken in advance
  base::MonotonicTime at_{};
  std::int64_t inside_ = 0;
};

}  // namespace proconsul::agent::mesh
