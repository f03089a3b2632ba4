// What raft replicates: the state machine above it.
#pragma once

#include <any>
#include <memory>
#include <span>

#include "base/result.h"
#include "raft/stream.h"
#include "raft/types.h"

namespace proconsul::raft {

/// One committed command, and what became of it.
struct Applied {
  const Entry* entry{};
  bool wanted{};        // somebody here waits for the response
  std::any response{};  // the FSM's own; a pointer's worth of it costs no allocation
};

/// A state as it was at one moment; holds what it needs while the FSM goes on.
class FsmSnapshot {
 public:
  virtual ~FsmSnapshot() = default;
  /// On a background thread.
  virtual base::Result<> write(ByteSink& sink) = 0;
};

/// One call at a time, in log order, though not always on the same thread.
class Fsm {
 public:
  virtual ~Fsm() = default;
  /// Consecutive commands; visible to readers when it returns. Must depend on nothing but the entries.
  virtual void apply(std::span<Applied> batch) = 0;
  /// Quick: other commands wait for it.
  virtual std::unique_ptr<FsmSnapshot> snapshot() = 0;
  /// Replaces the whole state, or changes nothing and says why: the source may turn out to be corrupt at its very end.
  virtual base::Result<> restore(ByteSource& source) = 0;
};

}  // namespace proconsul::raft
