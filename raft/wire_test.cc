#include "raft/wire.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/json.h"
#include "base/msgpack_size.h"
#include "base/value.h"
#include "raft/configuration.h"

namespace proconsul::raft {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// Bytes recorded from a real transport, by name.
const std::map<std::string, std::string>& recorded() {
  static const std::map<std::string, std::string> vectors = [] {
    std::ifstream file(std::string(PROCONSUL_SOURCE_DIR) + "/tests/vectors/raft.json");
    std::ostringstream text;
    text << file.rdbuf();
    const base::Result<base::Value> root = base::from_json<base::Value>(text.str());
    EXPECT_TRUE(root);
    std::map<std::string, std::string> found;
    for (const base::Value& vector : *root->find("vectors")->as_list()) {
      const base::Value* hex = vector.find("hex");
      if (hex != nullptr) found[*vector.find("name")->as_string()] = from_hex(*hex->as_string());
    }
    return found;
  }();
  return vectors;
}

base::Result<WireRequest> read(const std::string& bytes) {
  return read_request(static_cast<RpcType>(bytes[0]), std::string_view(bytes).substr(1));
}

class RecordedRpc : public testing::TestWithParam<const char*> {};

TEST_P(RecordedRpc, RequestReadsAndWritesBackToTheSameBytes) {
  std::string bytes = recorded().at(GetParam() + std::string("_request"));

  const base::Result<WireRequest> request = read(bytes);
  ASSERT_TRUE(request) << request.error().detail;
  std::string again;
  append_request(again, request->header, request->body);

  if (const auto* snapshot = std::get_if<SnapshotRequest>(&request->body)) {
    // The recorded list of peers names a nonvoter too; nobody reads it in version 1.
    const std::string peers = recorded().at("legacy_peers");
    const std::string ours = encode_peers(snapshot->meta.configuration);
    bytes.replace(bytes.find(peers) - 1, peers.size() + 1, static_cast<char>(0xa0 + ours.size()) + ours);
  }
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(request->header.id.value, "11111111-2222-3333-4444-555555555555");
  EXPECT_EQ(request->header.address, "10.0.0.1:8300");
}

TEST_P(RecordedRpc, AnswerReadsAndWritesBackToTheSameBytes) {
  const base::Result<WireRequest> request = read(recorded().at(GetParam() + std::string("_request")));
  const std::string& bytes = recorded().at(GetParam() + std::string("_response"));

  const base::Result<WireAnswer> answer = read_answer(request->body, bytes);
  ASSERT_TRUE(answer) << answer.error().detail;
  std::string again;
  append_answer(again, answer->header, &answer->body, answer->error);

  EXPECT_EQ(again, bytes);
}

INSTANTIATE_TEST_SUITE_P(Wire, RecordedRpc,
                         testing::Values("append_entries_heartbeat", "append_entries_logs", "append_entries_refused",
                                         "append_entries_error", "request_vote", "request_vote_transfer",
                                         "request_pre_vote", "install_snapshot", "timeout_now"));

TEST(Wire, RecordedFieldsArriveWhereTheyBelong) {
  const base::Result<WireRequest> request = read(recorded().at("append_entries_logs_request"));
  const auto& append = std::get<AppendRequest>(request->body);
  EXPECT_EQ(append.term, Term{7});
  EXPECT_EQ(append.prev_index, LogIndex{120});
  EXPECT_EQ(append.commit, LogIndex{119});
  ASSERT_EQ(append.entries.size(), 3u);
  EXPECT_EQ(append.entries[0]->type, EntryType::noop);
  EXPECT_EQ(append.entries[1]->data, "\x02\x80");
  EXPECT_TRUE(append.entries[2]->appended_at.is_zero());
  EXPECT_TRUE(std::get<AppendRequest>(read(recorded().at("append_entries_heartbeat_request"))->body).is_heartbeat());

  const base::Result<WireRequest> vote = read(recorded().at("request_vote_transfer_request"));
  EXPECT_TRUE(std::get<VoteRequest>(vote->body).leadership_transfer);

  const base::Result<WireRequest> install = read(recorded().at("install_snapshot_request"));
  const auto& meta = std::get<SnapshotRequest>(install->body).meta;
  EXPECT_EQ(meta.index, LogIndex{1000});
  EXPECT_EQ(meta.size, 25u);
  ASSERT_EQ(meta.configuration.servers.size(), 2u);
  EXPECT_EQ(meta.configuration.servers[1].suffrage, Suffrage::nonvoter);
}

TEST(Wire, PeerTooOldForPreVotesGrantsThem) {
  const base::Result<WireRequest> request = read(recorded().at("request_pre_vote_unsupported_request"));

  const base::Result<WireAnswer> answer =
      read_answer(request->body, recorded().at("request_pre_vote_unsupported_response"));

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->error.empty());
  EXPECT_TRUE(std::get<PreVoteResponse>(answer->body).granted);
  EXPECT_EQ(std::get<PreVoteResponse>(answer->body).term, std::get<PreVoteRequest>(request->body).term);
}

