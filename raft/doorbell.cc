#include "raft/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace proconsul::raft {

void Doorbell::ring() {
  if (state_.exchange(kRung, std::memory_order_acq_rel) == kSleeping) {
    ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
}

void Doorbell::wait(std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    std::uint32_t state = kRung;
    if (state_.compare_exchange_strong(state, kQuiet, std::memory_order_acq_rel)) return;
    if (std::chrono::steady_clock::now() >= deadline) return;
    state = kQuiet;
    if (!state_.compare_exchange_strong(state, kSleeping, std::memory_order_acq_rel)) continue;
    if (deadline == std::chrono::steady_clock::time_point::max()) {
      ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kSleeping, nullptr, nullptr, 0);
    } else {
      const auto since = deadline.time_since_epoch();
      const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since);
      const timespec until{whole.count(), (since - whole).count()};
      // With a bitset the time is absolute and of the monotonic clock, as steady_clock is.
      ::syscall(SYS_futex, &state_, FUTEX_WAIT_BITSET_PRIVATE, kSleeping, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
    }
    state = kSleeping;
    state_.compare_exchange_strong(state, kQuiet, std::memory_order_acq_rel);
  }
}

}  // namespace proconsul::raft
