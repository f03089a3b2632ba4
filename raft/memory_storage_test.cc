#include "raft/memory_storage.h"

#include <gtest/gtest.h>

namespace proconsul::raft {
namespace {

EntryPtr entry(std::uint64_t index, std::uint64_t term = 1) {
  return std::make_shared<Entry>(Entry{.index = {index}, .term = {term}, .data = "0123456789"});
}

TEST(MemoryStorage, TruncatesThenAppendsInOneWrite) {
  MemoryStorage storage;
  ASSERT_TRUE(storage.write({.entries = {entry(1), entry(2), entry(3)}}));

  ASSERT_TRUE(
      storage.write({.truncate_from = LogIndex{2}, .entries = {entry(2, 5)}, .hard_state = HardState{.term = {5}}}));

  EXPECT_EQ(storage.last_index(), LogIndex{2});
  EXPECT_EQ(storage.read({2}, {2}, 100)->front()->term, Term{5});
  EXPECT_EQ(storage.hard_state().term, Term{5});
}

TEST(MemoryStorage, ReadsAtLeastOneEntryWithinTheByteLimitAndNothingCompacted) {
  MemoryStorage storage;
  ASSERT_TRUE(storage.write({.entries = {entry(1), entry(2), entry(3), entry(4)}}));
  ASSERT_TRUE(storage.compact({1}));

  EXPECT_EQ(storage.read({2}, {4}, 5)->size(), 1u);
  EXPECT_EQ(storage.read({2}, {4}, 20)->size(), 2u);
  EXPECT_FALSE(storage.read({1}, {4}, 100));
  EXPECT_FALSE(storage.read({4}, {5}, 100));
}

}  // namespace
}  // namespace proconsul::raft
