#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/base64.h"
#include "base/files.h"
#include "gossip/serf/keyring_file.h"
#include "gossip/serf/snapshot_file.h"

namespace proconsul::gossip::serf {
namespace {

class SerfFiles : public testing::Test {
 protected:
  SerfFiles() {
    base::log::set_level(base::log::Level::off);
    std::string pattern = testing::TempDir() + "serf_files_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~SerfFiles() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/serf/" + name; }
  std::unique_ptr<SnapshotFile> open(std::string& content) const {
    return SnapshotFile::open(path("local.snapshot"), content, base::log::Logger("t"), {}).value();
  }
  std::string folder_{};
};

TEST_F(SerfFiles, WhatIsAppendedIsThereAfterTheEnd) {
  std::string content = "?";
  open(content)->append("clock: 1\n", false);
  EXPECT_EQ(content, "");
  {
    const auto file = open(content);
    EXPECT_EQ(content, "clock: 1\n");
    file->append("clock: 2\n", true);
    file->append("clock: 3\n", false);
  }
  EXPECT_EQ(base::read_file(path("local.snapshot"), 1000).value(), "clock: 1\nclock: 2\nclock: 3\n");
}

TEST_F(SerfFiles, AReplacedFileIsAppendedTo) {
  std::string content;
  {
    const auto file = open(content);
    file->append("clock: 1\n", false);
    file->replace("clock: 9\n");
    file->append("clock: 10\n", false);
    EXPECT_TRUE(file->healthy());
  }
  EXPECT_EQ(base::read_file(path("local.snapshot"), 1000).value(), "clock: 9\nclock: 10\n");
}

TEST_F(SerfFiles, AFileThatCannotBeWrittenIsSeen) {
  std::string content;
  const auto file = open(content);
  std::filesystem::remove_all(folder_ + "/serf");

  file->replace("clock: 9\n");
  for (int i = 0; i < 1000 && file->healthy(); ++i) usleep(1000);
  EXPECT_FALSE(file->healthy());
  std::filesystem::create_directories(folder_ + "/serf");
  file->replace("clock: 10\n");
  for (int i = 0; i < 1000 && !file->healthy(); ++i) usleep(1000);

  EXPECT_TRUE(file->healthy());
  EXPECT_EQ(base::read_file(path("local.snapshot"), 1000).value(), "clock: 10\n");
  EXPECT_FALSE(SnapshotFile::open("/dev/null/x", content, base::log::Logger("t"), {}));
}

TEST_F(SerfFiles, AKeyMakesTheKeyringFileUnlessThereIsOne) {
  const std::string key = base::to_base64(std::string(16, 'a'));
  const std::string other = base::to_base64(std::string(32, 'b'));

  EXPECT_EQ(open_keyring(path("local.keyring"), "").error().code, base::Errc::not_found);
  EXPECT_EQ(open_keyring(path("local.keyring"), "AAAA").error().detail,
            "Invalid key: key size must be 16, 24 or 32 bytes");
  Keyring ring = open_keyring(path("local.keyring"), key).value();
  EXPECT_EQ(base::read_file(path("local.keyring"), 1000).value(), "[\"" + key + "\"]");
  EXPECT_EQ(open_keyring(path("local.keyring"), other)->primary(), std::string(16, 'a'));

  ASSERT_TRUE(ring.add(std::string(32, 'b')));
  ASSERT_TRUE(ring.use(std::string(32, 'b')));
  ASSERT_TRUE(KeyringFile(path("local.keyring")).save(ring));
  EXPECT_EQ(open_keyring(path("local.keyring"), "")->keys(), ring.keys());
  struct stat status{};
  ASSERT_EQ(stat(path("local.keyring").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace proconsul::gossip::serf
