// Snapshots on disk: <directory>/<term>-<index>-<milliseconds>/{meta.json,state.bin}, complete or absent.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "raft/stream.h"
#include "raft/types.h"

namespace proconsul::raft {

class SnapshotStore;

/// A snapshot being written. Without commit() it leaves no trace.
class SnapshotWriter final : public ByteSink {
 public:
  ~SnapshotWriter() override;
  base::Result<> write(std::string_view bytes) override;
  /// Makes it durable and visible, then forgets the oldest ones. The meta with its id and size.
  base::Result<SnapshotMeta> commit();
  const SnapshotMeta& meta() const { return meta_; }

 private:
  friend class SnapshotStore;
  SnapshotWriter(SnapshotStore& store, SnapshotMeta meta) : store_(store), meta_(std::move(meta)) {}
  base::Result<> flush();
  base::Error failed(const char* what) const;

  SnapshotStore& store_;
  SnapshotMeta meta_;
  std::string temporary_;  // its directory until commit
  std::string buffer_;
  int file_ = -1;
  std::uint64_t crc_ = 0;
  std::uint64_t pushed_ = 0;  // bytes that the kernel was told to write
};

/// A stored snapshot's state. The checksum is verified as it is read, see ByteSource; size is known to be right.
class SnapshotReader final : public ByteSource {
 public:
  ~SnapshotReader() override;
  base::Result<std::size_t> read(std::span<char> buffer) override;
  const SnapshotMeta& meta() const { return meta_; }

 private:
  friend class SnapshotStore;
  SnapshotReader() = default;

  SnapshotMeta meta_;
  std::string path_;
  int file_ = -1;
  std::uint64_t expected_ = 0, crc_ = 0, seen_ = 0;
};

/// Any thread may call anything; a writer or reader is used by one thread at a time and needs the store alive.
class SnapshotStore {
 public:
  /// Creates the directory and removes what a crash left half-written.
  static base::Result<std::unique_ptr<SnapshotStore>> open(std::string directory, std::size_t retain = 2);

  /// Starts a snapshot; an empty id is chosen from term, index and the time.
  base::Result<std::unique_ptr<SnapshotWriter>> create(SnapshotMeta meta);
  /// Errc::corrupt, naming the snapshot, when its metadata is broken or its state has another size than promised.
  base::Result<std::unique_ptr<SnapshotReader>> read(const std::string& id) const;
  /// Reads all of it against its checksum.
  base::Result<> verify(const std::string& id) const;

  struct Listed {
    std::string id;
    LogIndex index;  // from the name: known even if the rest is broken
    Term term;
    base::Result<SnapshotMeta> meta;  // Errc::corrupt names what is wrong
  };
  /// Newest first. State files are not read, only measured.
  std::vector<Listed> list() const;
  const std::string& directory() const { return directory_; }

 private:
  friend class SnapshotWriter;
  SnapshotStore(std::string directory, std::size_t retain) : directory_(std::move(directory)), retain_(retain) {}
  void reap();

  std::string directory_;
  std::size_t retain_;
  mutable std::mutex changing_;  // commits and reaping, never I/O of state
  std::uint64_t last_milliseconds_ = 0;
};

}  // namespace proconsul::raft
