// The times that only a leader keeps, because the state machine has no clock: lives of sessions, delays of locks, and
// when tombstones may go. Safe to use from many threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/server/deadlines.h"
#include "agent/server/tombstone_clock.h"
#include "base/clock.h"
#include "catalog/store/store.h"
#include "catalog/types/session.h"

namespace proconsul::agent::server {

class LeaderClocks {
 public:
  explicit LeaderClocks(const base::Clock& clock) : clock_(clock) {}

  /// What applied commands ask for. Followers remember lock delays too: they may lead soon.
  void note(const catalog::Effects& effects);
  /// Takes over as leader: every session gets its whole TTL again, and all tombstones their whole lifetime.
  void start(const catalog::Tables& tables, std::uint64_t last_index);
  /// No longer the leader: nothing expires here any more.
  void stop();

  bool lock_delayed(std::string_view key) const;
  /// (Re)starts the session's time; one without a TTL has none. True if earliest() came nearer by it.
  bool restart_session(const catalog::Session& session);
  void stop_session(std::string_view id);
  std::size_t timed_sessions() const;

  struct Expired {
    std::vector<std::string> sessions{};
    std::uint64_t tombstone_index{};  // 0: none
  };
  Expired take_expired();
  /// A session whose end could not be logged is tried again after a while.
  void retry_session(std::string id);
  std::optional<base::MonotonicTime> earliest() const;

 private:
  const base::Clock& clock_;
  mutable std::mutex mutex_{};
  bool leading_ = false;
  Deadlines sessions_{};
  mutable Deadlines lock_delays_{};
  TombstoneClock tombstones_{};
  std::atomic<std::size_t> delayed_locks_{0};  // spares the lock on every lock operation
};

}  // namespace proconsul::agent::server
