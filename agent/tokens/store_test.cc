#include "agent/tokens/store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/files.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::tokens {
namespace {

TEST(AgentTokens, FallBackToTheDefaultOne) {
  Store store;
  ASSERT_TRUE(store.load({"every", "", "", "", "", ""}, ""));
  EXPECT_EQ(store.agent(), "every");
  EXPECT_EQ(store.dns(), "every");
  ASSERT_TRUE(store.set(Kind::agent, "own"));
  EXPECT_EQ(store.agent(), "own");
  EXPECT_EQ(store.dns(), "every");
}

TEST(AgentTokens, OnlyWhatTheApiSetOutlivesTheProcess) {
  const raft::TemporaryDirectory directory;
  const std::string file = directory / "acl-tokens.json";
  {
    Store store;
    ASSERT_TRUE(store.load({"configured", "configured", "", "", "", ""}, file));
    ASSERT_TRUE(store.set(Kind::agent, "set"));
  }
  Store store;
  ASSERT_TRUE(store.load({"changed", "changed", "", "", "", ""}, file));
  EXPECT_EQ(store.get(Kind::default_), "changed");
  EXPECT_EQ(store.get(Kind::agent), "set");
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(AgentTokens, ABrokenFileIsReportedAndLeavesTheConfiguration) {
  const raft::TemporaryDirectory directory;
  const std::string file = directory / "acl-tokens.json";
  ASSERT_TRUE(base::write_file_atomically(file, "{\"agent\": 5", 0600));
  Store store;
  EXPECT_FALSE(store.load({"", "configured", "", "", "", ""}, file));
  EXPECT_EQ(store.agent(), "configured");
}

}  // namespace
}  // namespace proconsul::agent::tokens
