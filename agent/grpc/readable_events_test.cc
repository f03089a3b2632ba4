// What subscribers see whose tokens do not allow everything.
#include "agent/grpc/readable_events.h"

#include <gtest/gtest.h>

#include <mutex>

#include "agent/grpc/subscribe.h"
#include "agent/grpc/test_place.h"
#include "agent/http/test_server.h"
#include "agent/tokens/store.h"
#include "base/clock.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/registry/register.h"
#include "catalog/registry/registry_fixture.h"

namespace proconsul::agent::grpc {
namespace {

using catalog::testing_support::service_request;
using test::Ear;
using test::Place;

constexpr const char* kPolicy = "11111111-2222-3333-4444-555555555555";
constexpr const char* kAccessor = "a0000000-0000-0000-0000-000000000001";
constexpr const char* kSecret = "50000000-0000-0000-0000-000000000001";

class ReadableEvents : public testing::Test {
 protected:
  ReadableEvents() {
    set_policy(R"(service "web" { policy = "read" } node_prefix "n" { policy = "read" })");
    change([](catalog::Transaction& writer) {
      catalog::ACLTokenBatchSetRequest request;
      catalog::ACLToken& token = request.Tokens.emplace_back().emplace();
      token.AccessorID = kAccessor;
      token.SecretID = kSecret;
      token.Policies.push_back({.ID = kPolicy});
      return catalog::apply_acl_tokens(writer, std::move(request));
    });
    for (auto [node, service] : {std::pair("n1", "web"), std::pair("n1", "db"), std::pair("m1", "web")}) {
      add(node, service);
    }
    Services all;
    subscriptions.add_to(all);
    place = std::make_unique<Place>(loops, std::move(all));
  }
  ~ReadableEvents() override {
    place->stop();
    client.stop();
    subscriptions.stop();
  }
  template <class Change>
  void change(Change apply) {
    const std::lock_guard lock(store.mutex);
    store.store.writer().begin_command(++store.index);
    ASSERT_TRUE(apply(store.store.writer()));
    (void)store.store.commit();
  }
  void add(const std::string& node, const std::string& service) {
    change([&](catalog::Transaction& writer) {
      return catalog::apply_register(writer, service_request(node, service + "-" + node, service));
    });
  }
  void set_policy(const char* rules) {
    change([&](catalog::Transaction& writer) {
      catalog::ACLPolicyBatchSetRequest request;
      catalog::ACLPolicy& policy = request.Policies.emplace_back().emplace();
      policy.ID = kPolicy;
      policy.Name = "reads-web";
      policy.Rules = rules;
      return catalog::apply_acl_policies(writer, std::move(request));
    });
  }
  std::unique_ptr<Client::Call> subscribe(Topic topic, std::string service, Ear& ear, std::string secret = kSecret) {
    SubscribeRequest request;
    request.Topic = static_cast<std::int32_t>(topic);
    request.Token = std::move(secret);
    request.WildcardSubject = service.empty();
    if (!service.empty()) request.NamedSubject.emplace().Key = std::move(service);
    auto frame = std::make_shared<std::string>();
    append_frame(*frame, [&] { schema().append(*frame, request); });
    std::unique_ptr<Client::Call> call;
    loops[0].run([&] {
      call = client.call(loops[0], place->target(), "/subscribe.StateChangeSubscription/Subscribe", frame, ear);
    });
    return call;
  }
  void drop(std::unique_ptr<Client::Call>& call) {
    loops[0].run([&] { call.reset(); });
  }
  static std::string spell(const std::string& message) {
    Event event;
    if (!schema().parse(message, event)) return message;
    if (event.EndOfSnapshot) return "end";
    if (event.Service) return event.Service->Name;
    std::string names;
    if (event.EventBatch) {
      for (const Event& each : event.EventBatch->Events) names += each.Service->Name + ";";
      return names;
    }
    return event.ServiceHealth->CheckServiceNode->Service->ID;
  }

  base::net::Loops loops{2};
  http::test::StoreServer store{};
  rpc::NoCluster nobody{};
  tokens::Store own_tokens{};
  tokens::Resolver resolver{{.enabled = true, .default_allow = false}, own_tokens, base::system_clock()};
  Client client{loops, {}};
  Subscriber nowhere{client, servers_elsewhere(nobody)};
  SubscribeService subscriptions{loops, store, nobody, nowhere, {.tokens = &resolver}};
  std::unique_ptr<Place> place{};
};

TEST_F(ReadableEvents, WhatATokenMayNotReadIsLeftOut) {
  Ear web, db, nodes;
  auto one = subscribe(Topic::service_health, "web", web), two = subscribe(Topic::service_health, "db", db);
  auto three = subscribe(Topic::service_list, "", nodes);
  EXPECT_EQ(spell(web.next()), "web-n1");
  EXPECT_EQ(spell(web.next()), "end");
  EXPECT_EQ(spell(db.next()), "end");
  EXPECT_EQ(spell(nodes.next()), "web;");
  add("m2", "web");
  add("n2", "web");
  EXPECT_EQ(spell(web.next()), "web-n2");
  drop(one);
  drop(two);
  drop(three);
}

TEST_F(ReadableEvents, AnUnknownTokenIsAnError) {
  Ear ear;
  auto call = subscribe(Topic::service_health, "web", ear, "60000000-0000-0000-0000-000000000001");
  const std::string end = ear.next();
  EXPECT_TRUE(end.starts_with("end 2 ") && end.ends_with("ACL not found")) << end;
  drop(call);
}

TEST_F(ReadableEvents, ATokenThatMayDoSomethingElseBeginsAnew) {
  Ear ear;
  auto call = subscribe(Topic::service_health, "web", ear);
  EXPECT_EQ(spell(ear.next()), "web-n1");
  EXPECT_EQ(spell(ear.next()), "end");
  set_policy(R"(service "web" { policy = "read" } node_prefix "" { policy = "read" })");
  EXPECT_EQ(ear.next(), "end 10 subscription closed by server, ACL change occurred");
  drop(call);
}

TEST_F(ReadableEvents, ATokenThatIsGoneEndsItsSubscriptions) {
  Ear ear;
  auto call = subscribe(Topic::service_health, "web", ear);
  EXPECT_EQ(spell(ear.next()), "web-n1");
  change([](catalog::Transaction& writer) {
    catalog::ACLTokenBatchDeleteRequest request;
    request.TokenIDs.emplace_back(kAccessor);
    return catalog::apply_acl_token_deletes(writer, request);
  });
  std::string end = ear.next();
  if (spell(end) == "end") end = ear.next();
  EXPECT_TRUE(end.starts_with("end 2 ") && end.ends_with("ACL not found")) << end;
  drop(call);
}

}  // namespace
}  // namespace proconsul::agent::grpc
