#include "agent/server/autopilot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proconsul::agent::server {
namespace {

using gossip::serf::MemberStatus;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ServerInfo info(const std::string& id, MemberStatus status = MemberStatus::alive) {
  ServerInfo server;
  server.name = server.short_name = "n" + id;
  server.id = id;
  server.ip = "10.0.0." + id;
  server.port = 8300;
  server.status = status;
  return server;
}

raft::Server member(const std::string& id, raft::Suffrage suffrage = raft::Suffrage::voter) {
  return {.id = {id}, .address = "10.0.0." + id + ":8300", .suffrage = suffrage};
}

class AutopilotTest : public ::testing::Test {
 protected:
  AutopilotTest() {
    input_.config.CleanupDeadServers = true;
    input_.config.LastContactThreshold = base::milliseconds(200);
    input_.config.MaxTrailingLogs = 250;
    input_.config.ServerStabilizationTime = base::seconds(10);
    input_.leader = {"1"};
    input_.last_index = 1000;
    input_.last_term = 3;
    for (const char* id : {"1", "2", "3"}) add(id);
  }
  void add(const std::string& id, raft::Suffrage suffrage = raft::Suffrage::voter) {
    input_.configuration.servers.push_back(member(id, suffrage));
    input_.known.push_back(info(id));
    input_.stats[id] = {.last_contact = {}, .last_term = 3, .last_index = 990};
  }
  void look(base::Duration after = base::seconds(2)) {
    input_.now = input_.now + after;
    input_.wall = input_.wall + after;
    autopilot_.update(input_);
  }
  ServerInfo& known(const std::string& id) {
    for (ServerInfo& server : input_.known) {
      if (server.id == id) return server;
    }
    throw std::out_of_range(id);
  }
  std::vector<std::string> promoted() const {
    std::vector<std::string> ids;
    for (const raft::MembershipChange& change : autopilot_.promotions()) ids.push_back(change.id.value);
    return ids;
  }
  Autopilot::Input input_{};
  Autopilot autopilot_{};
};

TEST_F(AutopilotTest, AllWell) {
  look();
  EXPECT_TRUE(autopilot_.healthy());
  EXPECT_EQ(autopilot_.failure_tolerance(), 1);
  EXPECT_EQ(autopilot_.servers().front().raft.id.value, "1");
  EXPECT_THAT(promoted(), IsEmpty());
}

TEST_F(AutopilotTest, WhatMakesAServerUnhealthy) {
  const auto healthy = [&](auto change) {
    AutopilotTest::input_.stats["2"] = {.last_contact = {}, .last_term = 3, .last_index = 990};
    known("2").status = MemberStatus::alive;
    change();
    look();
    for (const AutopilotServer& server : autopilot_.servers()) {
      if (server.raft.id.value == "2") return server.healthy;
    }
    return false;
  };
  EXPECT_TRUE(healthy([] {}));
  EXPECT_FALSE(healthy([&] { input_.stats["2"].last_contact = base::milliseconds(201); }));
  EXPECT_FALSE(healthy([&] { input_.stats["2"].last_contact = base::milliseconds(-1); }));
  EXPECT_FALSE(healthy([&] { input_.stats["2"].last_term = 2; }));
  EXPECT_TRUE(healthy([&] { input_.stats["2"].last_index = 750; }));
  EXPECT_FALSE(healthy([&] { input_.stats["2"].last_index = 749; }));
  EXPECT_FALSE(healthy([&] { known("2").status = MemberStatus::failed; }));
  EXPECT_TRUE(healthy([&] { known("2").status = MemberStatus::leaving; }));
  EXPECT_EQ(autopilot_.failure_tolerance(), 1);
  EXPECT_FALSE(healthy([&] { known("2").status = MemberStatus::left; }));
  EXPECT_FALSE(autopilot_.healthy());
  EXPECT_EQ(autopilot_.failure_tolerance(), 0);
}

TEST_F(AutopilotTest, SomebodyWhoStopsAnsweringFallsBehind) {
  look();
  input_.stats.erase("3");
  look();
  EXPECT_TRUE(autopilot_.healthy());
  input_.last_index = 2000;
  input_.stats["2"].last_index = 2000;
  input_.stats["1"].last_index = 2000;
  look();
  EXPECT_FALSE(autopilot_.healthy());
}

TEST_F(AutopilotTest, ANewServerGetsItsVoteAfterItsTime) {
  look();
  look(base::seconds(20));
  add("4", raft::Suffrage::nonvoter);
  look();
  EXPECT_THAT(promoted(), IsEmpty());
  look(base::seconds(9));
  EXPECT_THAT(promoted(), IsEmpty());
  look(base::seconds(1));
  EXPECT_THAT(promoted(), ElementsAre("4"));
  known("4").read_replica = true;
  look();
  EXPECT_THAT(promoted(), IsEmpty());
}

TEST_F(AutopilotTest, AtFirstNobodyHasToWait) {
  add("4", raft::Suffrage::nonvoter);
  look();
  EXPECT_THAT(promoted(), ElementsAre("4"));
}

TEST_F(AutopilotTest, DeadServersGoButNeverAMajority) {
  add("4");
  add("5");
  for (const char* id : {"2", "3", "4"}) known(id).status = MemberStatus::failed;
  look();
  const Autopilot::Removals removals = autopilot_.removals();
  ASSERT_EQ(removals.failed.size(), 2u);
  EXPECT_EQ(removals.failed[0].id, "2");
  EXPECT_EQ(removals.failed[1].id, "3");
  EXPECT_THAT(removals.refusals, ElementsAre("n4 stays: to remove a majority of the servers is not safe"));
}

TEST_F(AutopilotTest, MinQuorumHolds) {
  input_.config.MinQuorum = 3;
  known("2").status = MemberStatus::failed;
  look();
  EXPECT_THAT(autopilot_.removals().failed, IsEmpty());
  EXPECT_THAT(autopilot_.removals().refusals, ElementsAre("n2 stays: there would be fewer voters than min_quorum"));
  input_.config.MinQuorum = 2;
  look();
  EXPECT_EQ(autopilot_.removals().failed.size(), 1u);
  input_.config.CleanupDeadServers = false;
  look();
  EXPECT_THAT(autopilot_.removals().failed, IsEmpty());
}

TEST_F(AutopilotTest, WhomNobodyKnowsLeavesRaft) {
  add("4", raft::Suffrage::nonvoter);
  input_.configuration.servers.push_back(member("9"));
  input_.configuration.servers.push_back(member("8", raft::Suffrage::nonvoter));
  look();
  const Autopilot::Removals removals = autopilot_.removals();
  ASSERT_EQ(removals.from_raft.size(), 2u);
  EXPECT_EQ(removals.from_raft[0].value, "8");
  EXPECT_EQ(removals.from_raft[1].value, "9");
}

TEST(PlanServer, FindsItsPlace) {
  const raft::Configuration three{{member("1"), member("2"), member("3", raft::Suffrage::nonvoter)}};
  EXPECT_THAT(plan_server(three, info("2")).value(), IsEmpty());
  const auto fresh = plan_server(three, info("4")).value();
  ASSERT_EQ(fresh.size(), 1u);
  EXPECT_EQ(fresh[0].kind, raft::Change::add_nonvoter);
  EXPECT_EQ(fresh[0].address, "10.0.0.4:8300");

  ServerInfo moved = info("2");
  moved.ip = "10.0.0.9";
  EXPECT_EQ(plan_server(three, moved).value().at(0).kind, raft::Change::add_voter);
  moved.id = "3";
  EXPECT_EQ(plan_server(three, moved).value().at(0).kind, raft::Change::add_nonvoter);

  ServerInfo replaced = info("3");
  replaced.id = "7";
  const auto replacing = plan_server(three, replaced).value();
  ASSERT_EQ(replacing.size(), 2u);
  EXPECT_EQ(replacing[0].kind, raft::Change::remove_server);
  EXPECT_EQ(replacing[0].id.value, "3");
  replaced = info("2");
  replaced.id = "7";
  EXPECT_FALSE(plan_server(three, replaced).has_value()) << "of two voters none may go";
}

}  // namespace
}  // namespace proconsul::agent::server
