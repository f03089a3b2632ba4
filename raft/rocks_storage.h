// Log and stable store in one RocksDB. One write() is one batch and one fdatasync.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "raft/storage.h"

namespace rocksdb {
class DB;
class Env;
}  // namespace rocksdb

namespace proconsul::raft {

class AckMark;

struct RocksStorageOptions {
  std::string directory{};                    // created if missing, its parent too
  std::size_t write_buffer_bytes = 2u << 20;  // memory for entries not yet in a table file; also the size of one WAL
  rocksdb::Env* env{};                        // tests only: a disk that fails
};

/// What is verified at open: every entry's checksum, that none is missing, and that nothing which was ever acknowledged
/// is gone. A write torn by a crash before its acknowledgement is dropped silently; anything else wrong is
/// Errc::corrupt that names directory and entry, and leaves the files as they are.
class RocksStorage final : public Storage {
 public:
  static base::Result<std::unique_ptr<RocksStorage>> open(RocksStorageOptions options);
  /// Verifies as open() does, and changes nothing on disk; what writes fails. Errc::not_found if there is no log.
  static base::Result<std::unique_ptr<RocksStorage>> open_to_read(RocksStorageOptions options);
  ~RocksStorage() override;

  LogIndex first_index() const override { return first_; }
  LogIndex last_index() const override { return last_; }
  HardState hard_state() const override { return hard_state_; }
  /// After a failure (full disk) each call first tries to get the database going again, so it recovers by itself.
  base::Result<> write(const StorageWrite& write) override;
  base::Result<std::vector<EntryPtr>> read(LogIndex first, LogIndex last, std::size_t max_bytes) override;
  base::Result<> compact(LogIndex up_to) override;

  /// False from a failed write until the next write that succeeds.
  bool healthy() const { return healthy_; }
  /// Bytes of all files of the log.
  std::uint64_t disk_bytes() const;

 private:
  explicit RocksStorage(RocksStorageOptions options);
  base::Result<> verify(std::uint64_t acknowledged, LogIndex acknowledged_last);
  base::Result<> open_database();
  base::Result<> scan(rocksdb::DB& database);
  base::Result<> recover();
  base::Result<> commit(void* batch);
  base::Error corrupt(LogIndex index, const std::string& what) const;

  RocksStorageOptions options_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> database_;
  std::unique_ptr<AckMark> acknowledged_;
  std::string scratch_;
  HardState hard_state_;
  LogIndex first_, last_;
  LogIndex floor_;  // entries below it are compacted away, even if some of their bytes are still on disk
  bool healthy_ = true;
};

}  // namespace proconsul::raft
