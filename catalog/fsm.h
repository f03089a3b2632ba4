// The replicated state machine: applies log entries to the store, in order. It reads no clock and draws no random
// number; every server that applies the same entries holds the same state.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "catalog/chunking.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

/// A committed command entry.
struct LogCommand {
  std::uint64_t index{};
  std::uint64_t term{};
  std::string_view data{};
  std::string_view extensions{};
};

/// The state at one moment: what a snapshot is written from while commands go on.
struct StateImage {
  ViewPtr view{};
  ChunkCollector chunks{};
};

/// One thread at a time.
class StateMachine {
 public:
  explicit StateMachine(Store& store) : store_(store) {}

  /// Applies one entry to the next version of the store; call commit() after one or several. An error is fatal: this
  /// server cannot follow the log any further and must stop, with this sentence for the operator.
  base::Result<ApplyResult> apply(const LogCommand& command);
  /// What the last command did in particular; valid until the next one.
  std::string_view operation() const { return store_.writer().operation(); }
  /// Publishes what was applied.
  Effects commit() { return store_.commit(); }

  StateImage image() const { return {store_.view(), chunks_}; }
  /// Takes over a state that was read from a snapshot.
  void replace(Tables tables, ChunkCollector chunks, std::uint64_t applied_index);

 private:
  base::Result<ApplyResult> apply_whole(std::uint64_t index, std::string_view data);

  Store& store_;
  ChunkCollector chunks_{};
};

}  // namespace proconsul::catalog
