// The archive of `consul snapshot save`: a gzipped tar of meta.json, state.bin and SHA256SUMS.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "raft/snapshot_store.h"
#include "raft/stream.h"
#include "raft/types.h"

namespace proconsul::raft {

/// A file without a name, gone when it is closed: first written, then read as often as wanted.
class ScratchFile final : public ByteSink, public ByteSource {
 public:
  /// In $TMPDIR or /tmp when `directory` is empty.
  static base::Result<std::unique_ptr<ScratchFile>> create(const std::string& directory = {});
  ~ScratchFile() override;
  base::Result<> write(std::string_view bytes) override;
  base::Result<std::size_t> read(std::span<char> buffer) override;
  void rewind() { position_ = 0; }
  std::uint64_t size() const { return size_; }

 private:
  explicit ScratchFile(int file) : file_(file) {}
  int file_;
  std::uint64_t size_ = 0, position_ = 0;
};

/// Streams the archive of a stored snapshot. `unix_seconds` becomes the members' modification time. What reached the
/// sink is worthless if it fails: a damaged snapshot shows only at its end.
base::Result<> write_archive(SnapshotReader& snapshot, std::int64_t unix_seconds, ByteSink& out);

struct ArchiveLimits {
  std::uint64_t max_state_bytes = std::uint64_t{1} << 40;
};
/// Streams an archive's state into `state` and returns its meta. What reached the sink may be used only on success:
/// hashes stand at the end. Errors read as Consul's, with Errc::invalid_argument, or the sink's own.
base::Result<SnapshotMeta> read_archive(ByteSource& archive, ByteSink& state, ArchiveLimits limits = {});

/// For those who only want to know whether an archive is whole.
class NullSink final : public ByteSink {
 public:
  base::Result<> write(std::string_view) override { return {}; }
};

}  // namespace proconsul::raft
