#include "base/log.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace proconsul::base::log {
namespace {

class LogFormat : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

constexpr std::int64_t kNewYear = 1'704'067'200'123'456;  // 2024-01-01T00:00:00.123456Z

TEST_F(LogFormat, ALineReadsAsConsulsDo) {
  EXPECT_EQ(format(false, Level::info, "agent.server", "started", {}, kNewYear),
            "2024-01-01T00:00:00.123Z [INFO]  agent.server: started\n");
  EXPECT_EQ(format(false, Level::error, "agent", "failed", {{"error", "no such file"}, {"count", 3}, {"q", "a\"b"}},
                   kNewYear),
            "2024-01-01T00:00:00.123Z [ERROR] agent: failed: error=\"no such file\" count=3 q=\"a\\\"b\"\n");
  EXPECT_EQ(format(false, Level::warn, "agent", "lines", {{"text", "a\nb"}}, kNewYear),
            "2024-01-01T00:00:00.123Z [WARN]  agent: lines: text=\n  | a\n  | b\n \n");
}

TEST_F(LogFormat, JsonKeepsNumbersBareAndEscapesTheRest) {
  EXPECT_EQ(format(true, Level::debug, "agent", "a \"b\"", {{"n", 1}, {"ok", true}, {"s", "x\x01y"}}, kNewYear),
            "{\"@level\":\"debug\",\"@message\":\"a \\\"b\\\"\",\"@module\":\"agent\",\"@timestamp\":"
            "\"2024-01-01T00:00:00.123456Z\",\"n\":1,\"ok\":true,\"s\":\"x\\u0001y\"}\n");
}

TEST(Log, ATapHearsItsOwnLevelWhileItLives) {
  const Logger logger("agent.test");
  std::vector<std::string> heard;
  {
    const auto ear = tap(Level::debug, false, [&](std::string_view line) { heard.emplace_back(line); });
    EXPECT_TRUE(Logger::enabled(Level::debug));
    logger.debug("one");
    logger.trace("too low");
  }
  logger.debug("nobody listens");

  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard[0].ends_with(" [DEBUG] agent.test: one\n"));
}

TEST(Log, AFileIsRotatedBySizeAndOldOnesAreRemoved) {
  const auto folder = std::filesystem::temp_directory_path() / ("proconsul-log-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(configure({.to_stdout = false, .file = folder.string() + "/", .rotate_bytes = 100, .rotate_files = 2}));
  const Logger logger("agent");

  for (int i = 0; i < 20; ++i) logger.info("a line of some length, so that the limit is reached soon", {{"i", i}});

  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files += entry.is_regular_file();
  EXPECT_EQ(files, 3u);
  std::ifstream current(folder / "consul.log");
  std::stringstream text;
  text << current.rdbuf();
  EXPECT_TRUE(text.str().find("i=19\n") != std::string::npos);
  ASSERT_TRUE(configure({.level = Level::warn}));
  std::filesystem::remove_all(folder);
}

TEST(Log, LevelsHaveConsulsNames) {
  EXPECT_EQ(*parse_level("WARN"), Level::warn);
  EXPECT_EQ(*parse_level("err"), Level::error);
  EXPECT_FALSE(parse_level("loud"));
}

}  // namespace
}  // namespace proconsul::base::log
