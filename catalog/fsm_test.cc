#include "catalog/fsm.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "base/json.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/hash.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/kv.h"
#include "catalog/types/acl.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/intention.h"
#include "catalog/types/prepared_query.h"
#include "catalog/types/register.h"

namespace proconsul::catalog {
namespace {

struct Vector {
  std::string name;
  std::string data;
  bool reencode;
  std::string answer;
  std::uint64_t index;
  std::uint8_t number;
};

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all = [] {
    std::ifstream file(PROCONSUL_SOURCE_DIR "/tests/vectors/fsm.json");
    std::stringstream text;
    text << file.rdbuf();
    std::vector<Vector> made;
    const auto parsed = base::from_json<base::Value>(text.str());
    if (!parsed) return made;
    for (const base::Value& row : *parsed->as_list()) {
      made.push_back({*row.find("name")->as_string(), from_hex(*row.find("hex")->as_string()),
                      *row.find("reencode")->as_bool(), *row.find("apply")->as_string(),
                      static_cast<std::uint64_t>(row.find("index")->number()),
                      static_cast<std::uint8_t>(row.find("type")->number())});
    }
    return made;
  }();
  return all;
}

// An answer as the vectors spell it.
struct Spelling {
  std::string operator()(std::monostate) const { return "nil"; }
  std::string operator()(bool value) const { return value ? "bool true" : "bool false"; }
  std::string operator()(std::uint64_t value) const { return "uint64 " + std::to_string(value); }
  std::string operator()(const std::string& value) const { return "string " + value; }
  std::string operator()(const base::Error& error) const { return "error: " + error.detail; }
  std::string operator()(const Incomplete&) const { return "incomplete"; }
  std::string operator()(const AssignServiceManualVIPsResponse& answer) const {
    return std::string("structs.AssignServiceManualVIPsResponse {") + (answer.Found ? "true" : "false") + " []}";
  }
  std::string operator()(const TxnResponse& answer) const {
    std::string text = "structs.TxnResponse {[] [";
    for (const auto& error : answer.Errors) text += to_string(*error);
    return text + "]}";
  }
};

std::string spell(const base::Result<ApplyResult>& result) {
  return result ? std::visit(Spelling{}, result->value) : "fatal: " + result.error().detail;
}

template <class Request>
std::string reencoded(std::string_view data) {
  const auto request = base::from_msgpack<Request>(data.substr(1));
  return request ? std::string(data.substr(0, 1)) + base::to_msgpack(*request) : request.error().detail;
}

std::string reencoded_config_entry(std::string_view data) {
  const auto request = read_config_entry_request(data.substr(1));
  return request ? encode_config_entry_command(*request) : request.error().detail;
}

std::string reencoded(std::uint8_t number, std::string_view data) {
  static const std::map<std::uint8_t, std::string (*)(std::string_view)> kRequests = {
      {0, &reencoded<RegisterRequest>},
      {1, &reencoded<DeregisterRequest>},
      {2, &reencoded<KVSRequest>},
      {3, &reencoded<SessionRequest>},
      {5, &reencoded<TombstoneRequest>},
      {6, &reencoded<Coordinates>},
      {7, &reencoded<PreparedQueryRequest>},
      {8, &reencoded<TxnRequest>},
      {9, &reencoded<AutopilotSetConfigRequest>},
      {11, &reencoded<ACLTokenBootstrapRequest>},
      {12, &reencoded<IntentionChange>},
      {13, &reencoded<CARequest>},
      {17, &reencoded<ACLTokenBatchSetRequest>},
      {18, &reencoded<ACLTokenBatchDeleteRequest>},
      {19, &reencoded<ACLPolicyBatchSetRequest>},
      {20, &reencoded<ACLPolicyBatchDeleteRequest>},
      {21, &reencoded<CALeafRequest>},
      {22, &reencoded_config_entry},
      {23, &reencoded<ACLRoleBatchSetRequest>},
      {24, &reencoded<ACLRoleBatchDeleteRequest>},
      {25, &reencoded<ACLBindingRuleBatchSetRequest>},
      {26, &reencoded<ACLBindingRuleBatchDeleteRequest>},
      {27, &reencoded<ACLAuthMethodBatchSetRequest>},
      {28, &reencoded<ACLAuthMethodBatchDeleteRequest>},
      {30, &reencoded<FederationStateRequest>},
      {31, &reencoded<SystemMetadataRequest>},
      {43, &reencoded<ServiceVirtualIP>},
  };
  const auto found = kRequests.find(number & 127);
  return found == kRequests.end() ? std::string{} : found->second(data);
}

TEST(StateMachine, EveryRecordedCommandIsEncodedAgainByteForByte) {
  ASSERT_EQ(vectors().size(), 99u);
  int compared = 0;
  for (const Vector& vector : vectors()) {
    SCOPED_TRACE(vector.name);
    const CommandRow* row = find_command(vector.number & 127);
    if (!vector.reencode || !row || !row->apply || vector.number == 4) continue;
    EXPECT_EQ(reencoded(vector.number, vector.data), vector.data);
    ++compared;
  }
  EXPECT_GE(compared, 60);
}

TEST(StateMachine, RecordedConfigEntriesHaveTheHashOfTheirContent) {
  int compared = 0;
  for (const Vector& vector : vectors()) {
    if (vector.number != 22) continue;
    SCOPED_TRACE(vector.name);
    const auto request = read_config_entry_request(std::string_view(vector.data).substr(1));
    ASSERT_TRUE(request);
    // Some were not filled in by who recorded them; the status of one was set afterwards.
    if (request->Entry->Hash == 0 || request->Op == "upsert-with-status-cas") continue;
    EXPECT_EQ(hash_config_entry(*request->Entry), request->Entry->Hash);
    ++compared;
  }
  EXPECT_GE(compared, 18);
}

TEST(StateMachine, AnswersRecordedCommandsAsThePeerDoes) {
  Store store;
  StateMachine machine(store);
  for (const Vector& vector : vectors()) {
    SCOPED_TRACE(vector.name);
    const CommandRow* row = find_command(vector.number & 127);

    const auto result = machine.apply({.index = vector.index, .term = 1, .data = vector.data});
    machine.commit();

    if (vector.name == "config_proxy-defaults_nil_in_list") {
      // The peer stops at it. It is like its neighbours but for the null, and nothing is wrong with that.
      EXPECT_TRUE(spell(result).starts_with("error: discovery chain \"web\" uses inconsistent protocols"));
    } else if (row && row->apply) {
      EXPECT_EQ(spell(result), vector.answer);
    } else if (row) {
      EXPECT_FALSE(result);
      EXPECT_NE(result.error().detail.find("this server version cannot apply command type"), std::string::npos);
    } else if (vector.answer.starts_with("panic")) {
      EXPECT_FALSE(result);
    } else {
      EXPECT_EQ(spell(result), "nil");
    }
  }
}

TEST(StateMachine, AnUnknownCommandIsFatalUnlessItSaysThatItDoesNoHarm) {
  Store store;
  StateMachine machine(store);

  EXPECT_EQ(spell(machine.apply({.index = 7, .term = 1, .data = std::string_view("\x32\x80", 2)})),
            "fatal: failed to apply request: unknown command type 50 in 3280 (log entry 7)");
  EXPECT_EQ(spell(machine.apply({.index = 8, .term = 1, .data = std::string_view("\xb2\x80", 2)})), "nil");
  EXPECT_EQ(spell(machine.apply({.index = 9, .term = 1, .data = std::string_view("\xaa\x80", 2)})),
            "fatal: this server version cannot apply command type 42 (Resource) (log entry 9)");
}

TEST(StateMachine, ABodyThatCannotBeReadIsFatal) {
  Store store;
  StateMachine machine(store);

  const auto result = machine.apply({.index = 7, .term = 1, .data = std::string_view("\x02\x84", 2)});

  ASSERT_FALSE(result);
  EXPECT_NE(result.error().detail.find("KVS: failed to decode request"), std::string::npos);
}

std::string large_write() {
  KVSRequest request;
  request.Op = "set";
  request.DirEnt.Key = "large";
  request.DirEnt.Value = base::Bytes(std::string(700'000, 'x'));
  return encode_command(Command::kvs, request);
}

TEST(StateMachine, ALargeCommandIsAppliedWhenItsLastPartArrives) {
  Store store;
  StateMachine machine(store);
  const std::vector<Chunk> chunks = cut_command(large_write(), 5492571944930729502u);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].extensions, from_hex("089ebcfd86d4a2e29c4c1802"));
  EXPECT_EQ(chunks[1].extensions, from_hex("089ebcfd86d4a2e29c4c10011802"));

  const auto first = machine.apply({.index = 5, .term = 2, .data = chunks[0].data, .extensions = chunks[0].extensions});
  machine.commit();
  EXPECT_EQ(spell(first), "incomplete");
  EXPECT_EQ(store.view()->tables().kv.size(), 0u);
  const auto second =
      machine.apply({.index = 6, .term = 2, .data = chunks[1].data, .extensions = chunks[1].extensions});
  machine.commit();

  EXPECT_EQ(spell(second), "nil");
  EXPECT_EQ(kv_get(store.view()->tables(), "large", nullptr).index, 6u);
  EXPECT_TRUE(machine.image().chunks.empty());
}

TEST(StateMachine, PartsOfAnOlderTermAreForgotten) {
  Store store;
  StateMachine machine(store);
  const std::vector<Chunk> chunks = cut_command(large_write(), 17);

  (void)machine.apply({.index = 5, .term = 2, .data = chunks[0].data, .extensions = chunks[0].extensions});
  const auto second =
      machine.apply({.index = 6, .term = 3, .data = chunks[1].data, .extensions = chunks[1].extensions});

  EXPECT_EQ(spell(second), "incomplete");
}

TEST(StateMachine, ACheckpointOfTheLogVerifierIsNoPartOfACommand) {
  Store store;
  StateMachine machine(store);

  const auto result =
      machine.apply({.index = 5, .term = 2, .data = "\xa9\xc0", .extensions = "\x03\xa5\x92\x03\xd6\xf9\xd1\xaf"});

  EXPECT_EQ(spell(result), "nil");
  EXPECT_TRUE(machine.image().chunks.empty());
}

TEST(ChunkCollector, ItsStateTravelsAsThePeerWritesIt) {
  const std::string recorded = from_hex(
      "81a84368756e6b4d617081ce000111709285a444617461aa66697273742068616c66a94e756d4368756e6b7302a54f704e756dce00011170"
      "ab53657175656e63654e756d00a45465726d07c0");
  ChunkCollector collector;
  base::MsgpackReader reader(recorded);

  ASSERT_TRUE(collector.read(reader));
  std::string written;
  base::MsgpackWriter writer(written);
  collector.write(writer);

  EXPECT_EQ(written, recorded);
  std::string extensions("\x08\xf0\xa2\x04\x10\x01\x18\x02", 8);
  const auto whole = collector.add(7, " second", extensions);
  ASSERT_TRUE(whole);
  EXPECT_EQ(**whole, "first half second");
}

}  // namespace
}  // namespace proconsul::catalog
