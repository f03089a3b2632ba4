#include "agent/cli/snapshot_decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/msgpack.h"
#include "catalog/types/kv.h"

namespace proconsul::agent::cli {
namespace {

using testing::ElementsAre;

std::vector<std::string> lines_of(std::string_view records) {
  std::string state;
  base::MsgpackWriter(state).map(0);  // the header
  state += records;
  std::vector<std::string> lines;
  const base::Result<> decoded = decode_records(state, [&](std::string_view line) { lines.emplace_back(line); });
  if (!decoded) lines.push_back("error: " + decoded.error().detail);
  return lines;
}

TEST(CliSnapshotDecode, KnownRecordsHaveTheFormOfTheirCommands) {
  catalog::DirEntry entry;
  entry.Key = "a";
  entry.Value = base::Bytes("hi");
  entry.ModifyIndex = 7;
  std::string records = "\x02";
  base::MsgpackWriter(records).object(entry);

  EXPECT_THAT(lines_of(records),
              ElementsAre(R"({"Data":{"Datacenter":"","Op":"","DirEnt":{"LockIndex":0,"Key":"a","Flags":0,)"
                          R"("Value":"aGk=","CreateIndex":0,"ModifyIndex":7},"Token":""},"Type":"KVS"})"));
}

TEST(CliSnapshotDecode, UnknownRecordsAreShownAsTheyAreWithReadableTimesAndBytes) {
  std::string records(1, '\x40');
  base::MsgpackWriter writer(records);
  writer.map(3);
  writer.string("Hash");
  writer.string("\xff\xfe");
  writer.string("Name");
  writer.string("n");
  writer.string("When");
  writer.time(base::from_unix(1'700'000'000));

  EXPECT_THAT(
      lines_of(records),
      ElementsAre(R"_({"Data":{"Hash":"//4=","Name":"n","When":"2023-11-14T22:13:20Z"},"Type":"Unknown(64)"})_"));
}

TEST(CliSnapshotDecode, ACutRecordEndsItWithItsName) {
  EXPECT_THAT(lines_of("\x03\x81"),
              ElementsAre(testing::StartsWith("error: failed to decode msg type Session, error ")));
}

}  // namespace
}  // namespace proconsul::agent::cli
