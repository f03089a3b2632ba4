// Every RPC method, asked at a server that denies by default: by nobody, by a token that nobody knows, by tokens with
// everything but what the method needs, and by one with nothing else.
#include <gtest/gtest.h>

#include <future>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "agent/auth/logins.h"
#include "agent/doctor/findings.h"
#include "agent/mesh/authority.h"
#include "agent/mesh/authority_config.h"
#include "agent/mesh/auto_encrypt_server.h"
#include "agent/mesh/spiffe.h"
#include "agent/rpc/acl_places.h"
#include "agent/rpc/acl_types.h"
#include "agent/rpc/config_types.h"
#include "agent/rpc/connect_ca_types.h"
#include "agent/rpc/dispatcher.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/permission_rows.h"
#include "agent/rpc/pool.h"
#include "agent/rpc/types.h"
#include "agent/server/acl_settings.h"
#include "agent/server/lone_server.h"
#include "agent/tokens/resolver.h"
#include "agent/x509/certificate.h"
#include "base/json.h"
#include "base/msgpack.h"
#include "base/random.h"
#include "base/uuid.h"
#include "base/value.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/input.h"

namespace proconsul::agent::rpc {
namespace {

using namespace std::chrono_literals;
using base::Result;
using test::Refusal;
using test::Row;

constexpr const char* kRoot = "aaaaaaaa-0000-0000-0000-000000000001";
constexpr const char* kCluster = "cccccccc-0000-0000-0000-000000000001";
constexpr const char* kUnknown = "aaaaaaaa-0000-0000-0000-00000000ffff";

class NoPools final : public Federation {
 public:
  std::vector<std::string> datacenters() const override { return {"dc1"}; }
  base::List<catalog::DatacenterMap> coordinates() const override { return {}; }
  bool on_wan() const override { return false; }
  bool has_federation_states() const override { return true; }
  void see(std::move_only_function<void(Result<doctor::View>)> done) override { done(doctor::View{.Node = "walked"}); }
  void examine(std::string, std::move_only_function<void(Result<doctor::Findings>)> done) override {
    done(doctor::Findings{.own = {.Node = "walked"}});
  }
  void user_event(std::string, std::string, std::move_only_function<void(Result<>)> done) override { done({}); }
  void key_operation(bool, gossip::serf::KeyOperation, std::string, std::uint8_t, gossip::serf::KeyDone done) override {
    done({});
  }
};

std::string uuid() {
  return base::generate_uuid(base::system_random());
}

/// The rule that grants "key:write a".
std::string rule_of(std::string_view need) {
  const std::string resource(need.substr(0, need.find(':')));
  const std::size_t blank = need.find(' ');
  const std::string access(
      need.substr(resource.size() + 1, blank == need.npos ? need.npos : blank - resource.size() - 1));
  if (blank == need.npos) return resource + " = \"" + access + "\"\n";
  if (resource == "intention") {
    return "service \"" + std::string(need.substr(blank + 1)) + "\" { policy = \"deny\" intentions = \"" + access +
           "\" }\n";
  }
  return resource + " \"" + std::string(need.substr(blank + 1)) + "\" { policy = \"" + access + "\" }\n";
}

/// Everything of every resource but that of the need, and one that would do as well.
std::string all_but(std::string_view need, std::string_view does_too) {
  const std::string_view missing = need.substr(0, need.find(':'));
  std::string rules;
  for (const std::string named : {"agent", "event", "key", "node", "query", "service", "session"}) {
    if (named == missing || named == does_too) continue;
    // Whoever may register a service may read its intentions.
    const bool spares = named == "service" && missing == "intention";
    rules += named + "_prefix \"\" { policy = \"write\"" + (spares ? " intentions = \"deny\"" : "") + " }\n";
  }
  for (const std::string whole : {"acl", "keyring", "mesh", "operator", "peering"}) {
    if (whole != missing && whole != does_too) rules += whole + " = \"write\"\n";
  }
  return rules;
}

/// JSON knows no integers; requests do.
base::Value with_integers(const base::Value& value) {
  if (const double* number = value.as_double(); number && *number == static_cast<double>(static_cast<int>(*number))) {
    return base::Value(static_cast<std::int64_t>(*number));
  }
  base::Value copy = value;
  if (base::Value::ListType* list = copy.as_list()) {
    for (base::Value& each : *list) each = with_integers(each);
  }
  if (base::Value::MapType* map = copy.as_map()) {
    for (auto& [name, each] : *map) each = with_integers(each);
  }
  return copy;
}

mesh::Authority::Settings authority_settings() {
  base::Map<base::Value> config;
  config["cluster_id"] = kCluster;
  return {.initial = *mesh::initial_configuration("consul", config)};
}

class PermissionWalk : public testing::Test {
 protected:
  PermissionWalk() {
    acl_.enabled = true;
    acl_.own_tokens = &own_;
    acl_.default_policy = "deny";
    acl_.initial_management = kRoot;
    acl_.node_name = "n1";
    server::RaftServer::Options options = server::lone_server();
    options.duties.acl = acl_;
    options.duties.authority = &authority_;
    server_ = *server::RaftServer::start(std::move(options));
    dispatcher_.emplace(loops_,
                        Services{.server = *server_,
                                 .cluster = server_.get(),
                                 .connect_enabled = true,
                                 .federation = &pools_,
                                 .tokens = &resolver_,
                                 .acl = &acl_,
                                 .logins = &logins_,
                                 .authority = &authority_,
                                 .auto_encrypt = &auto_encrypt_},
                        cluster_, pool_, Dispatcher::Settings{});
    authority_.open(*server_, *dispatcher_, loops_);
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!resolver_.resolve(server_->view()->tables(), kRoot) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(1ms);
    }
    make_state();
  }
  ~PermissionWalk() override {
    logins_.stop();
    authority_.stop();
    dispatcher_->stop();
    pool_.stop();
    server_->stop();
  }

