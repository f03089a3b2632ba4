#include "raft/rocks_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <fstream>
#include <map>
#include <random>

#include "raft/checksum.h"
#include "raft/entry_record.h"
#include "raft/temporary_directory.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Result;
using testing::HasSubstr;

EntryPtr make_entry(std::uint64_t index, std::uint64_t term, std::string data) {
  auto entry = std::make_shared<Entry>();
  entry->index = {index};
  entry->term = {term};
  entry->data = std::move(data);
  return entry;
}
StorageWrite entries(std::uint64_t first, std::uint64_t count, std::uint64_t term = 1,
                     const std::string& data = "some data") {
  StorageWrite write;
  for (std::uint64_t i = 0; i < count; ++i) {
    write.entries.push_back(make_entry(first + i, term, data + std::to_string(first + i)));
  }
  return write;
}
std::unique_ptr<RocksStorage> open(const std::string& directory, rocksdb::Env* env = nullptr) {
  Result<std::unique_ptr<RocksStorage>> storage = RocksStorage::open({.directory = directory, .env = env});
  EXPECT_TRUE(storage) << storage.error().detail;
  return storage ? std::move(*storage) : nullptr;
}
std::string refusal(const std::string& directory) {
  Result<std::unique_ptr<RocksStorage>> storage = RocksStorage::open({.directory = directory});
  if (storage) return "opened with last index " + std::to_string((*storage)->last_index().value);
  EXPECT_EQ(storage.error().code, Errc::corrupt);
  return storage.error().detail;
}
std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
std::string only_file(const std::string& directory, const std::string& suffix) {
  std::string found;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    const std::string name = file.path().string();
    if (name.ends_with(suffix) &&
        (found.empty() || std::filesystem::file_size(name) > std::filesystem::file_size(found))) {
      found = name;
    }
  }
  EXPECT_FALSE(found.empty()) << suffix;
  return found;
}
/// Where the records of a write-ahead log end: zeros follow.
std::size_t end_of_records(const std::string& wal) {
  return wal.find_last_not_of('\0') + 1;
}
/// The directory as a kill -9 at this moment would leave it: RocksDB's close tidies up, a copy of the open files does
/// not.
void copy_as_killed(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

TEST(Checksum, AgreesWithTheKnownAnswers) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
  EXPECT_EQ(crc64_ecma("123456789"), 0x995dc9bbdf1939faull);
  EXPECT_EQ(crc64_ecma("3456789", crc64_ecma("12")), 0x995dc9bbdf1939faull);
}

TEST(EntryRecord, KeepsEveryFieldByteForByte) {
  Entry entry;
  entry.index = {77};
  entry.term = {9};
  entry.type = EntryType::configuration;
  entry.data = std::string("\0\xff data", 7);
  entry.extensions = std::string("\x03\xa5\0", 3);
  entry.appended_at = {63'000'000'000, 123'456'789, 60};
  std::string record;
  encode_entry(entry, record);

  Result<EntryPtr> back = decode_entry({77}, record);

  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ((*back)->term, entry.term);
  EXPECT_EQ((*back)->type, entry.type);
  EXPECT_EQ((*back)->data, entry.data);
  EXPECT_EQ((*back)->extensions, entry.extensions);
  EXPECT_EQ((*back)->appended_at, entry.appended_at);
  EXPECT_EQ((*back)->appended_at.zone_minutes, 60);
}

TEST(EntryRecord, EveryFlippedBitAndEveryWrongPlaceIsNoticed) {
  std::string record;
  encode_entry(*make_entry(5, 2, "payload"), record);

  EXPECT_FALSE(decode_entry({6}, record));
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string broken = record;
    broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_entry({5}, broken)) << bit;
  }
  for (std::size_t size = 0; size < record.size(); ++size) EXPECT_FALSE(decode_entry({5}, record.substr(0, size)));
}

TEST(RocksStorage, KeepsEntriesAndHardStateAcrossReopening) {
  TemporaryDirectory directory;
  auto storage = open(directory / "log");
  EXPECT_EQ(storage->first_index().value, 0u);
  StorageWrite write = entries(1, 3);
  write.hard_state = HardState{{7}, {6}, "127.0.0.1:8300"};
  ASSERT_TRUE(storage->write(write));

  storage.reset();
  storage = open(directory / "log");

  EXPECT_EQ(storage->first_index().value, 1u);
  EXPECT_EQ(storage->last_index().value, 3u);
  EXPECT_EQ(storage->hard_state(), (HardState{{7}, {6}, "127.0.0.1:8300"}));
  Result<std::vector<EntryPtr>> read = storage->read({1}, {3}, 1 << 20);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ((*read)[2]->data, "some data3");
}

