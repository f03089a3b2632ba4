#include "agent/telemetry/process_reports.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <regex>
#include <thread>

namespace proconsul::agent {
namespace {

TEST(ProcessReports, HeapCountsWhatIsHandedOut) {
  const std::string report = heap_report();

  std::smatch found;
  ASSERT_TRUE(std::regex_search(report, found, std::regex(R"(^heap profile: (\d+): (\d+) \[0: 0\] @ heapprofile\n)")));
  EXPECT_NE(report.find("\nMAPPED_LIBRARIES:\n"), std::string::npos);
  std::uint64_t objects = 0, bytes = 0;
  const std::regex sample(R"((\d+): (\d+) \[0: 0\] @ 0x)");
  for (std::sregex_iterator at(report.begin(), report.end(), sample), end; at != end; ++at) {
    objects += std::stoull((*at)[1]);
    bytes += std::stoull((*at)[2]);
  }
  EXPECT_EQ(objects, std::stoull(found[1]));
  EXPECT_EQ(bytes, std::stoull(found[2]));
}

TEST(ProcessReports, ThreadsAreListedWithTheirNames) {
  std::atomic<bool> over = false;
  std::thread thread([&] { over.wait(false); });
  ::pthread_setname_np(thread.native_handle(), "sleeper");

  const std::string report = thread_report("goroutine");
  over = true;
  over.notify_all();
  thread.join();

  EXPECT_TRUE(report.starts_with("goroutine profile: total "));
  EXPECT_TRUE(std::regex_search(report, std::regex(R"(\n1 @ 0x[0-9a-f]+\n#\tthread \d+ "sleeper", \w+)"))) << report;
}

TEST(ProcessReports, TheCommandLineHasNulsBetweenItsWords) {
  const std::string words = command_line();

  EXPECT_FALSE(words.empty());
  EXPECT_FALSE(words.ends_with('\0'));
}

}  // namespace
}  // namespace proconsul::agent
