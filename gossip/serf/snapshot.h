// What serf remembers over a restart: who was alive, and how far the clocks were. Lines of text as Go's serf writes
// them (gossip.md B10), so that either reads the other's file.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "gossip/serf/event.h"
#include "gossip/serf/message.h"

namespace proconsul::gossip::serf {

/// The file, or what stands for it. Nothing here waits; what failed is seen by healthy().
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  virtual void append(std::string lines, bool sync) = 0;
  /// Everything new in place of the old, which stays until the new is whole.
  virtual void replace(std::string content) = 0;
  /// False after a write failed, until a replace() succeeded.
  virtual bool healthy() const = 0;
};

struct SnapshotState {
  std::map<std::string, std::string> alive{};  // name to "10.0.0.1:8301"
  LamportTime clock{};
  LamportTime event_clock{};
  LamportTime query_clock{};
  bool torn = false;  // the last line has no end: it counts not, and nothing may be appended to it
};

/// Lines that make no sense are logged and passed over.
SnapshotState read_snapshot(std::string_view content, bool rejoin_after_leave, const base::log::Logger& log);

class Snapshot {
 public:
  /// `size`: bytes that the store holds now.
  Snapshot(SnapshotState state, std::size_t size, SnapshotStore& store, const base::Clock& clock,
           base::log::Logger log);

  const SnapshotState& state() const { return state_; }
  void record(const MemberEvent& event);
  void record_user_event(LamportTime time);
  void record_query(LamportTime time);
  void record_clock(LamportTime now);
  /// Nothing is recorded any more; what is alive is forgotten unless it shall be rejoined.
  void leave(bool rejoin_after_leave);
  /// Hands what was recorded to the store, or tries again to have a whole file there. Call it soon after something was
  /// recorded, and again half a second later as long as it says true: the store may turn out to be unhealthy.
  bool flush();

 private:
  void append(std::string line);
  void compact();
  std::size_t most() const;

  SnapshotState state_;
  std::size_t size_;
  SnapshotStore& store_;
  const base::Clock& clock_;
  base::log::Logger log_;
  std::string pending_{};
  bool leaving_ = false;
  base::MonotonicTime last_recovery_{};
};

}  // namespace proconsul::gossip::serf
