#include "agent/auto_reload.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

namespace proconsul::agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class WatchedFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("auto_reload." + std::string(test->name()) + std::to_string(getpid()));
    fs::create_directories(folder_ / "conf");
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  fs::path folder_;
};

TEST_F(WatchedFiles, LookDifferentWhenTheyAreWrittenAddedRemovedOrReplaced) {
  const std::vector<std::string> paths = {write("a.hcl", "1"), (folder_ / "conf").string(), (folder_ / "b").string()};
  std::set<std::string> looks = {look_of(paths)};

  EXPECT_EQ(look_of(paths), *looks.begin());
  write("a.hcl", "22");
  looks.insert(look_of(paths));
  write("conf/new.hcl", "1");
  looks.insert(look_of(paths));
  fs::rename(write("other", "333"), folder_ / "conf/new.hcl");
  looks.insert(look_of(paths));
  fs::create_symlink("a.hcl", folder_ / "b");
  looks.insert(look_of(paths));
  fs::remove(folder_ / "conf/new.hcl");
  looks.insert(look_of(paths));

  EXPECT_EQ(looks.size(), 6U);
}

TEST_F(WatchedFiles, AreReportedOnceTheyHaveSettled) {
  const std::string file = write("a.hcl", "1");
  std::promise<void> changed;
  std::atomic<int> count = 0;
  AutoReload reload([&] { return std::vector{file}; },
                    [&] {
                      if (++count == 1) changed.set_value();
                    },
                    1ms);

  write("a.hcl", "22");
  changed.get_future().wait();

  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace proconsul::agent
