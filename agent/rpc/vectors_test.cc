// Recorded conversations with a Go server, and bytes of its library: read, and written again to the same bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "agent/rpc/codec.h"
#include "agent/rpc/config_types.h"
#include "agent/rpc/method.h"
#include "agent/rpc/types.h"
#include "base/json.h"
#include "base/net/yamux.h"
#include "base/value.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/txn.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;
using base::Value;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::map<std::string, Value> vectors(const std::string& file_name) {
  std::ifstream file(std::string(PROCONSUL_SOURCE_DIR) + "/tests/vectors/" + file_name);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const Result<Value> root = base::from_json<Value>(text);
  EXPECT_TRUE(root);
  std::map<std::string, Value> all;
  for (const Value& each : *root->find("vectors")->as_list()) all.emplace(*each.find("name")->as_string(), each);
  return all;
}

const std::string& golden(const std::string& name) {
  static const std::map<std::string, std::string> kAll = [] {
    std::map<std::string, std::string> all;
    for (const auto& [key, value] : vectors("rpc.json")) {
      if (const Value* hex = value.find("hex")) all.emplace(key, from_hex(*hex->as_string()));
    }
    return all;
  }();
  return kAll.at(name);
}

/// Maps of more than one key come in any order from Go: two encodings that hold the same are equal here.
void expect_same(const std::string& ours, std::string_view theirs, const std::string& what) {
  if (ours == theirs) return;
  const Result<Value> a = base::from_msgpack<Value>(ours), b = base::from_msgpack<Value>(theirs);
  ASSERT_TRUE(a && b) << what;
  if (a->as_string() && b->as_string()) {
    // One raw of several values, with such a map somewhere in it: the same pieces.
    std::string mine = *a->as_string(), other = *b->as_string();
    std::ranges::sort(mine);
    std::ranges::sort(other);
    EXPECT_EQ(mine, other) << what;
    return;
  }
  EXPECT_EQ(base::to_json(*a), base::to_json(*b)) << what;
  EXPECT_EQ(ours.size(), theirs.size()) << what;
}

template <class T>
void round_trip(const std::string& name) {
  const Result<T> read = base::from_msgpack<T>(golden(name));
  ASSERT_TRUE(read) << name << ": " << read.error().detail;
  expect_same(base::to_msgpack(*read), golden(name), name);
}

TEST(RpcVectors, Headers) {
  const Result<RequestHeader> request = read_request_header(golden("request_header"));
  ASSERT_TRUE(request);
  std::string out;
  append_header(out, *request);
  EXPECT_EQ(out, golden("request_header"));
  for (const char* name : {"response_header_ok", "response_header_error"}) {
    const Result<ResponseHeader> response = read_response_header(golden(name));
    ASSERT_TRUE(response);
    out.clear();
    append_header(out, *response);
    EXPECT_EQ(out, golden(name));
  }
  EXPECT_EQ(golden("body_empty"), kEmptyBody);
}

TEST(RpcVectors, Bodies) {
  round_trip<Nothing>("body_empty");
  round_trip<std::string>("body_string");
  round_trip<bool>("body_bool");
  round_trip<base::List<std::string>>("body_string_list");
  round_trip<DCSpecificRequest>("dc_specific_request");
  round_trip<ServiceSpecificRequest>("service_specific_request");
  round_trip<KeyRequest>("key_request");
  round_trip<IndexedDirEntries>("indexed_dir_entries");
  round_trip<IndexedDirEntries>("indexed_dir_entries_empty");
  round_trip<IndexedNodes>("indexed_nodes_empty_list");
  round_trip<IndexedCheckServiceNodes>("check_service_nodes");
  round_trip<catalog::CoordinateUpdateRequest>("coordinate_update");
  round_trip<catalog::TxnResponse>("txn_response");
}

template <class T>
void wrapped_round_trip(const std::string& name) {
  T message{};
  const Result<> read = base::read_msgpack(golden(name), message);
  ASSERT_TRUE(read) << name << ": " << read.error().detail;
  std::string out;
  base::append_msgpack(out, message);
  expect_same(out, golden(name), name);
}

