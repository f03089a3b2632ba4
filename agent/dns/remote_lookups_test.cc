#include "agent/dns/remote_lookups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "agent/dns/name.h"
#include "agent/rpc/types.h"
#include "base/filter/filter.h"

namespace proconsul::agent::dns {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using ::testing::ElementsAre;
using Outcome = RemoteAnswer::Outcome;
using Instances = rpc::TypedInvocation<rpc::ServiceSpecificRequest, rpc::IndexedCheckServiceNodes>;

/// Calls wait until the test answers them.
class FakeCaller final : public rpc::Caller {
 public:
  struct Call {
    std::string method;
    rpc::InvocationPtr invocation;
    rpc::Finished done;
  };
  std::unique_ptr<rpc::Running> call(base::net::Loop&, const rpc::Method& method, rpc::InvocationPtr invocation,
                                     rpc::Finished done) override {
    calls.push_back({std::string(method.name), std::move(invocation), std::move(done)});
    return std::make_unique<rpc::Running>();
  }
  std::deque<Call> calls{};
};

class RemoteLookupsTest : public ::testing::Test {
 protected:
  RemoteLookupsTest() {
    settings.datacenter = "dc1";
    settings.node_name = "n1";
    settings.allow_stale = true;
    settings.max_stale = base::seconds(60);
  }
  ~RemoteLookupsTest() override {
    on_loop([this] { lookups.stop(); });
  }
  template <class Work>
  void on_loop(Work work) {
    loops[0].run(std::move(work));
  }
  void ask(const RemoteKey& key) {
    on_loop([&] {
      lookups.ask(key, std::make_shared<const Settings>(settings),
                  [this](RemoteAnswerPtr answer) { answers.push_back(std::move(answer)); });
    });
  }
  /// One instance, from a state so old.
  void answer(base::Duration last_contact = {}, const char* status = "passing") {
    on_loop([&] {
      FakeCaller::Call call = std::move(caller.calls.front());
      caller.calls.pop_front();
      auto& reply = static_cast<Instances&>(*call.invocation).reply;
      reply.LastContact = last_contact;
      catalog::CheckServiceNode& node = reply.Nodes.emplace_back();
      node.Node.emplace().Node = "far";
      node.Node->Address = "10.9.0.1";
      node.Service.emplace().Service = "web";
      node.Checks.emplace_back(catalog::HealthCheck{})->Status = status;
      call.done({});
    });
  }
  void fail(const char* text) {
    on_loop([&] {
      FakeCaller::Call call = std::move(caller.calls.front());
      caller.calls.pop_front();
      call.done(Error{Errc::unavailable, text});
    });
  }
  const rpc::ServiceSpecificRequest& asked() {
    return static_cast<Instances&>(*caller.calls.front().invocation).request;
  }

  const RemoteKey web{.kind = RemoteKey::Kind::instances, .name = "web", .datacenter = "dc2"};
  Settings settings{};
  FakeCaller caller{};
  base::net::Loops loops{1};
  RemoteLookups lookups{loops[0], caller, true};
  std::vector<RemoteAnswerPtr> answers{};
};

TEST_F(RemoteLookupsTest, EqualOnesShareOneCall) {
  ask(web);
  ask(web);
  ASSERT_EQ(caller.calls.size(), 1u);
  EXPECT_EQ(caller.calls.front().method, "Health.ServiceNodes");
  EXPECT_EQ(asked().Datacenter, "dc2");
  EXPECT_TRUE(asked().AllowStale);
  EXPECT_EQ(asked().HealthFilterType, 1);

  answer();

  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]->outcome, Outcome::found);
  EXPECT_EQ(answers[0]->image->members.size(), 1u);
  EXPECT_EQ(answers[0]->image->all.passing_end, 1u);
}

TEST_F(RemoteLookupsTest, WhatIsTooStaleIsAskedAgainOfTheLeader) {
  ask(web);
  answer(base::seconds(61));
  EXPECT_TRUE(answers.empty());
  ASSERT_EQ(caller.calls.size(), 1u);
  EXPECT_FALSE(asked().AllowStale);
  answer(base::seconds(61));
  ASSERT_EQ(answers.size(), 1u);

  ask(web);
  answer(base::seconds(6), "warning");
  EXPECT_TRUE(answers[1]->stale);
  EXPECT_EQ(answers[1]->image->all.passing_end, 0u);
}

TEST_F(RemoteLookupsTest, AServersOwnDatacenterIsAskedOfItsLeader) {
  ask({.kind = RemoteKey::Kind::instances, .name = "web", .datacenter = "dc1"});
  EXPECT_FALSE(asked().AllowStale);
}

TEST_F(RemoteLookupsTest, AnUnknownDatacenterIsNoNameAndAnUnreachableOneAFailure) {
  ask(web);
  fail("No path to datacenter");
  ask(web);
  fail("rpc error making call: Query not found");
  ask(web);
  fail("Remote DC has no server currently reachable");
  EXPECT_EQ(answers[0]->outcome, Outcome::no_name);
  EXPECT_EQ(answers[1]->outcome, Outcome::no_name);
  EXPECT_EQ(answers[2]->outcome, Outcome::failed);
}