  /// The reply's bytes.
  Result<std::string> call(std::string_view name, const std::string& request, std::string_view token) {
    const Method* method = find_method(name);
    if (!method) return base::Error{base::Errc::not_found, "no method " + std::string(name)};
    const InvocationPtr call = method->make();
    const Result<base::Value> value = base::from_json<base::Value>(request);
    EXPECT_TRUE(value) << request;
    std::string body;
    if (name == "ConfigEntry.Apply" || name == "ConfigEntry.Delete") {
      catalog::ConfigEntryRequest change;
      change.Token = token;
      change.Entry = *catalog::decode_config_entry(*value->as_map());
      body = catalog::encode_config_entry_command(change).substr(1);
    } else {
      base::MsgpackWriter(body).value(with_integers(*value));
    }
    const Result<> decoded = call->decode_request(body);
    EXPECT_TRUE(decoded) << name << " " << request << ": " << (decoded ? "" : decoded.error().detail);
    if (call->token() != token) replace_field(*call, "Token", token);
    std::promise<Result<>> done;
    ask(*dispatcher_, loops_[0], *method, call, [&](Result<> result) { done.set_value(std::move(result)); });
    std::future<Result<>> answered = done.get_future();
    if (answered.wait_for(60s) != std::future_status::ready) return base::Error{base::Errc::timeout, "no answer"};
    if (const Result<> result = answered.get(); !result) return result.error();
    std::string reply;
    call->encode_reply(reply);
    return reply;
  }
  void must(std::string_view name, const std::string& request) {
    const Result<std::string> done = call(name, request, kRoot);
    ASSERT_TRUE(done) << name << ": " << done.error().detail;
  }