TEST(RocksStorage, ReadsAtLeastOneEntryAndStopsAtTheByteLimit) {
  TemporaryDirectory directory;
  auto storage = open(directory / "log");
  ASSERT_TRUE(storage->write(entries(1, 10, 1, std::string(1000, 'x'))));

  EXPECT_EQ(storage->read({1}, {10}, 1)->size(), 1u);
  EXPECT_EQ(storage->read({1}, {10}, 3500)->size(), 3u);
  EXPECT_EQ(storage->read({4}, {99}, 1 << 20)->size(), 7u);
  EXPECT_EQ(storage->read({11}, {12}, 1 << 20).error().code, Errc::not_found);
}

TEST(RocksStorage, AgreesWithAModelOverRandomAppendsTruncationsCompactionsAndReopenings) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  TemporaryDirectory directory;
  RocksStorageOptions options{.directory = directory / "log", .write_buffer_bytes = 64u << 10};
  auto storage = std::move(*RocksStorage::open(options));
  std::map<std::uint64_t, EntryPtr> model;
  HardState state;
  std::uint64_t next = 1, term = 1;

  for (int step = 0; step < 400; ++step) {
    const unsigned dice = random() % 100;
    if (dice < 70) {
      StorageWrite write;
      if (dice < 20 && !model.empty()) {
        std::uint64_t from = model.begin()->first + random() % (model.size() + 1);
        write.truncate_from = LogIndex{from};
        model.erase(model.lower_bound(from), model.end());
        next = model.empty() ? from : model.rbegin()->first + 1;
        ++term;
      }
      for (std::uint64_t count = random() % 20; count > 0; --count) {
        write.entries.push_back(make_entry(next, term, std::string(random() % 500, static_cast<char>(random()))));
        model[next++] = write.entries.back();
      }
      if (dice % 5 == 0) write.hard_state = state = {{term}, {term}, "server " + std::to_string(random() % 3)};
      ASSERT_TRUE(storage->write(write));
    } else if (dice < 80 && !model.empty()) {
      const std::uint64_t up_to = model.begin()->first + random() % model.size();
      ASSERT_TRUE(storage->compact({up_to}));
      model.erase(model.begin(), model.upper_bound(up_to));
    } else if (dice < 85) {
      storage.reset();
      Result<std::unique_ptr<RocksStorage>> reopened = RocksStorage::open(options);
      ASSERT_TRUE(reopened) << reopened.error().detail;
      storage = std::move(*reopened);
    }
    ASSERT_EQ(storage->first_index().value, model.empty() ? 0 : model.begin()->first);
    ASSERT_EQ(storage->last_index().value, model.empty() ? 0 : model.rbegin()->first);
    ASSERT_EQ(storage->hard_state(), state);
    if (step % 10 == 0 && !model.empty()) {
      Result<std::vector<EntryPtr>> all =
          storage->read(storage->first_index(), storage->last_index(), std::size_t(1) << 30);
      ASSERT_TRUE(all) << all.error().detail;
      ASSERT_EQ(all->size(), model.size());
      for (const EntryPtr& entry : *all) {
        ASSERT_EQ(entry->data, model[entry->index.value]->data);
        ASSERT_EQ(entry->term, model[entry->index.value]->term);
      }
    }
  }
}

TEST(RocksStorage, ALogThatWasCompactedAwayGoesOnAtAnyIndex) {
  TemporaryDirectory directory;
  auto storage = open(directory / "log");
  ASSERT_TRUE(storage->write(entries(1, 5)));

  ASSERT_TRUE(storage->compact({1000}));
  EXPECT_EQ(storage->last_index().value, 0u);
  ASSERT_TRUE(storage->write(entries(1001, 2)));
  storage.reset();
  storage = open(directory / "log");

  EXPECT_EQ(storage->first_index().value, 1001u);
  EXPECT_EQ(storage->last_index().value, 1002u);
}

