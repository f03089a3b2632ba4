#include "agent/cli/snapshot_summary.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/msgpack.h"

namespace proconsul::agent::cli {
namespace {

void append_record(std::string& state, int kind, const std::string& key, std::size_t value_size = 0) {
  state += static_cast<char>(kind);
  base::MsgpackWriter writer(state);
  writer.map(2);
  writer.string("Key");
  writer.string(key);
  writer.string("Value");
  writer.string(std::string(value_size, 'x'));
}

std::string sample() {
  std::string state;
  base::MsgpackWriter header(state);
  header.map(1);
  header.string("LastIndex");
  header.unsigned_integer(7);
  append_record(state, 0, "node");
  append_record(state, 2, "app/config/a", 100);
  append_record(state, 2, "app/config/b", 200);
  append_record(state, 2, "app/other", 10);
  append_record(state, 2, "top", 1);
  append_record(state, 200, "future");
  return state;
}

TEST(CliSnapshotSummary, EveryByteIsCountedUnderItsKindOfRecord) {
  const std::string state = sample();

  const auto summary = summarise(state, {});

  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->TotalSize, static_cast<long long>(state.size()));
  ASSERT_EQ(summary->Stats.size(), 3u);
  EXPECT_EQ(summary->Stats[0].Name, "KVS");
  EXPECT_EQ(summary->Stats[0].Count, 4);
  EXPECT_EQ(summary->Stats[1].Name, "Register");
  EXPECT_EQ(summary->Stats[2].Name, "Unknown(200)");
  EXPECT_EQ(summary->Stats[0].Sum + summary->Stats[1].Sum + summary->Stats[2].Sum, summary->TotalSize);
  EXPECT_TRUE(summary->StatsKV.is_nil());
}

TEST(CliSnapshotSummary, KeysAreGroupedByTheirFirstSegments) {
  const auto by_two = summarise(sample(), {.key_details = true});
  const auto by_one = summarise(sample(), {.key_details = true, .key_depth = 1});
  const auto filtered = summarise(sample(), {.key_details = true, .key_filter = "app/o"});

  ASSERT_TRUE(by_two && by_one && filtered);
  ASSERT_EQ(by_two->StatsKV.size(), 3u);
  EXPECT_EQ(by_two->StatsKV[0].Name, "app/config");
  EXPECT_EQ(by_two->StatsKV[0].Count, 2);
  EXPECT_EQ(by_two->StatsKV[1].Name, "app/other");
  EXPECT_EQ(by_two->StatsKV[2].Name, "top");
  ASSERT_EQ(by_one->StatsKV.size(), 2u);
  EXPECT_EQ(by_one->StatsKV[0].Count, 3);
  ASSERT_EQ(filtered->StatsKV.size(), 1u);
  EXPECT_EQ(filtered->TotalSizeKV, filtered->StatsKV[0].Sum);
}

TEST(CliSnapshotSummary, ACutRecordIsNamed) {
  std::string state = sample();
  state.pop_back();

  const auto summary = summarise(state, {});

  ASSERT_FALSE(summary);
  EXPECT_TRUE(summary.error().detail.starts_with("failed to decode msg type Unknown(200), error "));
}

TEST(CliSnapshotSummary, ItsTextIsATable) {
  SnapshotSummary summary{.Meta = {.ID = "2-9-1", .Size = 2100, .Index = 9, .Term = 2, .Version = 1},
                          .TotalSize = 2148};
  summary.Stats = {{.Name = "KVS", .Sum = 2048, .Count = 12}, {.Name = "Index", .Sum = 100, .Count = 3}};

  EXPECT_EQ(summary_text(summary),
            " ID           2-9-1\n"
            " Size         2100\n"
            " Index        9\n"
            " Term         2\n"
            " Version      1\n"
            "\n"
            " Type       Count      Size\n"
            " ----       ----       ----\n"
            " KVS        12         2KB\n"
            " Index      3          100B\n"
            " ----       ----       ----\n"
            " Total                 2.1KB");
}

TEST(CliSnapshotSummary, SizesHaveOneDecimalUnlessItIsZero) {
  EXPECT_EQ(byte_size(0), "0");
  EXPECT_EQ(byte_size(1023), "1023B");
  EXPECT_EQ(byte_size(1024), "1KB");
  EXPECT_EQ(byte_size(1536), "1.5KB");
  EXPECT_EQ(byte_size(std::uint64_t{3} << 40), "3TB");
  EXPECT_EQ(byte_size(std::uint64_t{1} << 60), "1048576TB");
}

}  // namespace
}  // namespace proconsul::agent::cli