TEST(RpcVectors, BodiesWithConfigEntries) {
  wrapped_round_trip<catalog::ConfigEntryRequest>("config_entry_request");
  wrapped_round_trip<catalog::ConfigEntryRequest>("config_entry_request_proxy");
  wrapped_round_trip<ConfigEntryResponse>("config_entry_response");
  wrapped_round_trip<ConfigEntryResponse>("config_entry_response_proxy");
  wrapped_round_trip<ConfigEntryResponse>("config_entry_response_none");
  wrapped_round_trip<IndexedConfigEntries>("indexed_config_entries");
  wrapped_round_trip<IndexedGenericConfigEntries>("indexed_generic_config_entries");
  wrapped_round_trip<IndexedGenericConfigEntries>("indexed_generic_config_entries_empty");
  wrapped_round_trip<ServiceConfigResponse>("service_config_response");
}

TEST(RpcVectors, BrokenConfigEntriesAreErrors) {
  for (const char* name : {"config_entry_request", "config_entry_response", "indexed_config_entries",
                           "indexed_generic_config_entries", "service_config_response"}) {
    for (std::size_t size = 0; size < golden(name).size(); size += 7) {
      const std::string_view part = std::string_view(golden(name)).substr(0, size);
      catalog::ConfigEntryRequest request;
      ConfigEntryResponse one;
      IndexedConfigEntries many;
      IndexedGenericConfigEntries all;
      EXPECT_FALSE(base::read_msgpack(part, request) && base::read_msgpack(part, one) &&
                   base::read_msgpack(part, many) && base::read_msgpack(part, all))
          << name << " " << size;
    }
  }
}

TEST(RpcVectors, YamuxFrames) {
  for (const char* name : {"yamux_open", "yamux_accept", "yamux_data", "yamux_window_update", "yamux_fin", "yamux_rst",
                           "yamux_ping", "yamux_pong", "yamux_goaway_normal"}) {
    const std::string& bytes = golden(name);
    std::string out;
    base::net::yamux::append_header(out, base::net::yamux::read_header(bytes));
    EXPECT_EQ(out, bytes.substr(0, base::net::yamux::kHeaderSize)) << name;
  }
}

TEST(RpcVectors, ConversationsOfEveryMethodThatIsHere) {
  std::set<std::string> seen;
  for (const auto& [name, value] : vectors("rpc_live.json")) {
    const Value* extra = value.find("extra");
    const Value* answer = extra ? extra->find("response_hex") : nullptr;
    const Value* called = extra ? extra->find("method") : nullptr;
    if (!answer || !called) continue;
    const Method* method = find_method(*called->as_string());
    if (!method) continue;
    const std::string request = from_hex(*value.find("hex")->as_string()), reply = from_hex(*answer->as_string());
    const Result<Pair> asked = measure(request, 1 << 20), answered = measure(reply, 1 << 20);
    ASSERT_TRUE(asked && asked->whole() && answered && answered->whole()) << name;

    const Result<RequestHeader> header = read_request_header(std::string_view(request).substr(0, asked->header));
    ASSERT_TRUE(header) << name;
    EXPECT_EQ(header->service_method, method->name);
    const InvocationPtr invocation = method->make();
    const Result<> decoded = invocation->decode_request(std::string_view(request).substr(asked->header));
    ASSERT_TRUE(decoded) << name << ": " << decoded.error().detail;
    std::string out;
    append_header(out, *header);
    invocation->encode_request(out);
    expect_same(out.substr(asked->header), std::string_view(request).substr(asked->header), name);

    const Result<ResponseHeader> said = read_response_header(std::string_view(reply).substr(0, answered->header));
    ASSERT_TRUE(said) << name;
    if (!said->error.empty()) continue;
    const Result<> understood = invocation->decode_reply(std::string_view(reply).substr(answered->header));
    ASSERT_TRUE(understood) << name << ": " << understood.error().detail;
    out.clear();
    append_header(out, *said);
    invocation->encode_reply(out);
    expect_same(out.substr(answered->header), std::string_view(reply).substr(answered->header), name);
    seen.insert(std::string(method->name));
  }
  EXPECT_GE(seen.size(), 20u);
}

/// The list of methods and their kinds is the peer's.
TEST(RpcVectors, ARowReadsIfThePeersDoes) {
  std::size_t rows = 0;
  for (const std::span<const Method> family : all_methods()) {
    for (const Method& method : family) {
      ++rows;
      EXPECT_EQ(find_method(method.name), &method) << method.name << " is there twice";
    }
  }
  EXPECT_GE(rows, 40u);
}

}  // namespace
}  // namespace proconsul::agent::rpc