TEST(RocksStorage, TheDiskStaysBoundedWhenOldEntriesAreCompactedAway) {
  TemporaryDirectory directory;
  auto storage = std::move(*RocksStorage::open({.directory = directory / "log", .write_buffer_bytes = 256u << 10}));
  std::uint64_t largest = 0;

  for (std::uint64_t next = 1; next < 60'000; next += 500) {  // some 30 MB in all, 1 MB of it needed at any time
    ASSERT_TRUE(storage->write(entries(next, 500, 1, std::string(512, 'x'))));
    if (next > 2000) ASSERT_TRUE(storage->compact({next - 2000}));
    largest = std::max(largest, storage->disk_bytes());
  }

  EXPECT_LT(largest, 16u << 20);
}

TEST(RocksStorage, EveryFlippedByteInTheWalOfAcknowledgedEntriesIsANamedRefusal) {
  TemporaryDirectory directory;
  auto storage = open(directory / "log");
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(storage->write(entries(i, 1)));
  copy_as_killed(directory / "log", directory / "killed");
  storage.reset();
  const std::string wal = only_file(directory / "killed", ".log").substr((directory / "killed").size());
  const std::string bytes = read_file((directory / "killed") + wal);

  for (std::size_t at = 0; at < end_of_records(bytes); at += 13) {
    copy_as_killed(directory / "killed", directory / "broken");
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ 0x40);
    write_file((directory / "broken") + wal, broken);

    const std::string error = refusal(directory / "broken");

    ASSERT_THAT(error, HasSubstr("raft log entry ")) << at;
    ASSERT_THAT(error, HasSubstr(directory / "broken")) << at;
    ASSERT_EQ(refusal(directory / "broken"), error) << "the second look must find the same";
    ASSERT_EQ(read_file((directory / "broken") + wal), broken) << "the evidence must stay";
  }
}

TEST(RocksStorage, ATruncatedWalOfAcknowledgedEntriesIsANamedRefusal) {
  TemporaryDirectory directory;
  auto storage = open(directory / "log");
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(storage->write(entries(i, 1)));
  copy_as_killed(directory / "log", directory / "killed");
  storage.reset();
  const std::string wal = only_file(directory / "killed", ".log");
  const std::size_t record = end_of_records(read_file(wal)) / 20;

  std::filesystem::resize_file(wal, record * 5);

  EXPECT_THAT(refusal(directory / "killed"), HasSubstr("raft log entry 6 in "));
  std::filesystem::resize_file(wal, 0);
  EXPECT_THAT(refusal(directory / "killed"), HasSubstr("raft log entry 1 in "));
}

TEST(RocksStorage, AWriteTornBeforeItsAcknowledgementIsDropped) {
  TemporaryDirectory directory;
  auto storage = open(directory / "log");
  ASSERT_TRUE(storage->write(entries(1, 5)));
  copy_as_killed(directory / "log", directory / "before");
  const std::size_t size = end_of_records(read_file(only_file(directory / "before", ".log")));
  ASSERT_TRUE(storage->write(entries(6, 3, 1, std::string(100, 'y'))));
  copy_as_killed(directory / "log", directory / "after");
  storage.reset();
  const std::string mark = read_file((directory / "before") + "/ACKNOWLEDGED");

  const std::string whole = read_file(only_file(directory / "after", ".log"));
  for (std::size_t torn = size; torn < end_of_records(whole); torn += 17) {
    for (const bool zeros : {false, true}) {
      copy_as_killed(directory / "after", directory / "torn");
      write_file((directory / "torn") + "/ACKNOWLEDGED", mark);
      std::string bytes = whole.substr(0, torn);
      if (zeros) bytes.resize(whole.size());  // the size reached the disk, the bytes did not
      write_file(only_file(directory / "torn", ".log"), bytes);

      auto reopened = open(directory / "torn");
      ASSERT_TRUE(reopened);
      ASSERT_EQ(reopened->last_index().value, 5u) << torn;
      ASSERT_TRUE(reopened->write(entries(6, 1, 2)));
      reopened.reset();
      ASSERT_EQ(open(directory / "torn")->last_index().value, 6u);
    }
  }
}

