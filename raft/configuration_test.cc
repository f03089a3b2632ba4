#include "raft/configuration.h"

#include <gtest/gtest.h>

namespace proconsul::raft {
namespace {

Configuration two() {
  return {{{{"a"}, "a:1", Suffrage::voter}, {{"b"}, "b:1", Suffrage::nonvoter}}};
}

TEST(Configuration, AddingAVoterPromotesANonvoterAndTakesItsNewAddress) {
  const base::Result<Configuration> next = changed(two(), {Change::add_voter, {"b"}, "b:2"});

  ASSERT_TRUE(next);
  EXPECT_EQ(next->servers[1], (Server{{"b"}, "b:2", Suffrage::voter}));
}

TEST(Configuration, AddingANonvoterNeverTakesAVoteAway) {
  const base::Result<Configuration> next = changed(two(), {Change::add_nonvoter, {"a"}, "a:2"});

  ASSERT_TRUE(next);
  EXPECT_EQ(next->servers[0], (Server{{"a"}, "a:2", Suffrage::voter}));
}

TEST(Configuration, LastVoterStays) {
  const base::Result<Configuration> removed = changed(two(), {Change::remove_server, {"a"}, {}});
  const base::Result<Configuration> demoted = changed(two(), {Change::demote_voter, {"a"}, {}});

  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().detail, "need at least one voter in configuration: {[{Nonvoter b b:1}]}");
  EXPECT_FALSE(demoted);
}

TEST(Configuration, TwoServersDoNotShareAnAddress) {
  const base::Result<Configuration> next = changed(two(), {Change::add_voter, {"c"}, "a:1"});

  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().detail, "found duplicate address in configuration: a:1");
}

TEST(Configuration, ReadsBackWhatItWrites) {
  const base::Result<Configuration> read = decode_configuration(encode(two()));
  const base::Result<Configuration> none = decode_configuration(encode({}));

  ASSERT_TRUE(read);
  EXPECT_EQ(*read, two());
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->servers.empty());
}

TEST(Configuration, PeersListHoldsTheVotersAddresses) {
  const base::Result<Configuration> read = decode_peers(encode_peers(two()));

  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (Configuration{{{{"a:1"}, "a:1", Suffrage::voter}}}));
}

TEST(Configuration, DamagedBytesAreAnError) {
  EXPECT_FALSE(decode_configuration("\x81\xa7Servers\xdf\xff\xff\xff\xff"));
  EXPECT_FALSE(decode_configuration(""));
  EXPECT_FALSE(decode_peers("\x91"));
}

TEST(Configuration, ForcedSnapshotNeedsStateAndAVoter) {
  EXPECT_FALSE(forced_snapshot({0}, {0}, two()));
  EXPECT_FALSE(forced_snapshot({5}, {2}, {}));
  const base::Result<SnapshotMeta> meta = forced_snapshot({5}, {2}, two());
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->index, LogIndex{5});
  EXPECT_EQ(meta->configuration, two());
}

}  // namespace
}  // namespace proconsul::raft
