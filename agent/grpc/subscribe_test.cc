// Subscriptions to another datacenter: two servers, and a client of the one that passes them on.
#include "agent/grpc/subscribe.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "agent/grpc/test_place.h"
#include "agent/http/test_server.h"
#include "agent/tokens/resolver.h"
#include "catalog/acl/tokens.h"
#include "catalog/registry/register.h"
#include "catalog/registry/registry_fixture.h"

namespace proconsul::agent::grpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Loops;
using catalog::testing_support::service_request;
using test::Ear;
using test::Place;

/// Knows of one other datacenter, dc2.
class Neighbour final : public rpc::Cluster {
 public:
  Result<rpc::Target> leader() const override { return Error{Errc::no_leader, rpc::kNoLeader}; }
  Result<rpc::Target> route(std::string_view datacenter) const override {
    if (datacenter == "dc2") return dc2;
    return Error{Errc::not_found, rpc::kNoPath};
  }
  void failed(const rpc::Target&, const Error&) override { ++failures; }
  rpc::Target dc2{};
  std::atomic<int> failures{0};
};

/// A server of one datacenter, whole.
struct Datacenter {
  Datacenter(Loops& loops, std::string name, rpc::Cluster& others, tokens::Resolver* resolver)
      : client(loops, {}),
        elsewhere(client, servers_elsewhere(others)),
        subscriptions(loops, store, others, elsewhere, {.datacenter = std::move(name), .tokens = resolver}) {
    Services all;
    subscriptions.add_to(all);
    place = std::make_unique<Place>(loops, std::move(all));
  }
  ~Datacenter() {
    place->stop();
    client.stop();
    subscriptions.stop();
  }
  void apply(catalog::RegisterRequest request) {
    const std::lock_guard lock(store.mutex);
    store.store.writer().begin_command(++store.index);
    ASSERT_TRUE(catalog::apply_register(store.store.writer(), std::move(request)));
    store.store.commit();
  }
  http::test::StoreServer store{};
  Client client;
  Subscriber elsewhere;
  SubscribeService subscriptions;
  std::unique_ptr<Place> place{};
};

class Elsewhere : public testing::Test {
 protected:
  explicit Elsewhere(bool acls = false) : resolver(acls ? &resolves : nullptr) {
    others.dc2 = far.place->target("dc2");
  }
  ~Elsewhere() override { client.stop(); }
  std::unique_ptr<Client::Call> subscribe(std::string service, Ear& ear, std::string datacenter = "dc2",
                                          std::string token = {}) {
    SubscribeRequest request;
    request.Token = std::move(token);
    request.Topic = static_cast<std::int32_t>(Topic::service_health);
    request.Datacenter = std::move(datacenter);
    request.NamedSubject.emplace().Key = std::move(service);
    auto frame = std::make_shared<std::string>();
    append_frame(*frame, [&] { schema().append(*frame, request); });
    std::unique_ptr<Client::Call> call;
    loops[0].run([&] {
      call = client.call(loops[0], near.place->target(), "/subscribe.StateChangeSubscription/Subscribe", frame, ear);
    });
    return call;
  }
  void drop(std::unique_ptr<Client::Call>& call) {
    loops[0].run([&] { call.reset(); });
  }
  static std::string spell(const std::string& message) {
    Event event;
    if (!schema().parse(message, event)) return message;
    if (event.EndOfSnapshot) return "end:" + std::to_string(event.Index);
    return event.ServiceHealth->CheckServiceNode->Node->Node + ":" + std::to_string(event.Index);
  }

  Loops loops{2};
  rpc::NoCluster nobody{};
  Neighbour others{};
  tokens::Store own_tokens{};
  tokens::Resolver resolves{{.enabled = true}, own_tokens, base::system_clock()};
  tokens::Resolver* const resolver;
  Datacenter far{loops, "dc2", nobody, resolver};
  Datacenter near{loops, "dc1", others, resolver};
  Client client{loops, {}};
};

class ElsewhereWithAcls : public Elsewhere {
 protected:
  ElsewhereWithAcls() : Elsewhere(true) {}
};

