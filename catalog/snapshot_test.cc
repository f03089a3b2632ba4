#include "catalog/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/msgpack.h"
#include "base/value.h"
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

}  // namespace
}  // namespace proconsul::catalog