TEST(RocksStorage, DamageInTheTablesManifestAndMarkIsANamedRefusal) {
  TemporaryDirectory directory;
  auto storage = std::move(*RocksStorage::open({.directory = directory / "log", .write_buffer_bytes = 64u << 10}));
  for (std::uint64_t i = 1; i <= 300; i += 10) {
    StorageWrite write = entries(i, 10, 1, std::string(1000, 'z'));
    write.hard_state = HardState{{i}, {i}, "me"};
    ASSERT_TRUE(storage->write(write));
  }
  storage.reset();
  ASSERT_TRUE(open(directory / "log"));

  for (const std::string suffix : {".sst", "MANIFEST", "CURRENT", "ACKNOWLEDGED"}) {
    for (const double where : {0.0, 0.3, 0.6}) {
      copy_as_killed(directory / "log", directory / "broken");
      std::string path;
      for (const auto& file : std::filesystem::directory_iterator(directory / "broken")) {
        if (file.path().string().find(suffix) != std::string::npos) path = file.path().string();
      }
      ASSERT_FALSE(path.empty());
      std::string bytes = read_file(path);
      const std::size_t at = suffix == "ACKNOWLEDGED" ? static_cast<std::size_t>(where * 20)
                                                      : static_cast<std::size_t>(where * bytes.size());
      bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
      if (suffix == "ACKNOWLEDGED") bytes[at + 24] = static_cast<char>(bytes[at + 24] ^ 0x55);
      write_file(path, bytes);

      Result<std::unique_ptr<RocksStorage>> opened = RocksStorage::open({.directory = directory / "broken"});

      ASSERT_FALSE(opened) << suffix << " at " << at;
      EXPECT_THAT(opened.error().detail, HasSubstr(directory / "broken")) << suffix;
    }
    std::string path;
    for (const auto& file : std::filesystem::directory_iterator(directory / "log")) {
      if (file.path().string().find(suffix) != std::string::npos) path = file.path().filename().string();
    }
    if (suffix == "ACKNOWLEDGED") continue;
    copy_as_killed(directory / "log", directory / "broken");
    std::filesystem::resize_file(directory / ("broken/" + path),
                                 std::filesystem::file_size(directory / ("log/" + path)) / 2);
    EXPECT_FALSE(RocksStorage::open({.directory = directory / "broken"})) << suffix << " truncated";
    std::filesystem::remove(directory / ("broken/" + path));
    EXPECT_FALSE(RocksStorage::open({.directory = directory / "broken"})) << suffix << " removed";
  }
}

TEST(RocksStorage, TwoProcessesDoNotShareADirectory) {
  TemporaryDirectory directory;
  auto storage = open(directory / "log");

  EXPECT_FALSE(RocksStorage::open({.directory = directory / "log"}));
}

/// A disk that runs full after so many more bytes, or fails in another way.
class FailingEnv final : public rocksdb::EnvWrapper {
 public:
  FailingEnv() : EnvWrapper(rocksdb::Env::Default()) {}
  const char* Name() const override { return "FailingEnv"; }
  std::atomic<std::int64_t> space{INT64_MAX};
  std::atomic<bool> no_space = true;  // else: an input/output error
  std::atomic<bool> fail_sync = false;

  rocksdb::Status take(std::size_t bytes) {
    if (space.fetch_sub(static_cast<std::int64_t>(bytes)) >= static_cast<std::int64_t>(bytes))
      return rocksdb::Status::OK();
    return no_space ? rocksdb::Status::NoSpace("No space left on device")
                    : rocksdb::Status::IOError("Input/output error");
  }

  class File final : public rocksdb::WritableFileWrapper {
   public:
    File(std::unique_ptr<rocksdb::WritableFile> file, FailingEnv& env)
        : WritableFileWrapper(file.get()), file_(std::move(file)), env_(env) {}
    using WritableFileWrapper::Append;
    rocksdb::Status Append(const rocksdb::Slice& data) override {
      if (rocksdb::Status taken = env_.take(data.size()); !taken.ok()) {
        (void)WritableFileWrapper::Append(rocksdb::Slice(data.data(), data.size() / 2));  // a torn record stays behind
        return taken;
      }
      return WritableFileWrapper::Append(data);
    }
    rocksdb::Status Sync() override { return env_.fail_sync ? env_.take(1u << 30) : WritableFileWrapper::Sync(); }

