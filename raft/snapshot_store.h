// Snapshots on disk: <directory>/<term>-<index>-<milliseconds>/{meta.json,state.bin}, complete or absent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "raft/stream.h"
#include "raft/types.h"

namespace proconsul::raft {

/// A snapshot being written. Without commit() it leaves no trace. One thread at a time; the store must outlive it.
class SnapshotWriter : public ByteSink {
 public:
  /// Makes it durable and visible, then forgets the oldest ones. The meta with its id and size.
  virtual base::Result<SnapshotMeta> commit() = 0;
};

/// A stored snapshot's state, readable even after the store forgot it. The checksum is verified as it is read, see
/// ByteSource; the size is known to be right.
class SnapshotReader : public ByteSource {
 public:
  virtual const SnapshotMeta& meta() const = 0;
};

/// Any thread may call anything.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  /// On disk. Creates the directory and removes what a crash left half-written.
  static base::Result<std::unique_ptr<SnapshotStore>> open(std::string directory, std::size_t retain = 2);
  /// On disk, for who only looks: creates and removes nothing.
  static std::unique_ptr<SnapshotStore> to_read(std::string directory);
  /// In memory, for agents without a data directory; keeps the newest one only.
  static std::unique_ptr<SnapshotStore> in_memory();

  /// Starts a snapshot; an empty id is chosen from term, index and the time.
  virtual base::Result<std::unique_ptr<SnapshotWriter>> create(SnapshotMeta meta) = 0;
  /// Errc::corrupt, naming the snapshot, when its metadata is broken or its state has another size than promised.
  virtual base::Result<std::unique_ptr<SnapshotReader>> read(const std::string& id) const = 0;

  struct Listed {
    std::string id;
    LogIndex index;  // from the name: known even if the rest is broken
    Term term;
    base::Result<SnapshotMeta> meta;  // Errc::corrupt names what is wrong
  };
  /// Newest first. State files are not read, only measured.
  virtual std::vector<Listed> list() const = 0;

  /// Reads all of it against its checksum.
  base::Result<> verify(const std::string& id) const;
};

/// "<term>-<index>-<milliseconds>", never the same twice in one process.
std::string new_snapshot_id(Term term, LogIndex index);

}  // namespace proconsul::raft