TEST(Wire, PipelinedRequestsAreCutApartHoweverTheyArrive) {
  const std::string& stream = recorded().at("pipeline_two_requests");
  std::string_view rest(stream);
  std::size_t requests = 0;

  while (!rest.empty()) {
    const auto type = static_cast<RpcType>(rest[0]);
    rest.remove_prefix(1);
    const base::Result<std::size_t> size = base::msgpack_size(rest, 1 << 20);
    ASSERT_TRUE(size);
    for (std::size_t part = 0; part < *size; ++part) EXPECT_EQ(*base::msgpack_size(rest.substr(0, part), 1 << 20), 0u);
    base::MsgpackPlace place;
    for (std::size_t part = 0; part < *size; ++part) {
      EXPECT_EQ(*base::msgpack_size(rest.substr(0, part), 1 << 20, place), 0u);
    }
    EXPECT_EQ(*base::msgpack_size(rest, 1 << 20, place), *size);
    EXPECT_TRUE(read_request(type, rest.substr(0, *size)));
    rest.remove_prefix(*size);
    ++requests;
  }

  EXPECT_EQ(requests, 2u);
}

TEST(Wire, ConfigurationsAreTheRecordedBytes) {
  for (const char* name : {"configuration", "configuration_empty", "configuration_staging"}) {
    const base::Result<Configuration> read = decode_configuration(recorded().at(name));
    ASSERT_TRUE(read);
    EXPECT_EQ(encode(*read), recorded().at(name)) << name;
  }
  const base::Result<Configuration> peers = decode_peers(recorded().at("legacy_peers"));
  ASSERT_TRUE(peers);
  EXPECT_EQ(encode_peers(*peers), recorded().at("legacy_peers"));
}

TEST(Wire, ExtensionsOfChunksAndCheckpointsPassByteForByte) {
  for (std::string extensions : {recorded().at("chunk_extensions_0"), recorded().at("chunk_extensions_1"),
                                 from_hex("03a59203d6f9d1af01000000000000000200000000000000"), std::string()}) {
    AppendRequest append{.term = {3}, .prev_index = {4}, .prev_term = {3}};
    append.entries.push_back(std::make_shared<Entry>(
        Entry{.index = {5}, .term = {3}, .type = EntryType::command, .data = "\xa9\xc0", .extensions = extensions}));
    std::string bytes;
    append_request(bytes, {{"a"}, "a:1"}, append);

    const base::Result<WireRequest> request = read(bytes);

    ASSERT_TRUE(request);
    EXPECT_EQ(std::get<AppendRequest>(request->body).entries[0]->extensions, extensions);
    // Never an empty raw: a Go peer would take the entry for a chunk.
    EXPECT_EQ(bytes.find("Extensions\xa0"), std::string::npos);
  }
}

TEST(Wire, OtherProtocolVersionsAreRefused) {
  std::string bytes;
  append_request(bytes, {{"a"}, "a:1", 1}, TimeoutNowRequest{});

  const base::Result<WireRequest> request = read(bytes);

  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().detail, "operation not supported with current protocol version");
}

TEST(Wire, DamageIsAnErrorAndSizesAreBounded) {
  EXPECT_FALSE(read_request(RpcType::append_entries, ""));
  EXPECT_FALSE(read_request(RpcType::append_entries,
                            "\x81\xa7"
                            "Entries\xdd\xff\xff\xff\xff"));
  EXPECT_FALSE(read_request(static_cast<RpcType>(9), std::string_view(recorded().at("timeout_now_request")).substr(1)));
  EXPECT_FALSE(base::msgpack_size("\xc1", 100));
  EXPECT_FALSE(base::msgpack_size("\xdb\xff\xff\xff\xff", 100));
  EXPECT_FALSE(base::msgpack_size("\xdf\xff\xff\xff\xff", 100));
  EXPECT_EQ(*base::msgpack_size("\xda\x01", 1000), 0u);
}

}  // namespace
}  // namespace proconsul::raft