TEST_F(ElsewhereWithAcls, ALocalTokenIsNotTakenAlong) {
  {
    const std::lock_guard lock(near.store.mutex);
    catalog::ACLTokenBatchSetRequest request;
    catalog::ACLToken& token = request.Tokens.emplace_back().emplace();
    token.AccessorID = "aaaaaaaa-0000-0000-0000-000000000001";
    token.SecretID = "local";
    token.Local = true;
    near.store.store.writer().begin_command(++near.store.index);
    ASSERT_TRUE(catalog::apply_acl_tokens(near.store.store.writer(), request));
    near.store.store.commit();
  }
  Ear anybody, somebody;
  auto call = subscribe("web", anybody, "dc2", "local");
  EXPECT_EQ(spell(anybody.next()), "end:1");
  auto other = subscribe("web", somebody, "dc2", "not known here");
  EXPECT_TRUE(somebody.next().ends_with("ACL not found"));
  drop(other);
  drop(call);
}

TEST_F(Elsewhere, EventsOfTheOtherDatacenterArePassedOn) {
  far.apply(service_request("n1", "w", "web"));
  Ear ear;
  auto call = subscribe("web", ear);
  EXPECT_EQ(spell(ear.next()), "n1:11");
  EXPECT_EQ(spell(ear.next()), "end:11");
  far.apply(service_request("n2", "w", "web"));
  EXPECT_EQ(spell(ear.next()), "n2:12");
  drop(call);
}

TEST_F(Elsewhere, AnUnknownDatacenterIsSaid) {
  Ear ear;
  auto call = subscribe("web", ear, "dc3");
  EXPECT_EQ(ear.next(), "end 14 resolver error: resolver produced no addresses");
  drop(call);
}

TEST_F(Elsewhere, ErrorsOfTheOtherDatacenterArePassedOn) {
  Ear ear;
  auto call = subscribe("", ear);
  EXPECT_EQ(ear.next(), "end 3 either WildcardSubject or NamedSubject.Key is required");
  EXPECT_EQ(others.failures, 0);
  drop(call);
}

TEST_F(Elsewhere, TheStreamEndsWithTheOtherOne) {
  Ear ear;
  auto call = subscribe("web", ear);
  EXPECT_EQ(spell(ear.next()), "end:1");
  far.place->stop();
  EXPECT_TRUE(ear.next().starts_with("end 14 error reading from server: "));  // EOF, or a reset
  EXPECT_EQ(others.failures, 1);
  drop(call);
}

TEST_F(Elsewhere, SubscriptionsShareOneConnectionToTheOtherDatacenter) {
  Ear one, two;
  auto first = subscribe("web", one), second = subscribe("db", two);
  EXPECT_EQ(spell(one.next()), "end:1");
  EXPECT_EQ(spell(two.next()), "end:1");
  drop(first);
  auto third = subscribe("db", one);
  EXPECT_EQ(spell(one.next()), "end:1");
  EXPECT_EQ(far.place->accepted, 1);
  drop(second);
  drop(third);
}

TEST_F(Elsewhere, WhoDoesNotReadHoldsUpTheOtherDatacenterAndNobodyElse) {
  for (int i = 0; i < 200; ++i) {
    catalog::RegisterRequest big = service_request("n" + std::to_string(i), "w", "web");
    big.Service->Meta.insert_or_assign("padding", std::string(500, 'x'));
    big.Node = "n" + std::to_string(i) + std::string(20'000, 'y');
    far.apply(big);
  }
  Ear slow;
  auto call = subscribe("web", slow);
  for (int i = 0; i < 10; ++i) (void)slow.next();
  Ear fast;
  auto other = subscribe("db", fast);
  EXPECT_EQ(spell(fast.next()), "end:210");
  EXPECT_LT(slow.bytes(), 1'500'000u);

  std::size_t consumed = 0, count = 10;
  for (std::string last; !last.starts_with("end:") && count < 300; ++count) {
    const std::size_t heard = slow.bytes();
    loops[0].run([&] { call->consumed(heard - consumed); });
    consumed = heard;
    last = spell(slow.next());
  }
  EXPECT_EQ(count, 201u);
  drop(call);
  drop(other);
}

}  // namespace
}  // namespace proconsul::agent::grpc