  void make_state() {
    must("Catalog.Register",
         R"({"Node":"other","Address":"10.9.8.7","Service":{"ID":"web","Service":"web","Port":80},"Checks":[)"
         R"({"CheckID":"nodecheck","Name":"nodecheck","Status":"passing"},)"
         R"({"CheckID":"webcheck","Name":"webcheck","Status":"passing","ServiceID":"web"}]})");
    must("FederationState.Apply", R"({"Op":"upsert","State":{"Datacenter":"dc2","MeshGateways":[)"
                                  R"({"Node":{"Node":"far","Address":"10.6.5.4"},"Service":{"Service":"gate"}}]}})");
    must("KVS.Apply", R"({"Op":"set","DirEnt":{"Key":"secret/k","Value":"hush"}})");
    must("Coordinate.Update",
         R"({"Node":"other","Coord":{"Vec":[0,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.00001}})");
    must("ConfigEntry.Apply", R"({"Kind":"service-defaults","Name":"web","Meta":{"made":"walk-entry"}})");
    must("Intention.Apply",
         R"({"Op":"upsert","Intention":{"SourceName":"api","DestinationName":"db","Action":"allow"}})");
    made_["$csr"] = signing_request();
    made_["$policy"] = uuid_of("ACL.PolicySet", R"({"Policy":{"Name":"walk-kept"}})");
    made_["$role"] = uuid_of("ACL.RoleSet", R"({"Role":{"Name":"walk-kept"}})");
    made_["$session"] = uuid_of("Session.Apply", R"({"Op":"create","Session":{"Node":"other","Name":"holder"}})");
    made_["$query"] =
        uuid_of("PreparedQuery.Apply", R"({"Op":"create","Query":{"Name":"asked","Service":{"Service":"web"}}})");
    made_["$accessor"] = uuid();
    must("ACL.TokenSet",
         R"({"Create":true,"ACLToken":{"Description":"walked","AccessorID":")" + made_["$accessor"] + "\"}}");
  }
  /// Of service web, as text within JSON; once there is an authority.
  std::string signing_request() {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!call("ConnectCA.ConfigurationGet", "{}", kRoot) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(1ms);
    }
    const mesh::SpiffeId web{.host = mesh::trust_domain(kCluster), .datacenter = "dc1", .name = "web"};
    const std::string key = *x509::generate_key("ec", 256);
    std::string quoted;
    base::append_json_string(quoted, *x509::make_request(key, {.uri = web.uri()}, false));
    return quoted.substr(1, quoted.size() - 2);
  }
  /// The first id in what is answered.
  std::string uuid_of(std::string_view name, const std::string& request) {
    const Result<std::string> done = call(name, request, kRoot);
    EXPECT_TRUE(done) << name << ": " << (done ? "" : done.error().detail);
    for (std::size_t at = 0; done && at + 36 <= done->size(); ++at) {
      if (std::string text = done->substr(at, 36); base::parse_uuid(text)) return text;
    }
    ADD_FAILURE() << "no id from " << name;
    return {};
  }

  std::string token_with(const std::string& rules) {
    std::string& secret = by_rules_[rules];
    if (!secret.empty()) return secret;
    secret = uuid();
    std::string quoted;
    base::append_json_string(quoted, rules);
    const std::string name = "walk-" + std::to_string(by_rules_.size());
    must("ACL.PolicySet", R"({"Policy":{"Name":")" + name + R"(","Rules":)" + quoted + "}}");
    must("ACL.TokenSet",
         R"({"Create":true,"ACLToken":{"SecretID":")" + secret + R"(","Policies":[{"Name":")" + name + "\"}]}}");
    return secret;
  }

  /// $name of what was made; $new and $uuid are other ones for each row.
  std::string filled(std::string_view text, const std::map<std::string, std::string>& fresh) const {
    std::string out(text);
    for (const auto* names : {&made_, &fresh}) {
      for (const auto& [name, value] : *names) {
        for (std::size_t at = 0; (at = out.find(name, at)) != out.npos; at += value.size()) {
          out.replace(at, name.size(), value);
        }
      }
    }
    return out;
  }

  void expect_refused(const Row& row, const std::string& request, std::string_view token, const std::string& who,
                      std::string_view need) {
    ++questions_;
    const Result<std::string> answer = call(row.method, request, token);
    const std::string what = std::string(row.method) + " " + request + " by " + who;
    if (token == kUnknown) {
      ASSERT_FALSE(answer) << what;
      EXPECT_TRUE(answer.error().detail.find("ACL not found") != std::string::npos) << what << answer.error().detail;
      return;
    }
    switch (row.refusal) {
      case Refusal::denied:
      case Refusal::other: {
        ASSERT_FALSE(answer) << what;
        const std::string& text = answer.error().detail;
        EXPECT_TRUE(text.find("Permission denied") != text.npos || text.find("ACL not found") != text.npos)
            << what << ": " << text;
        if (row.refusal == Refusal::other) return;
        const std::string permission(need.substr(0, need.find(' ')));
        EXPECT_TRUE(text.find("lacks permission '" + permission + "'") != text.npos) << what << ": " << text;
        return;
      }
      case Refusal::hidden:
        ASSERT_TRUE(answer) << what << ": " << answer.error().detail;
        EXPECT_EQ(answer->find(row.shows), std::string::npos) << what << " shows " << row.shows;
        return;
      case Refusal::faults:
        ASSERT_TRUE(answer) << what << ": " << answer.error().detail;
        EXPECT_NE(answer->find("Permission denied"), std::string::npos) << what;
        return;
      case Refusal::open:
      case Refusal::known:
        FAIL() << what;
    }
  }

  void expect_allowed(const Row& row, const std::string& request, std::string_view token, const std::string& who) {
    ++questions_;
    const Result<std::string> answer = call(row.method, request, token);
    const std::string what = std::string(row.method) + " " + request + " by " + who;
    // That something is wrong with the question itself is none of access control.
    if (!answer) {
      EXPECT_EQ(answer.error().detail.find("Permission denied"), std::string::npos) << what << answer.error().detail;
      EXPECT_TRUE(row.shows.empty()) << what << ": " << answer.error().detail;
      return;
    }
    EXPECT_EQ(answer->find("Permission denied"), std::string::npos) << what;
    EXPECT_NE(answer->find(row.shows), std::string::npos) << what << " does not show " << row.shows;
  }

  void walk(const Row& row) {
    const std::map<std::string, std::string> fresh{{"$new", "new-" + std::to_string(++serial_)}, {"$uuid", uuid()}};
    const std::string request = filled(row.request, fresh);
    if (row.refusal == Refusal::open || row.refusal == Refusal::known) {
      expect_allowed(row, request, "", "nobody");
      if (row.refusal == Refusal::open) return expect_allowed(row, request, kUnknown, "a stranger");
      return expect_refused(row, request, kUnknown, "a stranger", {});
    }
    std::string granted;
    for (const std::string_view pattern : row.needs) granted += rule_of(filled(pattern, fresh));
    const std::string_view first = row.needs.empty() ? std::string_view() : row.needs.front();
    expect_refused(row, request, "", "nobody", first);
    expect_refused(row, request, kUnknown, "a stranger", first);
    if (row.needs.empty()) return expect_refused(row, request, kRoot, "root", first);
    for (const std::string_view pattern : row.needs) {
      const std::string need = filled(pattern, fresh);
      expect_refused(row, request, token_with(all_but(need, row.does_too)), "one with all but " + need, need);
    }
    expect_allowed(row, request, token_with(granted), "one with nothing else");
  }

  base::net::Loops loops_{2};
  NoCluster cluster_{};
  NoPools pools_{};
  tokens::Store own_{};
  server::AclSettings acl_{};
  tokens::Resolver resolver_{{.enabled = true, .node_name = "n1", .default_allow = false}, own_, base::system_clock()};
  auth::Logins logins_{loops_[1], base::system_clock()};
  mesh::Authority authority_{authority_settings(), base::system_clock()};
  mesh::AutoEncryptServer auto_encrypt_{.allowed = true, .manual_roots = [] { return base::List<std::string>(); }};
  std::unique_ptr<server::RaftServer> server_{};
  Pool pool_{loops_, {}};
  std::optional<Dispatcher> dispatcher_{};
  std::map<std::string, std::string> made_{};
  std::map<std::string, std::string> by_rules_{};
  int serial_ = 0;
  int questions_ = 0;
};

