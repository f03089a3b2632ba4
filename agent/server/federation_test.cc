// Federation states: what is copied from the primary, what is written of one's own gateways, and what goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/server/federation_anti_entropy.h"
#include "agent/server/federation_duties.h"
#include "agent/server/federation_replicator.h"
#include "catalog/commands.h"
#include "catalog/query/federation.h"
#include "catalog/registry/federation.h"
#include "catalog/registry/register.h"

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using catalog::FederationState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

FederationState state(std::string datacenter, std::uint64_t modified = 1, std::string gateway = {}) {
  FederationState made;
  made.Datacenter = std::move(datacenter);
  made.ModifyIndex = modified;
  if (!gateway.empty()) {
    catalog::CheckServiceNode& instance = made.MeshGateways.emplace_back();
    instance.Node.emplace().Node = "far";
    instance.Service.emplace().Service = std::move(gateway);
  }
  return made;
}

std::vector<std::string> names(const std::vector<const FederationState*>& states) {
  std::vector<std::string> all;
  for (const FederationState* each : states) all.push_back(each->Datacenter);
  return all;
}

TEST(FederationDifference, IsByDatacenterAndByWhatIsNewThere) {
  const FederationState old = state("old"), ours = state("same"), theirs = state("same", 7, "gate"),
                        more = state("new");

  EXPECT_THAT(names(federation_difference({&old, &ours}, {&theirs, &more}, 5).gone), ElementsAre("old"));
  EXPECT_THAT(names(federation_difference({&old, &ours}, {&theirs, &more}, 5).set), ElementsAre("new", "same"));
  EXPECT_THAT(names(federation_difference({&ours}, {&theirs}, 7).set), IsEmpty());
}

TEST(FederationDifference, WhatWasCopiedIsNotWrittenAgainByANewLeader) {
  FederationState ours = state("dc1", 90, "gate");
  ours.PrimaryModifyIndex = 7;
  const FederationState theirs = state("dc1", 7, "gate"), other = state("dc1", 7, "other");

  EXPECT_THAT(names(federation_difference({&ours}, {&theirs}, 0).set), IsEmpty());
  EXPECT_THAT(names(federation_difference({&ours}, {&other}, 0).set), ElementsAre("dc1"));
}

class Federation : public testing::Test {
 protected:
  Result<> apply(const std::string& command) {
    const auto request = base::from_msgpack<catalog::FederationStateRequest>(std::string_view(command).substr(1));
    EXPECT_TRUE(request);
    commands.push_back(request->Op + " " + request->State->Datacenter);
    return write(*request);
  }
  Result<> write(catalog::FederationStateRequest request) {
    store.writer().begin_command(++index);
    const auto done = catalog::apply_federation_state(store.writer(), std::move(request));
    store.commit();
    return done ? Result<>() : Result<>(done.error());
  }
  void set(FederationState made) {
    catalog::FederationStateRequest request;
    request.Op = "upsert";
    request.State = std::move(made);
    ASSERT_TRUE(write(std::move(request)));
  }
  void registers(std::string kind, std::string address, std::string status = "passing") {
    catalog::RegisterRequest request;
    request.Node = "n1";
    request.Address = address;
    catalog::NodeService& service = request.Service.emplace();
    service.ID = service.Service = "gate";
    service.Kind = std::move(kind);
    service.Port = 8443;
    catalog::HealthCheck& check = request.Check.emplace();
    check.Node = "n1";
    check.CheckID = check.Name = "alive";
    check.ServiceID = "gate";
    check.Status = std::move(status);
    store.writer().begin_command(++index);
    ASSERT_TRUE(catalog::apply_register(store.writer(), request));
    store.commit();
  }
  const FederationState* kept(std::string_view datacenter) {
    view = store.view();
    return catalog::federation_state(view->tables(), datacenter, nullptr).row;
  }

  FederationReplicator replicator() {
    FederationReplicator::Means means;
    means.ask = [this](std::uint64_t after, const std::stop_token&) {
      asked = after;
      return remote;
    };
    means.clock = &clock;
    means.ready = [] { return true; };
    means.token = [] { return std::string(); };
    means.view = [this] { return store.view(); };
    means.apply = [this](const std::string& command) { return apply(command); };
    means.pause = [](base::Duration) { return true; };
    means.datacenter = "dc2";
    return FederationReplicator({}, std::move(means));
  }
  void has(std::vector<FederationState> states, std::uint64_t at) {
    rpc::IndexedFederationStates answer;
    for (FederationState& each : states) answer.States.emplace_back(std::move(each));
    answer.Index = at;
    remote = std::move(answer);
  }