TEST_F(RemoteLookupsTest, AnswersAreKeptOnlyWithTheCacheAndNeverFailures) {
  ask(web);
  answer();
  on_loop([&] { EXPECT_EQ(lookups.kept(web, settings), nullptr); });

  settings.use_cache = true;
  settings.cache_max_age = base::seconds(3600);
  ask(web);
  fail("EOF");
  on_loop([&] { EXPECT_EQ(lookups.kept(web, settings), nullptr); });
  ask(web);
  answer();
  on_loop([&] {
    EXPECT_NE(lookups.kept(web, settings), nullptr);
    EXPECT_EQ(lookups.kept({.kind = RemoteKey::Kind::instances, .name = "db", .datacenter = "dc2"}, settings), nullptr);
    lookups.forget();
    EXPECT_EQ(lookups.kept(web, settings), nullptr);
  });
}

TEST_F(RemoteLookupsTest, TooManyDifferentOnesFailAtOnce) {
  for (int i = 0; i < 300; ++i) {
    ask({.kind = RemoteKey::Kind::instances, .name = "s" + std::to_string(i), .datacenter = "dc2"});
  }
  on_loop([] {});
  EXPECT_EQ(caller.calls.size(), 256u);
  ASSERT_EQ(answers.size(), 300u - 256u);
  EXPECT_EQ(answers[0]->outcome, Outcome::failed);
}

TEST_F(RemoteLookupsTest, AnAddressIsLookedForAmongNodesThenAmongServices) {
  ask({.kind = RemoteKey::Kind::reverse, .name = "10.0.0.7", .datacenter = "dc1"});
  ASSERT_EQ(caller.calls.front().method, "Catalog.ListNodes");
  on_loop([&] {
    FakeCaller::Call call = std::move(caller.calls.front());
    caller.calls.pop_front();
    auto& nodes = static_cast<rpc::TypedInvocation<rpc::DCSpecificRequest, rpc::IndexedNodes>&>(*call.invocation);
    EXPECT_EQ(nodes.request.Filter, "Address == `10.0.0.7` or Address matches `^[0:]+:[fF]{4}:`");
    nodes.reply.Nodes.emplace_back().emplace().Address = "::ffff:10.0.0.8";  // lets through what it may
    call.done({});
  });
  ASSERT_EQ(caller.calls.front().method, "Catalog.ServiceNodes");
  on_loop([&] {
    FakeCaller::Call call = std::move(caller.calls.front());
    caller.calls.pop_front();
    auto& services =
        static_cast<rpc::TypedInvocation<rpc::ServiceSpecificRequest, rpc::IndexedServiceNodes>&>(*call.invocation);
    EXPECT_EQ(services.request.ServiceAddress, "10.0.0.7");
    catalog::ServiceNode found;
    found.ServiceName = "web";
    found.Datacenter = "dc1";
    found.ServiceAddress = "10.0.0.7";
    services.reply.ServiceNodes.emplace_back(std::move(found));
    call.done({});
  });
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0]->text, *to_labels("web.service.dc1"));
}

TEST_F(RemoteLookupsTest, ANodesAddressMayBeSpelledInAnyWay) {
  const std::pair<const char*, std::vector<const char*>> cases[] = {
      {"10.1.0.30", {"10.1.0.30", "::ffff:10.1.0.30", "0:0:0:0:0:FFFF:0a01:1e"}},
      {"2001:db8::7", {"2001:db8::7", "2001:0DB8:0:0::7", "2001:db8:0:0:0:0:0:0007", "2001:Db8::0.0.0.7"}},
      {"fd00::1:0", {"fd00::1:0", "FD00:0::0001:0000"}},
      {"::1", {"::1", "0::0:01"}},
  };
  for (const auto& [address, spellings] : cases) {
    for (const char* spelling : spellings) {
      ask({.kind = RemoteKey::Kind::reverse, .name = address, .datacenter = "dc1"});
      on_loop([&] {
        FakeCaller::Call call = std::move(caller.calls.front());
        caller.calls.pop_front();
        auto& nodes = static_cast<rpc::TypedInvocation<rpc::DCSpecificRequest, rpc::IndexedNodes>&>(*call.invocation);
        catalog::Node node;
        node.Node = "n";
        node.Datacenter = "dc1";
        node.Address = "10.0.0.99";
        const auto filter = base::filter::Filter::create<catalog::Node>(nodes.request.Filter);
        ASSERT_TRUE(filter);
        EXPECT_FALSE(filter->matches(node));
        node.Address = spelling;
        EXPECT_TRUE(filter->matches(node)) << spelling << " " << nodes.request.Filter;
        nodes.reply.Nodes.emplace_back(node);
        call.done({});
      });
      ASSERT_FALSE(answers.empty()) << spelling;
      EXPECT_EQ(answers.back()->text, *to_labels("n.node.dc1")) << spelling;
      answers.clear();
    }
  }
}

}  // namespace
}  // namespace proconsul::agent::dns