TEST_F(PermissionWalk, EveryMethodAsksForWhatItsRowSays) {
  std::set<std::string_view> walked;
  for (const Row& row : test::permission_rows()) {
    ASSERT_NE(find_method(row.method), nullptr) << row.method << " is no method";
    walked.insert(row.method);
    walk(row);
  }
  // It is for who has no Consul token yet; by what it lets anybody in, auto_config_test.cc asks. Its request is
  // protobuf, of which the empty text is one.
  const Result<std::string> introduced = call("AutoConfig.InitialConfiguration", R"("")", "");
  ASSERT_FALSE(introduced);
  EXPECT_EQ(introduced.error().detail, "Auto Config is disabled");
  walked.insert("AutoConfig.InitialConfiguration");

  for (const std::span<const Method> family : all_methods()) {
    for (const Method& method : family) {
      EXPECT_TRUE(walked.contains(method.name)) << method.name << " has no row in permission_rows.h";
    }
  }
  std::cout << walked.size() << " methods, " << questions_ << " questions\n";
}

TEST_F(PermissionWalk, WhatAclsTakeOutIsSaid) {
  const std::string nodes = token_with(R"(node_prefix "" { policy = "read" })");
  const std::string reads = R"({"Ops":[{"KV":{"Verb":"get","DirEnt":{"Key":"secret/k"}}}]})";
  for (const auto& [who, filtered] : {std::pair(nodes, true), std::pair(std::string(kRoot), false)}) {
    const auto read = base::from_msgpack<catalog::TxnReadResponse>(*call("Txn.Read", reads, who));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->Results.empty(), filtered);
    EXPECT_EQ(read->ResultsFilteredByACLs, filtered);
  }
  const auto list =
      base::from_msgpack<IndexedNodeServiceList>(*call("Catalog.NodeServiceList", R"({"Node":"other"})", nodes));
  ASSERT_TRUE(list && list->NodeServices.Node);
  EXPECT_TRUE(list->NodeServices.Services.empty() && !list->NodeServices.Services.is_nil());
}