  FederationAntiEntropy anti_entropy() {
    FederationAntiEntropy::Means means;
    means.view = [this] { return store.view(); };
    means.watch = [this](const base::KeySet& keys) { return store.watches().watch(keys, sink, 0); };
    means.clock = &clock;
    means.write = [this](FederationState made) {
      ++writes;
      if (refused) return Result<>(Error{Errc::permission_denied, "ACL not found"});
      set(std::move(made));
      return Result<>();
    };
    means.datacenter = "dc1";
    return FederationAntiEntropy(std::move(means));
  }

  StateWait sink{};
  catalog::Store store{};
  catalog::ViewPtr view{};
  base::ManualClock clock{};
  std::uint64_t index = 0, asked = 0;
  Result<rpc::IndexedFederationStates> remote = Error{Errc::internal, "gone"};
  std::vector<std::string> commands{};
  bool refused = false;
  int writes = 0;
};

TEST_F(Federation, ARoundMakesItAsInThePrimaryAndSaysWhichVersionItIs) {
  set(state("dc3"));
  FederationReplicator copies = replicator();
  has({state("dc2", 6), state("dc1", 5, "gate")}, 9);

  const Result<std::uint64_t> first = copies.round(0, {});

  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(*first, 9u);
  EXPECT_THAT(commands, ElementsAre("delete dc3", "upsert dc1", "upsert dc2"));
  EXPECT_EQ(kept("dc1")->PrimaryModifyIndex, 5u);
  EXPECT_EQ(kept("dc1")->MeshGateways[0].Service->Service, "gate");
  commands.clear();
  ASSERT_TRUE(copies.round(0, {}));
  EXPECT_THAT(commands, IsEmpty()) << "nothing is new";
  has({state("dc2", 6)}, 12);
  ASSERT_TRUE(copies.round(*first, {}));
  EXPECT_EQ(asked, 9u);
  EXPECT_THAT(commands, ElementsAre("delete dc1"));
}

TEST_F(Federation, APrimaryThatCannotBeAskedChangesNothing) {
  set(state("dc1"));

  const Result<std::uint64_t> done = replicator().round(3, {});

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "failed to retrieve federation states: gone");
  EXPECT_THAT(commands, IsEmpty());
}

TEST_F(Federation, OnesOwnStateIsWrittenOnceEvenWithoutGateways) {
  FederationAntiEntropy keeps = anti_entropy();
  base::Watch watch;

  EXPECT_TRUE(*keeps.pass(watch));
  EXPECT_TRUE(watch.fired()) << "by its own write";
  EXPECT_FALSE(*keeps.pass(watch));
  EXPECT_FALSE(watch.fired());

  EXPECT_EQ(writes, 1);
  EXPECT_TRUE(kept("dc1")->MeshGateways.empty());
  EXPECT_EQ(kept("dc1")->UpdatedAt, clock.wall());
}

TEST_F(Federation, WhateverBecomesOfAGatewayIsWritten) {
  FederationAntiEntropy keeps = anti_entropy();
  base::Watch watch;
  ASSERT_TRUE(*keeps.pass(watch));

  registers("", "10.0.0.1");
  EXPECT_FALSE(*keeps.pass(watch)) << "it is none";
  registers("mesh-gateway", "10.0.0.1");
  EXPECT_TRUE(watch.fired());
  EXPECT_TRUE(*keeps.pass(watch));
  EXPECT_FALSE(*keeps.pass(watch));
  registers("mesh-gateway", "10.0.0.2");
  EXPECT_TRUE(watch.fired());
  EXPECT_TRUE(*keeps.pass(watch)) << "the address of its node";
  EXPECT_FALSE(*keeps.pass(watch));
  registers("mesh-gateway", "10.0.0.2", "critical");
  EXPECT_TRUE(watch.fired());
  EXPECT_TRUE(*keeps.pass(watch)) << "its health";

  const FederationState* own = kept("dc1");
  EXPECT_EQ(own->MeshGateways[0].Node->Address, "10.0.0.2");
  EXPECT_EQ(own->MeshGateways[0].Checks[0]->Status, "critical");
}

TEST_F(Federation, WhatIsRefusedIsToldAndTriedAgain) {
  FederationAntiEntropy keeps = anti_entropy();
  base::Watch watch;
  refused = true;

  const Result<bool> done = keeps.pass(watch);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "error performing federation state anti-entropy sync: ACL not found");
  refused = false;
  EXPECT_TRUE(*keeps.pass(watch));
}

TEST_F(Federation, StatesOfDatacentersThatAreGoneAreStale) {
  for (const char* name : {"dc1", "dc2", "dc3"}) set(state(name));

  EXPECT_THAT(stale_federation_states(store.view()->tables(), {"dc1", "dc3", "dc9"}), ElementsAre("dc2"));
}

}  // namespace
}  // namespace proconsul::agent::server
