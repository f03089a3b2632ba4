// RocksDB's write-ahead log in files whose end lies ahead of what is written: a synced record then changes neither the
// file's size nor its blocks, and the disk writes data alone, without the file system's journal.
#pragma once

#include <memory>

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace proconsul::raft {

/// `base` (null: RocksDB's default) but for new write-ahead logs: they are extended by zeros, which recovery reads as
/// the log's end. Must outlive the database; `base` must outlive it.
std::unique_ptr<rocksdb::Env> prepare_wals(rocksdb::Env* base);

}  // namespace proconsul::raft
