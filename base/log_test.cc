#include "base/log.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
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
            "2024-01-01T00:00:00.123Z [WARN]  agent: lines:\n  text=\n  | a\n  | b\n  \n");
}

TEST_F(LogFormat, OnlySomeCharactersStandWithoutQuotes) {
  EXPECT_EQ(format(false, Level::debug, "a", "b",
                   {{"path", "/v1/kv"}, {"sum", "1+1"}, {"dir", "c:\\x y"}, {"none", ""}}, kNewYear),
            "2024-01-01T00:00:00.123Z [DEBUG] a: b: path=/v1/kv sum=\"1+1\" dir=\"c:\\x y\" none=\"\"\n");
  EXPECT_EQ(format(false, Level::debug, "a", "b", {{"bell", "\a\x01"}, {"word", "gr\xc3\xbc\xc3\x9f"}}, kNewYear),
            "2024-01-01T00:00:00.123Z [DEBUG] a: b: bell=\"\\a\\x01\" word=\"gr\xc3\xbc\xc3\x9f\"\n");
}

TEST_F(LogFormat, JsonSortsItsFields) {
  EXPECT_EQ(format(true, Level::trace, "agent", "m", {{"b", "<2>"}, {"a", 1}}, kNewYear),
            "{\"@level\":\"trace\",\"@message\":\"m\",\"@module\":\"agent\",\"@timestamp\":"
            "\"2024-01-01T00:00:00.123456Z\",\"a\":1,\"b\":\"\\u003c2\\u003e\"}\n");
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

TEST(Log, AFileIsRotatedWhenItIsOld) {
  const auto folder = std::filesystem::temp_directory_path() / ("proconsul-aged-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const char* old : {"agent-1.txt", "agent-2.txt", "other-3.txt"}) std::ofstream(folder / old) << "x";
  ASSERT_TRUE(configure({.to_stdout = false,
                         .file = (folder / "agent.txt").string(),
                         .rotate_after = std::chrono::nanoseconds(1),
                         .rotate_files = 2}));
  EXPECT_TRUE(std::filesystem::exists(folder / "agent-1.txt"));

  Logger("agent").error("makes the file old at once");

  // The empty file was put away with the time; of the old ones that leaves room for one.
  EXPECT_FALSE(std::filesystem::exists(folder / "agent-1.txt"));
  EXPECT_TRUE(std::filesystem::exists(folder / "agent-2.txt"));
  EXPECT_TRUE(std::filesystem::exists(folder / "other-3.txt"));
  EXPECT_FALSE(configure({.to_stdout = false, .file = (folder / "none" / "agent.txt").string()}));
  ASSERT_TRUE(configure({.level = Level::warn}));
  std::filesystem::remove_all(folder);
}

TEST(Log, SyslogGetsThePriorityAndTheLineWithoutItsTime) {
  const auto path = std::filesystem::temp_directory_path() / ("proconsul-syslog-" + std::to_string(::getpid()));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.native().copy(name.sun_path, path.native().size());
  const int daemon = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(::bind(daemon, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ASSERT_TRUE(
      configure({.to_stdout = false, .syslog = true, .syslog_facility = "daemon", .syslog_socket = path.string()}));

  Logger("agent").warn("gone", {{"node", "a"}});

  char packet[256];
  const ssize_t size = ::recv(daemon, packet, sizeof packet, 0);
  ASSERT_GT(size, 0);
  const std::string got(packet, static_cast<std::size_t>(size));
  EXPECT_TRUE(got.starts_with("<28>")) << got;  // 3 * 8 + 4: daemon, warning
  EXPECT_TRUE(got.ends_with(" consul[" + std::to_string(::getpid()) + "]: agent: gone: node=a\n")) << got;
  EXPECT_FALSE(configure({.syslog = true, .syslog_facility = "nobody"}));
  ASSERT_TRUE(configure({.level = Level::warn}));
  ::close(daemon);
  std::filesystem::remove(path);
}

TEST(Log, LevelsHaveConsulsNames) {
  EXPECT_EQ(*parse_level("WARN"), Level::warn);
  EXPECT_EQ(*parse_level("err"), Level::error);
  EXPECT_FALSE(parse_level("warning"));
  EXPECT_EQ(parse_level("loud").error().detail,
            "Invalid log level: loud. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]");
}

}  // namespace
}  // namespace proconsul::base::log
