// state.bin: the whole replicated state as a stream of records, as fsm.md of the wire reference (section 2) lays it
// out. Written from an image while commands go on; read into fresh tables. Neither holds more than one record in
// memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/fsm.h"
#include "catalog/types/snapshot_loss.h"

namespace proconsul::catalog {

/// Takes the next bytes of the stream.
using WriteBytes = std::function<base::Result<>(std::string_view bytes)>;
/// Fills the buffer with up to its size; 0 only at the end.
using ReadBytes = std::function<base::Result<std::size_t>(std::span<char> buffer)>;

/// Stops at the first error of `write`.
base::Result<> write_snapshot(const StateImage& image, const WriteBytes& write);

/// What a snapshot holds.
struct RestoredState {
  Tables tables{};
  ChunkCollector chunks{};
  std::uint64_t last_index{};  // of the tables, as the header says
};
/// Records may come in any order. Errc::corrupt for what is cut off, cannot be read, or is of an unknown type; nothing
/// is half restored.
base::Result<RestoredState> read_snapshot(const ReadBytes& read);

/// What of a snapshot read_snapshot() would refuse.
struct SnapshotCheck {
  std::vector<SnapshotLoss> losses{};  // what an operator must know: records that go, and fields of those that stay
  struct Range {
    std::uint64_t offset{}, size{};
  };
  std::vector<Range> left_out{};  // where the records lie that go, ascending
};
/// Finds single records of unknown types, that cannot be read, or belong to a namespace or partition: restored where
/// there are none, they would get among what others own. Records of access control with fields that are not known go,
/// too: without them they might allow more. Errc::corrupt if it is no snapshot, or is cut off.
base::Result<SnapshotCheck> check_snapshot(const ReadBytes& read);
/// Copies a stream without some of its bytes.
base::Result<> copy_without(std::span<const SnapshotCheck::Range> left_out, const ReadBytes& read,
                            const WriteBytes& write);

}  // namespace proconsul::catalog
