#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace proconsul::base {
namespace {

TEST(Files, AWrittenFileReplacesTheOldOneAndLeavesNothingBeside) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("files_test." + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "a").string();

  ASSERT_TRUE(write_file_atomically(path, "one", 0600));
  ASSERT_TRUE(write_file_atomically(path, "two", 0600, false));

  EXPECT_EQ(*read_file(path, 100), "two");
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  EXPECT_EQ(read_file(path, 2).error().code, Errc::too_large);
  EXPECT_TRUE(remove_file(path));
  EXPECT_TRUE(remove_file(path));
  EXPECT_EQ(read_file(path, 2).error().detail, "open " + path + ": no such file or directory");
  EXPECT_EQ(write_file_atomically((folder / "b" / "c").string(), "x").error().code, Errc::not_found);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace proconsul::base
