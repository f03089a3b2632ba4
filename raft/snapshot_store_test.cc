#include "raft/snapshot_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "raft/snapshot_meta.h"
#include "raft/temporary_directory.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Result;
using testing::HasSubstr;

SnapshotMeta meta_at(std::uint64_t index) {
  SnapshotMeta meta;
  meta.index = {index};
  meta.term = {2};
  meta.configuration.servers = {{{"id-a"}, "127.0.0.1:8300", Suffrage::voter},
                                {{"id-b"}, "127.0.0.2:8300", Suffrage::nonvoter}};
  meta.configuration_index = {1};
  return meta;
}
SnapshotMeta store(SnapshotStore& snapshots, std::uint64_t index, std::string_view state) {
  auto writer = std::move(*snapshots.create(meta_at(index)));
  EXPECT_TRUE(writer->write(state.substr(0, state.size() / 2)));
  EXPECT_TRUE(writer->write(state.substr(state.size() / 2)));
  return *writer->commit();
}
Result<std::string> read_all(ByteSource& source) {
  std::string all;
  char buffer[1000];
  for (;;) {
    Result<std::size_t> got = source.read(buffer);
    if (!got) return got.error();
    if (*got == 0) return all;
    all.append(buffer, *got);
  }
}

TEST(SnapshotMetaFile, ReadsWhatConsulWrites) {
  constexpr std::string_view kText =
      R"({"Version":1,"ID":"2-176-1795414121350","Index":176,"Term":2,"Peers":"ka8xMjcuMC4wLjE6NDczMTA=","Configuration":{"Servers":[{"Suffrage":0,"ID":"aaaaaaaa-1111-2222-3333-000000000001","Address":"127.0.0.1:47310"}]},"ConfigurationIndex":1,"Size":114353})"
      "\n";

  Result<MetaFile> file = decode_meta(kText);

  ASSERT_TRUE(file) << file.error().detail;
  EXPECT_EQ(file->meta.index.value, 176u);
  EXPECT_EQ(file->meta.term.value, 2u);
  EXPECT_EQ(file->meta.size, 114353u);
  ASSERT_EQ(file->meta.configuration.servers.size(), 1u);
  EXPECT_EQ(file->meta.configuration.servers[0].address, "127.0.0.1:47310");
  EXPECT_FALSE(file->crc);
  EXPECT_EQ(encode_meta(*file), kText);
}

TEST(SnapshotMetaFile, RefusesNonsense) {
  for (const char* text :
       {"", "{}", "[]", "{\"Version\":2,\"Index\":1,\"Term\":1}", "{\"Version\":1,\"Index\":1,\"Term\":1,\"Size\":-1}",
        "{\"Version\":1,\"Index\":1,\"Term\":1,\"CRC\":\"AAAA\"}", "{\"Version\":1,\"Index\":-1,\"Term\":1}"}) {
    EXPECT_FALSE(decode_meta(text)) << text;
  }
  EXPECT_FALSE(decode_meta(std::string(kMaxMetaBytes + 1, ' ')));
}

class SnapshotStores : public testing::TestWithParam<bool> {
 protected:
  TemporaryDirectory directory_;
  std::unique_ptr<SnapshotStore> open() {
    return GetParam() ? std::move(*SnapshotStore::open(directory_ / "snapshots")) : SnapshotStore::in_memory();
  }
};
INSTANTIATE_TEST_SUITE_P(, SnapshotStores, testing::Values(true, false),
                         [](const auto& info) { return info.param ? "OnDisk" : "InMemory"; });

TEST_P(SnapshotStores, GiveBackWhatWasWritten) {
  auto snapshots = open();
  std::string state(700'000, '\0');
  for (std::size_t i = 0; i < state.size(); ++i) state[i] = static_cast<char>(i * 7 >> 3);

  const SnapshotMeta stored = store(*snapshots, 10, state);

  EXPECT_EQ(stored.size, state.size());
  EXPECT_TRUE(snapshots->verify(stored.id));
  auto reader = std::move(*snapshots->read(stored.id));
  EXPECT_EQ(reader->meta().configuration, meta_at(10).configuration);
  EXPECT_EQ(*read_all(*reader), state);
}

TEST_P(SnapshotStores, ListNothingBeforeTheCommit) {
  auto snapshots = open();
  {
    auto writer = std::move(*snapshots->create(meta_at(5)));
    ASSERT_TRUE(writer->write("half"));
    EXPECT_TRUE(snapshots->list().empty());
  }
  EXPECT_TRUE(snapshots->list().empty());
}

TEST(SnapshotStoreOnDisk, KeepsTheNewestTwoAcrossReopening) {
  TemporaryDirectory directory;
  auto snapshots = std::move(*SnapshotStore::open(directory.path()));
  for (std::uint64_t index : {10, 20, 9, 30}) store(*snapshots, index, "state " + std::to_string(index));

  snapshots = std::move(*SnapshotStore::open(directory.path()));
  std::vector<SnapshotStore::Listed> listed = snapshots->list();

  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].index.value, 30u);
  EXPECT_EQ(listed[1].index.value, 20u);
  EXPECT_EQ(*read_all(**snapshots->read(listed[0].id)), "state 30");
}

TEST(SnapshotStoreOnDisk, RemovesWhatACrashLeftHalfWritten) {
  TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "2-7-1234.tmp");
  std::ofstream(directory / "2-7-1234.tmp/state.bin") << "half";

  auto snapshots = std::move(*SnapshotStore::open(directory.path()));

  EXPECT_TRUE(snapshots->list().empty());
  EXPECT_FALSE(std::filesystem::exists(directory / "2-7-1234.tmp"));
}

TEST(SnapshotStoreOnDisk, DamageIsNamedAndNeverReadToItsEnd) {
  TemporaryDirectory directory;
  auto snapshots = std::move(*SnapshotStore::open(directory.path()));
  const SnapshotMeta stored = store(*snapshots, 10, std::string(5000, 's'));
  const std::string state = directory / (stored.id + "/state.bin"), meta = directory / (stored.id + "/meta.json");

  {
    std::fstream file(state, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(2500);
    file << 't';
  }
  Result<std::string> flipped = read_all(**snapshots->read(stored.id));
  ASSERT_FALSE(flipped);
  EXPECT_EQ(flipped.error().code, Errc::corrupt);
  EXPECT_THAT(flipped.error().detail, HasSubstr(stored.id + ": checksum mismatch"));
  EXPECT_FALSE(snapshots->verify(stored.id));

  std::filesystem::resize_file(state, 100);
  EXPECT_THAT(snapshots->read(stored.id).error().detail, HasSubstr("state.bin has 100 bytes instead of 5000"));
  ASSERT_EQ(snapshots->list().size(), 1u);
  EXPECT_EQ(snapshots->list()[0].meta.error().code, Errc::corrupt);

  std::filesystem::resize_file(meta, 40);
  EXPECT_THAT(snapshots->read(stored.id).error().detail, HasSubstr(stored.id + ": meta.json"));
  std::filesystem::remove(meta);
  EXPECT_EQ(snapshots->read(stored.id).error().code, Errc::corrupt);
}

TEST(SnapshotStoreOnDisk, AFullDiskLeavesNothingBehind) {
  auto snapshots = SnapshotStore::open("/dev/full/nowhere");
  EXPECT_FALSE(snapshots);
  EXPECT_EQ(snapshots.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace proconsul::raft
