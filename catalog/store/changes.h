// What changed lately, in order: a bounded memory of the last commands, for streams that follow the state from an index
// on and miss nothing.
//
// The FSM thread captures each command's changes when the command is over (so that several commands published by one
// commit are all there), as references to the new rows; encoding them is left to the readers. When the memory is full
// the oldest go, and a reader behind them is told so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/ref.h"
#include "base/watch.h"
#include "catalog/registry/rows.h"
#include "catalog/store/kv_row.h"

namespace proconsul::catalog {

struct Tables;

/// One thing that a command changed. Of imported services and nodes there are none.
struct Change {
  enum class Kind : std::uint8_t {
    kv,         // a key: `kv` is its row, null if it was deleted
    kv_tree,    // all keys below `key` were deleted
    node,       // `node`
    instance,   // a service instance was registered, changed or deregistered: `service`, `node`, `checks`
    health,     // only what a service instance's health depends on: the same
    connect,    // `service` is no longer found in the mesh under the name in `key`; always removed
    kind_name,  // the first instance of its kind got the name of a service, or the last one went: only `key`
  };
  Kind kind{};
  bool removed = false;    // then the rows are the last ones that there were
  std::uint64_t index{};   // the command's
  std::uint32_t number{};  // from 1 on, within the command
  std::string key{};       // of the KV store; else the index key of the table: of `instances`, `nodes`, ... (tables.h)
  base::Ref<const KvRow> kv{};
  base::Ref<const NodeRow> node{};
  base::Ref<const ServiceRow> service{};
  std::vector<base::Ref<const CheckRow>> checks{};  // of the node, then of the instance

  /// About what it keeps in memory.
  std::size_t bytes() const;
};

/// Appends what the items [first, end) of `touched` mean after the command `index`. Removed things still lack their
/// last rows: see complete_removals().
void capture_changes(const Tables& tables, const base::KeySet& touched, std::size_t first, std::uint64_t index,
                     std::vector<Change>& changes);
/// Looks for the last rows of what was removed among the changes themselves, then in the version before them all; what
/// never was there is dropped.
void complete_removals(const Tables& before, std::vector<Change>& changes);

/// Any number of readers, one writer.
class ChangeLog {
 public:
  /// Where a reader is: behind this change. By itself an index means all of its changes.
  struct Position {
    std::uint64_t index{};
    std::uint32_t number = std::numeric_limits<std::uint32_t>::max();
    auto operator<=>(const Position&) const = default;
  };
  explicit ChangeLog(std::size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // The FSM thread.
  /// All changes up to and including the command `last_index`, in order.
  void append(std::vector<Change> changes, std::uint64_t last_index);
  /// Another state in place of this one.
  void restart(std::uint64_t index);

  // Any thread.
  /// False: changes behind the position are forgotten already. Else calls visit(change) for some of those that are
  /// there and moves the position; stops behind a change for which it returns false. All are read when the position is
  /// at last_index().
  template <class Visit>
  bool read(Position& position, Visit visit) const {
    std::vector<std::shared_ptr<const Batch>> batches;
    std::uint64_t last = 0;
    if (!select(position, batches, last)) return false;
    for (const auto& batch : batches) {
      for (const Change& change : batch->changes) {
        const Position at{change.index, change.number};
        if (at <= position) continue;
        position = at;
        if (!visit(change)) return true;
      }
    }
    position = std::max(position, Position{last});
    return true;
  }
  /// The last command that was appended, and the last of the append before: 0 after a restart, which concerns every
  /// reader.
  std::uint64_t last_index() const;
  std::uint64_t index_before_last_append() const;
  /// Readers may begin here: nothing behind it is forgotten.
  std::uint64_t oldest() const;

  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;

 private:
  struct Batch {
    std::vector<Change> changes{};
    std::uint64_t last_index{};
    std::size_t bytes{};
  };
  bool select(const Position& position, std::vector<std::shared_ptr<const Batch>>& batches, std::uint64_t& last) const;

  const std::size_t max_bytes_;
  mutable std::mutex mutex_{};  // guards what follows
  std::deque<std::shared_ptr<const Batch>> batches_{};
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t before_last_ = 0;
  std::uint64_t oldest_ = 0;
};

}  // namespace proconsul::catalog
