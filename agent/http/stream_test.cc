#include <gtest/gtest.h>

#include "agent/http/stream_endpoint.h"
#include "agent/http/test_server.h"
#include "agent/tokens/resolver.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/registry/register.h"

namespace proconsul::agent::http {
namespace {

using test::Client;
using test::StoreServer;

constexpr Route kRows[] = {{Method::get, "/v1/stream", call(change_stream)}};
constexpr std::span<const Route> kFamilies[] = {kRows};

class Stream : public testing::Test {
 protected:
  Stream() {
    const auto listening = http.listen_tcp("127.0.0.1", 0, nullptr);
    EXPECT_TRUE(listening);
    port = listening ? *listening : 0;
  }
  ~Stream() override {
    http.stop();
    loops.stop();
  }
  // An open stream; its first event was "ready".
  Client open(const std::string& query, const std::string& headers = {}) {
    Client client(port);
    client.send("GET /v1/stream?" + query + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return client;
  }
  std::string answer(const std::string& query, const std::string& headers = {}) {
    return Client(port).get("/v1/stream?" + query, headers);
  }
  void remove_tree(const std::string& prefix) {
    const std::lock_guard lock(server.mutex);
    server.store.writer().begin_command(++server.index);
    catalog::kv_delete_tree(server.store.writer(), prefix);
    (void)server.store.commit();
  }

  StoreServer server{};
  base::WatchRegistry local_watches{};
  StreamHub hub{server.store.changes()};
  tokens::Store own{};
  tokens::Resolver resolver{{.enabled = true, .default_allow = false}, own, base::system_clock()};
  base::net::Loops loops{2};
  Context context{
      .server = &server, .local_watches = local_watches, .settings = {.datacenter = "dc1"}, .streams = &hub};
  HttpServer http{loops, context, kFamilies};
  std::uint16_t port = 0;
};

TEST_F(Stream, TellsEveryChangeBehindAnIndexThenWhatHappens) {
  server.put("a/1", "one");  // 11
  server.put("a/2", "two");  // 12
  server.put("b", "other");  // 13

  Client client = open("topic=kv&prefix=a/&index=11");
  std::string text = client.receive_until("id: 12.1\n");
  EXPECT_NE(text.find("Content-Type: text/event-stream"), std::string::npos);
  EXPECT_NE(text.find("event: ready\nid: 11\ndata: {\"Index\":11}\n\n"), std::string::npos);
  text += client.receive_until("\n\n");
  EXPECT_NE(
      text.find("event: kv.set\nid: 12.1\ndata: {\"Index\":12,\"Entry\":{\"LockIndex\":0,\"Key\":\"a/2\",\"Flags\":"
                "0,\"Value\":\"dHdv\",\"CreateIndex\":12,\"ModifyIndex\":12}}\n\n"),
      std::string::npos)
      << text;

  server.put("b", "again");
  remove_tree("a");
  text = client.receive_until("delete-tree\nid: 15.1\n");
  EXPECT_EQ(text.find("kv.set"), std::string::npos);
  EXPECT_NE(client.receive_until("\n\n").find("data: {\"Index\":15,\"Prefix\":\"a\"}"), std::string::npos);
}

class StreamWithTokens : public Stream {
 protected:
  StreamWithTokens() { context.tokens = &resolver; }
  void give(std::string secret, std::string rules) {
    catalog::ACLPolicy policy{.ID = "policy-" + secret, .Name = secret, .Rules = std::move(rules)};
    catalog::ACLTokenBatchSetRequest tokens;
    catalog::ACLToken& token = tokens.Tokens.emplace_back().emplace();
    token.AccessorID = "accessor-" + secret;
    token.SecretID = secret;
    token.Policies.push_back({.ID = policy.ID, .Name = {}});
    catalog::ACLPolicyBatchSetRequest policies;
    policies.Policies.emplace_back().emplace() = std::move(policy);
    const std::lock_guard lock(server.mutex);
    server.store.writer().begin_command(++server.index);
    EXPECT_TRUE(catalog::apply_acl_policies(server.store.writer(), policies));
    EXPECT_TRUE(catalog::apply_acl_tokens(server.store.writer(), tokens));
    (void)server.store.commit();
  }
};

TEST_F(StreamWithTokens, TellsWhatTheTokenMayRead) {
  give("t", R"(key_prefix "a/" { policy = "read" } key_prefix "a/secret" { policy = "deny" })");
  server.put("other", "1");
  server.put("a/secret/1", "2");
  server.put("a/1", "3");

  Client client = open("topic=kv&index=10&token=t");
  std::string text = client.receive_until("\"a/1\"");
  EXPECT_EQ(text.find("other"), std::string::npos) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  Client below = open("topic=kv&prefix=a/&token=t");
  (void)below.receive_until("}\n\n");

  // Of all keys: what is gone below a/ may be said, that others are gone may not.
  remove_tree("");
  EXPECT_NE(below.receive_until("}\n\n").find("\"Prefix\":\"a/\""), std::string::npos);
  text = client.receive_until("compacted");
  EXPECT_EQ(text.find("delete-tree"), std::string::npos) << text;
  EXPECT_TRUE(answer("topic=kv&token=none").starts_with("HTTP/1.1 403"));
}

TEST_F(Stream, ResumesWhereTheClientWas) {
  server.put("k", "1");
  server.put("k", "2");

  Client client = open("topic=kv&index=999", "Last-Event-ID: 11.1\r\n");
  const std::string text = client.receive_until("id: 12.1\n");

  EXPECT_EQ(text.find("id: 11.1\ndata: {\"Index\":11,"), std::string::npos);
  EXPECT_NE(text.find("event: ready\nid: 11.1\n"), std::string::npos);
}

TEST_F(Stream, WhatIsForgottenIsSaid) {
  server.store.replace(catalog::Tables{}, 50);

  const std::string refused = answer("topic=kv&index=49");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 410"));
  EXPECT_NE(refused.find("{\"Error\":\"compacted\",\"OldestIndex\":50,\"Index\":50}"), std::string::npos);

  Client client = open("topic=kv&index=50");
  (void)client.receive_until("event: ready");
  server.store.replace(catalog::Tables{}, 60);
  const std::string text = client.receive_until("\r\n0\r\n\r\n");
  EXPECT_NE(text.find("event: compacted\ndata: {\"Error\":\"compacted\",\"OldestIndex\":60,\"Index\":60}\n\n"),
            std::string::npos);
}

TEST_F(Stream, AStreamOfWhatIsQuietOutlivesTheLog) {
  Client client = open("topic=kv&prefix=quiet/");
  (void)client.receive_until("event: ready\n");
  Client busy = open("topic=kv&prefix=busy");  // sets the pace: who reads too slowly is told so, rightly
  (void)busy.receive_until("event: ready\n");
  for (int i = 0; i < 30; ++i) {
    server.put("busy", std::string(400'000, i % 2 == 0 ? 'x' : 'y'));
    (void)busy.receive_until("event: kv.set\n");
  }
  EXPECT_GT(server.store.changes().oldest(), 0u);

  server.put("quiet/k", "v");

  const std::string text = client.receive_until("event: kv.set\n");
  EXPECT_EQ(text.find("compacted"), std::string::npos);
}

TEST_F(Stream, WhatIsFarBehindOtherChangesIsFound) {
  for (int i = 0; i < 300; ++i) server.put("busy", std::to_string(i));
  server.put("quiet", "v");

  Client client = open("topic=kv&prefix=quiet&index=11");

  EXPECT_NE(client.receive_until("id: 311.1\n").find("event: kv.set\n"), std::string::npos);
}

TEST_F(Stream, ServicesHealthAndNodesByName) {
  const auto apply = [&](catalog::RegisterRequest request) {
    const std::lock_guard lock(server.mutex);
    server.store.writer().begin_command(++server.index);
    ASSERT_TRUE(catalog::apply_register(server.store.writer(), std::move(request)));
    (void)server.store.commit();
  };
  Client services = open("topic=services&name=web");
  Client health = open("topic=health&name=WEB");
  Client nodes = open("topic=nodes&name=n2");
  for (Client* client : {&services, &health, &nodes}) (void)client->receive_until("event: ready\n");
  catalog::RegisterRequest request;
  request.Node = "n1";
  request.Address = "10.0.0.1";
  request.Service.emplace().Service = "web";
  apply(request);
  request.Service->Service = "db";
  request.Service->ID = "db";
  request.Node = "n2";
  apply(request);
  request.Node = "n1";
  request.Service.reset();
  catalog::HealthCheck& check = request.Check.emplace();
  check.Node = "n1";
  check.CheckID = "c";
  check.Status = "critical";
  apply(request);

  EXPECT_NE(services.receive_until("\"Node\":\"n1\",\"Service\":{").find("event: service.register\nid: 11."),
            std::string::npos);
  const std::string text = health.receive_until("\"Status\":\"critical\"");
  EXPECT_NE(text.find("event: health.update\nid: 13.1\n"), std::string::npos);
  EXPECT_EQ(text.find("\"db\""), std::string::npos);
  EXPECT_NE(nodes.receive_until("data: {\"Index\":12,\"Node\":{").find("event: node.register\n"), std::string::npos);
}

TEST_F(Stream, BadParametersAreRefused) {
  for (const auto& [query, text] : std::vector<std::pair<std::string, std::string>>{
           {"", "Invalid topic \"\": must be kv, services, health or nodes"},
           {"topic=x", "Invalid topic \"x\": must be kv, services, health or nodes"},
           {"topic=kv&name=x", "Topic kv takes ?prefix, not ?name"},
           {"topic=nodes&prefix=x", "?prefix is for topic kv; use ?name"},
           {"topic=kv&index=x", "Invalid index"},
           {"topic=kv&index=1.2", "Invalid index"}}) {
    const std::string refused = answer(query);
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 400") && refused.ends_with(text)) << refused;
  }
  EXPECT_TRUE(answer("topic=kv", "Last-Event-ID: a.b\r\n").ends_with("Invalid Last-Event-ID"));
  EXPECT_TRUE(answer("topic=kv&dc=elsewhere").ends_with("ask a server of elsewhere"));
}

}  // namespace
}  // namespace proconsul::agent::http
