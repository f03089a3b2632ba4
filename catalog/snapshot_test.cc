#include "catalog/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/msgpack.h"
#include "base/value.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/hash.h"
#include "catalog/query/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/register.h"
#include "catalog/registry/settings.h"
#include "catalog/store/kv.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {
namespace {

const std::string& recorded() {
  static const std::string bytes = [] {
    std::ifstream file(PROCONSUL_SOURCE_DIR "/tests/vectors/state.bin", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return bytes;
}

base::Result<RestoredState> read_from(std::string_view bytes, std::size_t at_once = 1 << 20) {
  return read_snapshot([&](std::span<char> buffer) -> base::Result<std::size_t> {
    const std::size_t size = std::min({buffer.size(), bytes.size(), at_once});
    std::memcpy(buffer.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    return size;
  });
}

std::string written(const Tables& tables, const ChunkCollector& chunks = {}) {
  std::string bytes;
  const StateImage image{ViewPtr::adopt(new View(tables, 0)), chunks};
  EXPECT_TRUE(write_snapshot(image, [&](std::string_view piece) -> base::Result<> {
    bytes += piece;
    return {};
  }));
  return bytes;
}

struct Records {
  std::string header;
  std::vector<std::string> records;  // type byte and body
};
Records split(std::string_view bytes) {
  Records split;
  base::MsgpackReader header(bytes);
  header.skip();
  split.header = bytes.substr(0, header.position());
  bytes.remove_prefix(header.position());
  while (!bytes.empty()) {
    base::MsgpackReader body(bytes.substr(1));
    body.skip();
    split.records.emplace_back(bytes.substr(0, body.position() + 1));
    bytes.remove_prefix(body.position() + 1);
  }
  return split;
}

TEST(Snapshot, ARecordedArchiveIsWrittenAgainRecordByRecord) {
  const auto state = read_from(recorded());
  ASSERT_TRUE(state) << state.error().detail;

  const Records before = split(recorded());
  const Records after = split(written(state->tables, state->chunks));

  EXPECT_EQ(after.header, before.header);
  ASSERT_EQ(after.records.size(), before.records.size());
  int reordered = 0;
  for (std::size_t i = 0; i < before.records.size(); ++i) {
    const std::string& old = before.records[i];
    if (after.records[i] == old) continue;
    // The peer writes the keys of a map in random order.
    ++reordered;
    SCOPED_TRACE("record " + std::to_string(i) + " of type " + std::to_string(old[0]));
    if (old[0] == 22) {  // everything in it is one raw
      const auto request = read_config_entry_request(std::string_view(old).substr(1));
      ASSERT_TRUE(request);
      request->Entry->Hash = hash_config_entry(*request->Entry);  // taken anew by whoever restores
      EXPECT_EQ(encode_config_entry_command(*request), after.records[i]);
      continue;
    }
    const auto left = base::from_msgpack<base::Value>(std::string_view(after.records[i]).substr(1));
    const auto right = base::from_msgpack<base::Value>(std::string_view(old).substr(1));
    EXPECT_EQ(after.records[i].size(), old.size());
    EXPECT_TRUE(left && right && *left == *right);
  }
  EXPECT_LT(reordered, 30);
}

TEST(Snapshot, WhatARecordedArchiveHoldsIsServed) {
  const auto state = read_from(recorded(), 7);
  ASSERT_TRUE(state);
  const Tables& tables = state->tables;

  EXPECT_EQ(tables.nodes.size(), 5u);
  EXPECT_NE(find_node(tables, "rem1", "cluster-02"), nullptr);
  EXPECT_FALSE(health_instances(tables, {.service = "web"}, nullptr).rows.empty());
  EXPECT_EQ(health_instances(tables, {.service = "web"}, nullptr).index, 24u);
  EXPECT_EQ(tables.sessions.size(), 4u);
  EXPECT_EQ(tables.kv.size(), 6u);
  EXPECT_EQ(tables.tombstones.size(), 2u);
  EXPECT_EQ(tables.coordinates.size(), 2u);
  EXPECT_NE(autopilot_config(tables, nullptr), nullptr);
  EXPECT_TRUE(virtual_ips_enabled(tables));
  EXPECT_EQ(tables.index_of("service-virtual-ips"), 159u);
}

TEST(Snapshot, RecordsMayComeInAnyOrder) {
  Records records = split(recorded());
  std::string shuffled = records.header;
  // Nodes must come before what is on them; all else is turned around.
  for (const std::string& record : records.records) {
    if (record[0] == 0) shuffled += record;
  }
  for (auto record = records.records.rbegin(); record != records.records.rend(); ++record) {
    if ((*record)[0] != 0) shuffled += *record;
  }

  const auto straight = read_from(recorded());
  const auto state = read_from(shuffled);

  ASSERT_TRUE(state) << state.error().detail;
  Records after = split(written(state->tables));
  Records expected = split(written(straight->tables));
  std::ranges::sort(after.records);
  std::ranges::sort(expected.records);
  EXPECT_EQ(after.records, expected.records);
}

TEST(Snapshot, UnknownRecordsAndDamageAreNamed) {
  const std::string header = split(recorded()).header;

  EXPECT_EQ(read_from(header + "\x22\x80").error().detail, "Unrecognized msg type 34");
  EXPECT_EQ(read_from(header + "\x50\x80").error().detail,
            "msg type <80> is a Consul Enterprise log entry. Consul CE cannot restore it");
  EXPECT_NE(read_from(std::string_view(recorded()).substr(0, 5000)).error().detail.find("ends in the middle"),
            std::string::npos);
  EXPECT_NE(read_from("").error().detail.find("ends in the middle"), std::string::npos);
  EXPECT_NE(read_from(header + "\x02\xc1").error().detail.find("not a msgpack value"), std::string::npos);
  EXPECT_NE(read_from(header + std::string("\x02\x01", 2)).error().detail.find("record of type 2"), std::string::npos);
}

TEST(Snapshot, AHalfReceivedCommandSurvives) {
  Store store;
  StateMachine machine(store);
  KVSRequest request;
  request.Op = "set";
  request.DirEnt.Key = "large";
  request.DirEnt.Value = base::Bytes(std::string(700'000, 'x'));
  const auto chunks = cut_command(encode_command(Command::kvs, request), 99);
  (void)machine.apply({.index = 5, .term = 2, .data = chunks[0].data, .extensions = chunks[0].extensions});
  machine.commit();
  std::string bytes;
  ASSERT_TRUE(write_snapshot(machine.image(), [&](std::string_view piece) -> base::Result<> {
    bytes += piece;
    return {};
  }));

  Store other_store;
  StateMachine other(other_store);
  auto state = read_from(bytes);
  ASSERT_TRUE(state);
  other.replace(std::move(state->tables), std::move(state->chunks), 5);
  (void)other.apply({.index = 6, .term = 2, .data = chunks[1].data, .extensions = chunks[1].extensions});
  other.commit();

  EXPECT_EQ(other_store.view()->tables().kv.size(), 1u);
}

TEST(Snapshot, AStateIsTheSameAfterItWasSavedAndRestored) {
  Store store;
  StateMachine machine(store);
  std::uint64_t index = 10;
  const auto apply = [&](Command command, const auto& request) {
    const auto result = machine.apply({.index = ++index, .term = 1, .data = encode_command(command, request)});
    ASSERT_TRUE(result);
    ASSERT_EQ(result->error(), nullptr) << result->error()->detail;
  };
  RegisterRequest node;
  node.Node = "n1";
  node.Address = "10.0.0.1";
  node.Locality.emplace().Region = "eu";
  node.Service.emplace().ID = "web1";
  node.Service->Service = "web";
  node.Service->Weights.emplace() = {.Passing = 3, .Warning = 1};
  HealthCheck& check = node.Check.emplace();
  check.Node = "n1";
  check.CheckID = "c1";
  check.Status = "passing";
  check.ServiceID = "web1";
  check.Definition.edit().TTL = base::seconds(5);
  apply(Command::register_, node);
  KVSRequest set;
  set.Op = "set";
  set.DirEnt.Key = "a";
  set.DirEnt.Value = base::Bytes("1");
  apply(Command::kvs, set);
  set.DirEnt.Key = "b";
  apply(Command::kvs, set);
  set.Op = "delete";
  apply(Command::kvs, set);
  machine.commit();

  const std::string first = written(store.view()->tables());
  const auto state = read_from(first);

  ASSERT_TRUE(state);
  EXPECT_EQ(written(state->tables), first);
  EXPECT_EQ(find_node(state->tables, "n1")->get().Locality->Region, "eu");
}

base::Result<SnapshotCheck> check(std::string_view bytes) {
  return check_snapshot([&](std::span<char> buffer) -> base::Result<std::size_t> {
    const std::size_t size = std::min(buffer.size(), bytes.size());
    std::memcpy(buffer.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    return size;
  });
}

std::string without(std::string_view bytes, const std::vector<SnapshotCheck::Range>& left_out, std::size_t at_once) {
  std::string rest;
  const ReadBytes read = [&](std::span<char> buffer) -> base::Result<std::size_t> {
    const std::size_t size = std::min({buffer.size(), bytes.size(), at_once});
    std::memcpy(buffer.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    return size;
  };
  const WriteBytes write = [&](std::string_view piece) -> base::Result<> {
    rest += piece;
    return {};
  };
  EXPECT_TRUE(copy_without(left_out, read, write));
  return rest;
}

std::vector<std::string> texts(const SnapshotCheck& check) {
  std::vector<std::string> out;
  for (const SnapshotLoss& loss : check.losses) out.push_back(text(loss));
  return out;
}

/// A record whose body is a map of text.
std::string record(int number, const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string bytes(1, static_cast<char>(number));
  base::MsgpackWriter writer(bytes);
  writer.map(fields.size());
  for (const auto& [key, value] : fields) {
    writer.string(key);
    writer.string(value);
  }
  return bytes;
}

TEST(Snapshot, ARecordedArchiveLosesNothing) {
  const auto checked = check(recorded());

  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_EQ(texts(*checked), std::vector<std::string>());
  EXPECT_TRUE(checked->left_out.empty());
}

TEST(Snapshot, UnknownRecordsAreFoundAndTheRestIsASnapshot) {
  const std::string bytes = recorded() + record(64, {{"Name", "ns"}}) + record(99, {}) + record(64, {}) +
                            record(2, {{"Key", "last"}, {"Value", "v"}}) + record(60, {});
  EXPECT_FALSE(read_from(bytes));

  const auto checked = check(bytes);
  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_EQ(texts(*checked),
            (std::vector<std::string>{
                "1 record of kind Unknown(60): Unrecognized msg type 60",
                "2 records of kind Unknown(64): msg type <64> is a Consul Enterprise log entry. Consul CE cannot "
                "restore it",
                "1 record of kind Unknown(99): msg type <99> is a Consul Enterprise log entry. Consul CE cannot "
                "restore it"}));
  EXPECT_EQ(checked->left_out.size(), 2u);  // neighbours are one range

  for (const std::size_t at_once : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    const std::string rest = without(bytes, checked->left_out, at_once);
    EXPECT_EQ(rest, recorded() + record(2, {{"Key", "last"}, {"Value", "v"}}));
    EXPECT_EQ(read_from(rest)->tables.kv.size(), 7u);
  }
}

TEST(Snapshot, UnknownFieldsAreNamedAndTheirRecordsStay) {
  std::string bytes = recorded() + record(2, {{"Key", "a"}, {"Colour", "red"}}) +
                      record(2, {{"Key", "b"}, {"Colour", "red"}, {"Namespace", "default"}, {"Partition", ""}});
  const auto checked = check(bytes);

  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_EQ(texts(*checked), std::vector<std::string>{"field Colour of 2 records of kind KVS: it is not known"});
  EXPECT_TRUE(checked->left_out.empty());
}

TEST(Snapshot, WhatBelongsToANamespaceDoesNotGetAmongWhatBelongsToNone) {
  const std::string bytes = recorded() + record(2, {{"Key", "a"}, {"Namespace", "team-1"}, {"Colour", "red"}}) +
                            record(17, {{"AccessorID", "x"}, {"Partition", "p2"}});
  const auto checked = check(bytes);

  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_EQ(
      texts(*checked),
      (std::vector<std::string>{"1 record of kind KVS: it belongs to the namespace team-1, and there are none here",
                                "1 record of kind ACLToken: it belongs to the partition p2, and there are none here"}));
  EXPECT_EQ(without(bytes, checked->left_out, 1000), recorded());
}

TEST(Snapshot, OfAccessControlNothingIsRestoredThatMightAllowMore) {
  const std::string bytes = recorded() + record(19, {{"ID", "x"}, {"Name", "p"}, {"OnlyOn", "mondays"}});
  const auto checked = check(bytes);

  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_EQ(texts(*checked), std::vector<std::string>{"1 record of kind ACLPolicy: it has the field OnlyOn, which is "
                                                      "not known, and might allow more without it"});
  EXPECT_EQ(without(bytes, checked->left_out, 1000), recorded());
}

TEST(Snapshot, ARecordThatCannotBeReadIsLeftOutAlone) {
  std::string bytes = recorded();
  bytes += '\x03';  // a session that is a number
  bytes += '\x05';
  bytes += record(32, {{"IP", "x"}});
  const auto checked = check(bytes);

  ASSERT_TRUE(checked) << checked.error().detail;
  ASSERT_EQ(checked->losses.size(), 2u);
  EXPECT_EQ(checked->losses[0].Record, "Session");
  EXPECT_EQ(text(checked->losses[1]), "1 record of kind ServiceVirtualIP: virtual IP without a service");
  EXPECT_EQ(without(bytes, checked->left_out, 1000), recorded());
}

TEST(Snapshot, WhatIsCutOffOrNoSnapshotIsRefused) {
  EXPECT_FALSE(check(recorded() + "\x02"));
  EXPECT_FALSE(check(recorded() + "\x02\xc1"));
  EXPECT_FALSE(check("x"));
}

TEST(Snapshot, TheReportStaysShort) {
  std::string bytes = recorded();
  for (int i = 0; i < 100; ++i) bytes += record(2, {{"Key", "k"}, {"Field" + std::to_string(i), "x"}});
  bytes += record(2, {{"Key", "k"}, {std::string(5000, 'x') + "\n", "x"}});
  const auto checked = check(bytes);

  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_EQ(checked->losses.size(), 33u);
  EXPECT_EQ(text(checked->losses.back()), "69 records of kind (others): there are too many kinds");
}

}  // namespace
}  // namespace proconsul::catalog
