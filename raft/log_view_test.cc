#include "raft/log_view.h"

#include <gtest/gtest.h>

#include "raft/configuration.h"

namespace proconsul::raft {
namespace {

EntryPtr entry(std::uint64_t index, std::uint64_t term) {
  return std::make_shared<Entry>(Entry{.index = {index}, .term = {term}, .data = std::string(100, 'x')});
}

LogView filled() {
  LogView log;
  for (std::uint64_t index = 1; index <= 9; ++index) EXPECT_TRUE(log.load(entry(index, 1 + (index - 1) / 3)));
  return log;  // terms 1 1 1 2 2 2 3 3 3
}

TEST(LogView, KnowsEveryTermAndWhereItBegan) {
  const LogView log = filled();

  EXPECT_EQ(log.term_at({0}), Term{0});
  EXPECT_EQ(log.term_at({5}), Term{2});
  EXPECT_EQ(log.term_at({10}), std::nullopt);
  EXPECT_EQ(log.term_start({9}), LogIndex{7});
}

TEST(LogView, CompactionKeepsTheTermBeforeTheFirstEntry) {
  LogView log = filled();

  log.compact({5});

  EXPECT_EQ(log.first(), LogIndex{6});
  EXPECT_EQ(log.term_at({5}), Term{2});
  EXPECT_EQ(log.term_at({4}), std::nullopt);
  EXPECT_EQ(log.last(), LogIndex{9});
}

TEST(LogView, TruncationForgetsTermsAndConfigurations) {
  LogView log = filled();
  Configuration one{{{{"a"}, "a:1", Suffrage::voter}}};
  ASSERT_TRUE(log.append(std::make_shared<Entry>(
      Entry{.index = {10}, .term = {4}, .type = EntryType::configuration, .data = encode(one)})));
  ASSERT_EQ(log.configurations().size(), 1u);

  log.truncate_from({8});

  EXPECT_EQ(log.last(), LogIndex{7});
  EXPECT_EQ(log.last_term(), Term{3});
  EXPECT_TRUE(log.configurations().empty());
}

TEST(LogView, EvictionStopsAtWhatIsStillNeeded) {
  LogView log = filled();

  log.evict({4}, 0);

  EXPECT_EQ(log.cached({4}), nullptr);
  ASSERT_NE(log.cached({5}), nullptr);
  EXPECT_EQ((*log.cached({5}))->index, LogIndex{5});
  EXPECT_EQ(log.term_at({4}), Term{2});
}

TEST(LogView, GapOnDiskIsCorruption) {
  LogView log = filled();

  const base::Result<> loaded = log.load(entry(12, 4));

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, base::Errc::corrupt);
}

TEST(LogView, TrailingEntriesBehindASnapshotAreKept) {
  LogView log;
  log.set_snapshot({8}, {3});
  for (std::uint64_t index = 5; index <= 9; ++index) ASSERT_TRUE(log.load(entry(index, 3)));

  EXPECT_EQ(log.first(), LogIndex{5});
  EXPECT_EQ(log.term_at({8}), Term{3});
  EXPECT_EQ(log.term_at({4}), std::nullopt);
}

}  // namespace
}  // namespace proconsul::raft