TEST_F(PermissionWalk, IdsThatAreNoneAreNamed) {
  const std::string no_id = "index error: UUID must be 36 characters";
  const auto error_of = [&](std::string_view method, const std::string& request, std::string_view token = kRoot) {
    const Result<std::string> done = call(method, request, token);
    return done ? "" : done.error().detail;
  };
  EXPECT_EQ(error_of("ACL.TokenClone", R"({"ACLToken":{"AccessorID":"nope"}})"), "failed acl token lookup: " + no_id);
  EXPECT_EQ(error_of("ACL.TokenSet", R"({"ACLToken":{"Policies":[{"ID":"zz"}]}})"),
            "Error looking up policy for ID: \"zz\": failed acl policy lookup: " + no_id);
  EXPECT_EQ(error_of("ACL.TokenSet", R"({"ACLToken":{"Roles":[{"ID":"zz"}],"Policies":[{"ID":"zz"}]}})"),
            "Error looking up role for ID: \"zz\": failed acl role lookup: " + no_id);
  EXPECT_EQ(error_of("ACL.RoleSet", R"({"Role":{"Name":"bad","Policies":[{"ID":"zz"}]}})"),
            "Failed to apply role upsert request: failed acl policy lookup: " + no_id);
  // Before the token is judged.
  EXPECT_EQ(error_of("PreparedQuery.Get", R"({"QueryID":"zz"})", kUnknown), "failed prepared query lookup: " + no_id);
  EXPECT_EQ(error_of("PreparedQuery.Get", R"({"QueryID":")" + uuid() + "\"}", kUnknown), "Query not found");
}

TEST_F(PermissionWalk, IdentitiesOfOneServiceAreMergedAsSortedLists) {
  const auto merged = [&](const std::string& first, const std::string& second) {
    const auto token = base::from_msgpack<catalog::ACLToken>(
        *call("ACL.TokenSet",
              R"({"ACLToken":{"ServiceIdentities":[{"ServiceName":"w","Datacenters":)" + first +
                  R"(},{"ServiceName":"w","Datacenters":)" + second + "}]}}",
              kRoot));
    return base::to_json(token->ServiceIdentities[0]->Datacenters);
  };
  EXPECT_EQ(merged(R"(["dc1","dc1"])", R"(["dc2"])"), R"(["dc1","dc1","dc2"])");
  EXPECT_EQ(merged(R"(["dc2","dc1","dc2"])", R"(["dc3"])"), R"(["dc1","dc2","dc2","dc3"])");
  EXPECT_EQ(merged(R"(["dc1","dc1"])", R"(["dc1"])"), R"(["dc1","dc1"])");
}

TEST_F(PermissionWalk, WhoWaitsForATokenSleepsThroughOthers) {
  const std::string token = R"({"TokenIDType":"accessor","TokenID":")" + made_["$accessor"] + '"';
  const auto read = [&](const std::string& options) {
    return base::from_msgpack<ACLTokenResponse>(*call("ACL.TokenRead", token + options + '}', kRoot));
  };
  const std::uint64_t index = read("")->Index;
  const std::size_t others = blocking_calls();
  auto waiting = std::async(std::launch::async, [&] {
    return read(R"(,"MaxQueryTime":1000000000,"MinQueryIndex":)" + std::to_string(index));
  });
  while (blocking_calls() <= others) std::this_thread::sleep_for(1ms);
  must("ACL.TokenSet", R"({"ACLToken":{"Description":"another"}})");
  const auto answer = waiting.get();
  ASSERT_TRUE(answer && answer->Token);
  EXPECT_EQ(answer->Index, index);
  EXPECT_GT(read("")->Index, index);
}

}  // namespace
}  // namespace proconsul::agent::rpc