   private:
    std::unique_ptr<rocksdb::WritableFile> file_;
    FailingEnv& env_;
  };
  class Wal final : public rocksdb::RandomRWFileWrapper {
   public:
    Wal(std::unique_ptr<rocksdb::RandomRWFile> file, FailingEnv& env)
        : RandomRWFileWrapper(file.get()), file_(std::move(file)), env_(env) {}
    rocksdb::Status Write(std::uint64_t offset, const rocksdb::Slice& data) override {
      if (rocksdb::Status taken = env_.take(data.size()); !taken.ok()) {
        (void)RandomRWFileWrapper::Write(offset, rocksdb::Slice(data.data(), data.size() / 2));
        return taken;
      }
      return RandomRWFileWrapper::Write(offset, data);
    }
    rocksdb::Status Sync() override { return env_.fail_sync ? env_.take(1u << 30) : RandomRWFileWrapper::Sync(); }

   private:
    std::unique_ptr<rocksdb::RandomRWFile> file_;
    FailingEnv& env_;
  };
  rocksdb::Status NewRandomRWFile(const std::string& name, std::unique_ptr<rocksdb::RandomRWFile>* result,
                                  const rocksdb::EnvOptions& options) override {
    std::unique_ptr<rocksdb::RandomRWFile> file;
    rocksdb::Status status = EnvWrapper::NewRandomRWFile(name, &file, options);
    if (status.ok()) *result = std::make_unique<Wal>(std::move(file), *this);
    return status;
  }
  rocksdb::Status NewWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* result,
                                  const rocksdb::EnvOptions& options) override {
    if (rocksdb::Status taken = take(1); !taken.ok()) return taken;
    std::unique_ptr<rocksdb::WritableFile> file;
    rocksdb::Status status = EnvWrapper::NewWritableFile(name, &file, options);
    if (status.ok()) *result = std::make_unique<File>(std::move(file), *this);
    return status;
  }
};

TEST(RocksStorage, AFullDiskRefusesWritesServesReadsAndRecoversByItself) {
  for (const bool no_space : {true, false}) {
    for (const bool fail_sync : {true, false}) {
      SCOPED_TRACE(std::string(no_space ? "no space" : "input/output error") + (fail_sync ? " at sync" : " at append"));
      TemporaryDirectory directory;
      FailingEnv env;
      auto storage = open(directory / "log", &env);
      ASSERT_TRUE(storage->write(entries(1, 10)));

      env.no_space = no_space;
      env.fail_sync = fail_sync;
      env.space = fail_sync ? (1 << 29) : 100;
      Result<> refused = storage->write(entries(11, 10));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Errc::unavailable);
      EXPECT_FALSE(storage->healthy());
      EXPECT_EQ(storage->last_index().value, 10u);
      if (no_space) EXPECT_EQ(storage->read({1}, {10}, 1 << 20)->size(), 10u);
      env.space = 0;
      EXPECT_FALSE(storage->write(entries(11, 10)));
      EXPECT_EQ(storage->last_index().value, 10u);

      env.fail_sync = false;
      env.space = INT64_MAX;
      Result<> written = storage->write(entries(11, 2, 2));
      ASSERT_TRUE(written) << written.error().detail;
      EXPECT_TRUE(storage->healthy());
      ASSERT_TRUE(storage->write(entries(13, 1, 2)));
      copy_as_killed(directory / "log", directory / "killed");
      storage.reset();

      for (const char* name : {"killed", "log"}) {
        auto reopened = open(directory / name);
        ASSERT_TRUE(reopened);
        EXPECT_EQ(reopened->last_index().value, 13u);
        EXPECT_EQ((*reopened->read({11}, {11}, 1))[0]->term.value, 2u);
      }
    }
  }
}

TEST(RocksStorage, AProcessKilledOnAFullDiskFindsAllThatWasAcknowledged) {
  TemporaryDirectory directory;
  FailingEnv env;
  auto storage = open(directory / "log", &env);
  ASSERT_TRUE(storage->write(entries(1, 10)));
  env.space = 100;
  ASSERT_FALSE(storage->write(entries(11, 10)));
  ASSERT_FALSE(storage->write(entries(11, 10)));

  copy_as_killed(directory / "log", directory / "killed");

  EXPECT_EQ(open(directory / "killed")->last_index().value, 10u);
}

}  // namespace
}  // namespace proconsul::raft
