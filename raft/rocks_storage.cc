#include "raft/rocks_storage.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <filesystem>

#include "raft/ack_mark.h"
#include "raft/entry_record.h"
#include "raft/prepared_wal.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// The distribution's RocksDB is not instrumented: the order that its own locks make is not seen.
extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb\nrace:rocksdb::\nmutex:rocksdb::\n";
}
#endif
#endif

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;

// They sort before all entries (whose keys begin with 1).
const rocksdb::Slice kHardStateKey("\0hard", 5);
const rocksdb::Slice kFloorKey("\0floor", 6);

// RocksDB's chatter goes nowhere; what matters comes back as a status.
class SilentLogger final : public rocksdb::Logger {
 public:
  SilentLogger() : Logger(rocksdb::InfoLogLevel::HEADER_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options make_options(const RocksStorageOptions& ours, rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.info_log = std::make_shared<SilentLogger>();
  // After a crash: everything up to the first hole. Whether the hole swallowed acknowledged writes is for AckMark to
  // say.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = ours.write_buffer_bytes;
  options.arena_block_size = 64u << 10;
  options.max_write_buffer_number = 2;
  options.target_file_size_base = 4 * ours.write_buffer_bytes;
  options.max_bytes_for_level_base = 16 * ours.write_buffer_bytes;
  options.max_background_jobs = 2;
  options.max_open_files = 64;
  options.max_file_opening_threads = 1;
  options.max_bgerror_resume_count = 0;  // write() brings it back, on the log thread, with no thread of RocksDB's own
  // Nothing may run on an idle server.
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.delete_obsolete_files_period_micros = 0;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;  // the core keeps the recent entries; the rest is read once, in order
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::Slice slice_of(const std::string& bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view view_of(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

std::string encode_floor(LogIndex floor) {
  Entry entry;
  entry.index = floor;
  std::string record;
  encode_entry(entry, record);  // an entry's record is as good as any: checksummed over the index
  return std::to_string(floor.value) + ":" + record;
}
Result<LogIndex> decode_floor(std::string_view record) {
  std::uint64_t value = 0;
  std::size_t at = 0;
  for (; at < record.size() && at < 20 && record[at] >= '0' && record[at] <= '9'; ++at)
    value = value * 10 + (record[at] - '0');
  if (at == record.size() || record[at] != ':') return {Errc::corrupt, "record is malformed"};
  if (Result<Term> checked = check_entry({value}, record.substr(at + 1)); !checked) return checked.error();
  return LogIndex{value};
}

Error error_of(const std::string& directory, const rocksdb::Status& status) {
  const Errc code = status.IsCorruption() ? Errc::corrupt : Errc::unavailable;
  return {code, "raft log in " + directory + ": " + status.ToString()};
}

}  // namespace

RocksStorage::RocksStorage(RocksStorageOptions options)
    : options_(std::move(options)), env_(prepare_wals(options_.env)) {}

RocksStorage::~RocksStorage() {
  if (database_) database_->Close();  // the WAL is synced after every write: nothing is lost if this fails
}

Error RocksStorage::corrupt(LogIndex index, const std::string& what) const {
  return {Errc::corrupt, "raft log entry " + std::to_string(index.value) + " in " + options_.directory + ": " + what};
}

Result<std::unique_ptr<RocksStorage>> RocksStorage::open(RocksStorageOptions options) {
  std::error_code failed;
  std::filesystem::create_directories(options.directory, failed);
  if (failed) return {Errc::unavailable, options.directory + ": " + failed.message()};
  std::unique_ptr<RocksStorage> storage(new RocksStorage(std::move(options)));
  Result<std::unique_ptr<AckMark>> mark = AckMark::open(storage->options_.directory + "/ACKNOWLEDGED");
  if (!mark) return mark.error();
  storage->acknowledged_ = std::move(*mark);
  const AckMark::Value marked = storage->acknowledged_->value();
  if (Result<> verified = storage->verify(marked.sequence, marked.last); !verified) return verified.error();
  storage->database_.reset();
  if (Result<> opened = storage->open_database(); !opened) return opened.error();
  return storage;
}

Result<std::unique_ptr<RocksStorage>> RocksStorage::open_to_read(RocksStorageOptions options) {
  std::unique_ptr<RocksStorage> storage(new RocksStorage(std::move(options)));
  const std::string& directory = storage->options_.directory;
  Result<AckMark::Value> marked = AckMark::read(directory + "/ACKNOWLEDGED");
  if (!marked) return marked.error();
  if (Result<> verified = storage->verify(marked->sequence, marked->last); !verified) return verified.error();
  if (!storage->database_) return {Errc::not_found, "there is no raft log in " + directory};
  return storage;
}

// Looks without changing anything: a real open would already throw away what follows a hole in the WAL. The database
// stays open for reading.
Result<> RocksStorage::verify(std::uint64_t acknowledged, LogIndex acknowledged_last) {
  if (!std::filesystem::exists(options_.directory + "/CURRENT")) {
    if (acknowledged == 0) return {};
    return {Errc::corrupt, "raft log in " + options_.directory + ": the file CURRENT is missing"};
  }
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(make_options(options_, env_.get()), options_.directory, &raw);
  if (!status.ok()) return error_of(options_.directory, status);
  database_.reset(raw);
  if (Result<> scanned = scan(*database_); !scanned) return scanned;
  if (database_->GetLatestSequenceNumber() < acknowledged) {
    return corrupt(last_ + 1, "checksum mismatch or cut off; what was acknowledged reached entry " +
                                  std::to_string(acknowledged_last.value) + " and cannot be read");
  }
  return {};
}

Result<> RocksStorage::open_database() {
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(make_options(options_, env_.get()), options_.directory, &raw);
  if (!status.ok()) return error_of(options_.directory, status);
  database_.reset(raw);
  acknowledged_->set({database_->GetLatestSequenceNumber(), last_});
  return {};
}

// Reads everything once: hard state, floor, and the checksum and place of each entry.
Result<> RocksStorage::scan(rocksdb::DB& database) {
  first_ = last_ = floor_ = {};
  hard_state_ = {};
  std::string record;
  rocksdb::Status status = database.Get({}, kHardStateKey, &record);
  if (status.ok()) {
    Result<HardState> state = decode_hard_state(record);
    if (!state) return {Errc::corrupt, "raft term and vote in " + options_.directory + ": " + state.error().detail};
    hard_state_ = std::move(*state);
  } else if (!status.IsNotFound()) {
    return error_of(options_.directory, status);
  }
  status = database.Get({}, kFloorKey, &record);
  if (status.ok()) {
    Result<LogIndex> floor = decode_floor(record);
    if (!floor)
      return {Errc::corrupt, "first index of the raft log in " + options_.directory + ": " + floor.error().detail};
    floor_ = *floor;
  } else if (!status.IsNotFound()) {
    return error_of(options_.directory, status);
  }

  rocksdb::ReadOptions reading;
  reading.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(reading));
  Term term;
  for (at->Seek(entry_key(floor_)); at->Valid(); at->Next()) {
    const LogIndex index = index_of_key(view_of(at->key()));
    if (index.value == 0) return {Errc::corrupt, "raft log in " + options_.directory + ": unknown key"};
    if (last_.value == 0) {
      if (floor_.value != 0 && index != floor_) return corrupt(floor_, "missing");
      first_ = index;
    } else if (index != last_ + 1) {
      return corrupt(last_ + 1, "missing");
    }
    Result<Term> checked = check_entry(index, view_of(at->value()));
    if (!checked) return corrupt(index, checked.error().detail);
    if (*checked < term) return corrupt(index, "its term is older than the entry's before");
    term = *checked;
    last_ = index;
  }
  if (!at->status().ok()) {
    const LogIndex next = last_.value != 0 ? last_ + 1 : std::max(floor_, LogIndex{1});
    return corrupt(next, at->status().ToString());
  }
  return {};
}

Result<> RocksStorage::commit(void* batch) {
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const rocksdb::Status status = database_->Write(durable, static_cast<rocksdb::WriteBatch*>(batch));
  if (!status.ok()) {
    healthy_ = false;
    return error_of(options_.directory, status);
  }
  healthy_ = true;
  return {};
}

// After a failed write RocksDB refuses all others until told that the disk is well again.
Result<> RocksStorage::recover() {
  const LogIndex last = last_;
  if (database_) {
    // Writes the memory table to a new file: it fails as long as the disk does, and leaves the torn WAL behind for
    // good.
    if (database_->Resume().ok()) return {};
    database_->Close();
    database_.reset();
  }
  Result<> opened = open_database();
  if (opened) opened = scan(*database_);
  if (!opened) {
    database_.reset();
    return opened;
  }
  // A batch that failed to sync may have reached the file nevertheless. Its writer was told that it did not.
  if (last_ > last) {
    rocksdb::WriteBatch batch;
    const LogIndex from = std::max(last + 1, first_);
    batch.DeleteRange(entry_key(from), entry_key(last_ + 1));
    if (Result<> removed = commit(&batch); !removed) return removed;
    last_ = from - 1;
    if (last_ < first_) first_ = last_ = {};
  }
  return {};
}

Result<> RocksStorage::write(const StorageWrite& write) {
  if (!healthy_ || !database_) {
    if (Result<> recovered = recover(); !recovered) return recovered;
  }
  LogIndex first = first_, last = last_, floor = floor_;
  rocksdb::WriteBatch batch;
  if (write.truncate_from && last.value != 0 && *write.truncate_from <= last) {
    const LogIndex from = std::max(*write.truncate_from, first);
    // A range tombstone slows reads down until it is compacted; few entries are cheaper one by one.
    if (last.value - from.value < 64) {
      for (LogIndex index = from; index <= last; index = index + 1) batch.Delete(entry_key(index));
    } else {
      batch.DeleteRange(entry_key(from), entry_key(last + 1));
    }
    last = from - 1;
    if (last < first) first = last = {};
  }
  for (const EntryPtr& entry : write.entries) {
    if (last.value != 0 && entry->index != last + 1) {
      return {Errc::internal, "raft log: entry " + std::to_string(entry->index.value) + " does not follow " +
                                  std::to_string(last.value)};
    }
    if (last.value == 0) {
      first = entry->index;
      if (floor.value != 0 && first != floor) {
        floor = first;
        batch.Put(kFloorKey, encode_floor(floor));
      }
    }
    last = entry->index;
    scratch_.clear();
    encode_entry(*entry, scratch_);
    batch.Put(entry_key(entry->index), slice_of(scratch_));
  }
  if (write.hard_state) batch.Put(kHardStateKey, encode_hard_state(*write.hard_state));
  if (batch.Count() == 0) return {};
  if (Result<> written = commit(&batch); !written) return written;
  first_ = first;
  last_ = last;
  floor_ = floor;
  if (write.hard_state) hard_state_ = *write.hard_state;
  acknowledged_->set({database_->GetLatestSequenceNumber(), last_});
  if (scratch_.capacity() > (256u << 10)) scratch_ = {};
  return {};
}

Result<std::vector<EntryPtr>> RocksStorage::read(LogIndex first, LogIndex last, std::size_t max_bytes) {
  if (first_.value == 0 || first < first_ || first > last_ || last < first) {
    return {Errc::not_found,
            "raft log has no entries " + std::to_string(first.value) + ".." + std::to_string(last.value)};
  }
  if (!database_) return {Errc::unavailable, "raft log in " + options_.directory + " waits for its disk"};
  last = std::min(last, last_);
  std::vector<EntryPtr> entries;
  std::size_t bytes = 0;
  const std::string upper = entry_key(last + 1);
  const rocksdb::Slice bound(upper);
  rocksdb::ReadOptions reading;
  reading.iterate_upper_bound = &bound;
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(reading));
  LogIndex expected = first;
  for (at->Seek(entry_key(first)); at->Valid(); at->Next(), expected = expected + 1) {
    if (index_of_key(view_of(at->key())) != expected) return corrupt(expected, "missing");
    bytes += at->value().size();
    if (!entries.empty() && bytes > max_bytes) return entries;
    Result<EntryPtr> entry = decode_entry(expected, view_of(at->value()));
    if (!entry) return corrupt(expected, entry.error().detail);
    entries.push_back(std::move(*entry));
  }
  if (!at->status().ok()) return corrupt(expected, at->status().ToString());
  if (expected <= last) return corrupt(expected, "missing");
  return entries;
}

Result<> RocksStorage::compact(LogIndex up_to) {
  if (up_to < floor_ || up_to.value == 0 || (last_.value == 0 && floor_.value == 0)) return {};
  if (last_.value != 0 && up_to < first_) return {};
  if (!healthy_ || !database_) {
    if (Result<> recovered = recover(); !recovered) return recovered;
  }
  const LogIndex begin = first_;
  const LogIndex end = std::min(up_to, last_);
  rocksdb::WriteBatch batch;
  batch.Put(kFloorKey, encode_floor(up_to + 1));
  if (begin.value != 0) batch.DeleteRange(entry_key(begin), entry_key(end + 1));
  // Synced like every write: then only the very last record of the WAL can ever be torn.
  if (Result<> written = commit(&batch); !written) return written;
  floor_ = up_to + 1;
  first_ = floor_;
  if (last_ < floor_) first_ = last_ = {};
  acknowledged_->set({database_->GetLatestSequenceNumber(), last_});
  if (begin.value != 0) {
    // Whole files of forgotten entries go at once, without a compaction that would read them.
    const std::string from = entry_key(begin), to = entry_key(end);
    const rocksdb::Slice lower(from), upper(to);
    (void)rocksdb::DeleteFilesInRange(database_.get(), database_->DefaultColumnFamily(), &lower, &upper);
  }
  return {};
}

std::uint64_t RocksStorage::disk_bytes() const {
  std::uint64_t total = 0;
  std::error_code failed;
  for (const auto& file : std::filesystem::directory_iterator(options_.directory, failed)) {
    struct stat status{};
    if (::stat(file.path().c_str(), &status) == 0) total += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return total;
}

}  // namespace proconsul::raft
