#include "agent/server/last_seen.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"

namespace proconsul::agent::server {
namespace {

TEST(LastSeen, AServerThatWasAwayForTooLongIsRefused) {
  const std::string folder =
      (std::filesystem::path(testing::TempDir()) / ("last_seen." + std::to_string(getpid()))).string();
  std::filesystem::create_directories(folder);
  base::ManualClock clock;
  const base::Duration week = base::seconds(7 * 24 * 3600);

  EXPECT_TRUE(check_last_seen(folder, week, clock)) << "a first start";
  {
    LastSeen seen(folder, clock);
  }
  EXPECT_EQ(*base::read_file(folder + "/server_metadata.json", 100), R"({"last_seen_unix":1700000000})");
  clock.advance(week);
  EXPECT_TRUE(check_last_seen(folder, week, clock));
  clock.advance(base::seconds(1));
  EXPECT_EQ(check_last_seen(folder, week, clock).error().detail,
            "refusing to rejoin cluster because server has been offline for more than the configured "
            "server_rejoin_age_max (168h0m0s) - consider wiping your data dir");
  std::ofstream(folder + "/server_metadata.json") << "{";
  EXPECT_EQ(check_last_seen(folder, week, clock).error().detail,
            "error reading server metadata: unexpected end of JSON input");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace proconsul::agent::server
