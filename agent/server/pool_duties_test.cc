#include "agent/server/pool_duties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/commands.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {
namespace {

using gossip::serf::Member;
using gossip::serf::MemberPtr;
using gossip::serf::MemberStatus;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Member member(int number, bool is_server = true) {
  Member member{};
  member.Name = "n" + std::to_string(number);
  member.Addr = base::Bytes(std::string({10, 0, 0, static_cast<char>(number)}));
  member.Status = MemberStatus::alive;
  ServerInfo info;
  info.id = std::string(8, static_cast<char>('0' + number)) + "-0000-0000-0000-000000000000";
  info.datacenter = "dc1";
  info.port = 8300;
  member.Tags = is_server ? server_tags(info, "1.21.4") : client_tags("dc1", info.id, "1.21.4");
  return member;
}

class PoolDutiesTest : public ::testing::Test {
 protected:
  PoolDutiesTest() {
    add(member(1));
    const ServerInfo own = *server_info(*members_[0]);
    status_.configuration.servers.push_back({.id = {own.id}, .address = own.rpc_address()});
    status_.leader = {own.id};
    status_.last_index = {100};
    status_.last_term = {2};
    PoolDuties::Options options;
    options.datacenter = "dc1";
    options.self.Node = "n1";
    options.self.NodeMeta.emplace("rack", "7");
    PoolDuties::Means means;
    means.members = [this] { return members_; };
    means.raft = [this] { return status_; };
    means.change_raft = [this](const raft::MembershipChange& change) -> base::Result<> {
      auto changed = raft::changed(status_.configuration, change);
      if (!changed) return changed.error();
      status_.configuration = std::move(*changed);
      return {};
    };
    means.apply = [this](std::string command) -> base::Result<> {
      transaction_.begin_command(++index_);
      auto applied =
          catalog::find_command(static_cast<std::uint8_t>(command[0]))->apply(transaction_, command.substr(1));
      return applied ? base::Result<>() : base::Result<>(applied.error());
    };
    means.fetch_stats = [](const std::vector<ServerInfo>& servers, auto done) {
      PoolDuties::Statistics all;
      for (const ServerInfo& server : servers) {
        if (server.status == MemberStatus::alive)
          all[server.id] = {.last_contact = {}, .last_term = 2, .last_index = 100};
      }
      done(std::move(all));
    };
    means.force_leave = [this](const std::string& node) { made_to_leave_.push_back(node); };
    duties_.emplace(std::move(options), std::move(means), clock_);
    config_.CleanupDeadServers = true;
    config_.LastContactThreshold = base::milliseconds(200);
    config_.MaxTrailingLogs = 250;
    config_.ServerStabilizationTime = base::seconds(10);
  }
  void add(Member member) { members_.push_back(base::make_row(std::move(member))); }
  void reconcile() { duties_->reconcile(transaction_.tables()); }
  void becomes(std::size_t place, MemberStatus status) {
    Member changed = *members_[place];
    changed.Status = status;
    members_[place] = base::make_row(std::move(changed));
    duties_->member_changed(members_[place], *fate_of(status));
    duties_->take_changes([this](const auto& settle) { settle(transaction_.tables()); });
  }
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.advance(base::seconds(1));
      if (duties_->due() <= clock_.now()) duties_->autopilot(config_);
    }
  }
  std::string health(const std::string& node) {
    const auto* check = catalog::find_check(transaction_.tables(), node, "serfHealth");
    return check ? catalog::check_status(*check) : "";
  }
  std::size_t voters() const { return raft::voters(status_.configuration); }

  base::ManualClock clock_{};
  catalog::Transaction transaction_{catalog::Tables{}};
  std::uint64_t index_ = 0;
  std::vector<MemberPtr> members_{};
  raft::Status status_{};
  catalog::AutopilotConfig config_{};
  std::vector<std::string> made_to_leave_{};
  std::optional<PoolDuties> duties_{};
};

TEST_F(PoolDutiesTest, TheCatalogFollowsThePool) {
  add(member(2, false));
  reconcile();
  EXPECT_EQ(health("n1"), "passing");
  EXPECT_EQ(health("n2"), "passing");
  EXPECT_EQ(catalog::find_node(transaction_.tables(), "n1")->get().Meta.at("rack"), "7");
  EXPECT_NE(catalog::find_service(transaction_.tables(), "n1", "consul"), nullptr);
  const std::uint64_t before = index_;
  reconcile();
  EXPECT_EQ(index_, before) << "what is right is not written again";

  becomes(1, MemberStatus::failed);
  EXPECT_EQ(health("n2"), "critical");
  becomes(1, MemberStatus::alive);
  EXPECT_EQ(health("n2"), "passing");
  becomes(1, MemberStatus::left);
  EXPECT_EQ(catalog::find_node(transaction_.tables(), "n2"), nullptr);
}

TEST_F(PoolDutiesTest, WhoWentUnseenIsDeregistered) {
  add(member(2));
  reconcile();
  ASSERT_EQ(status_.configuration.servers.size(), 2u);
  members_.pop_back();
  reconcile();
  EXPECT_EQ(catalog::find_node(transaction_.tables(), "n2"), nullptr);
  EXPECT_EQ(status_.configuration.servers.size(), 1u);
}

TEST_F(PoolDutiesTest, TheLeaderDoesNotDeregisterItself) {
  reconcile();
  becomes(0, MemberStatus::left);
  EXPECT_EQ(health("n1"), "passing");
  EXPECT_EQ(voters(), 1u);
}

TEST_F(PoolDutiesTest, AServerGetsItsPlaceAndThenItsVote) {
  duties_->begin();
  reconcile();
  pass(30);
  add(member(2));
  reconcile();
  EXPECT_EQ(status_.configuration.servers.size(), 2u);
  EXPECT_EQ(voters(), 1u);
  pass(8);
  EXPECT_EQ(voters(), 1u);
  pass(25);
  EXPECT_EQ(voters(), 2u);
  EXPECT_TRUE(duties_->health().healthy());
}

TEST_F(PoolDutiesTest, OneThatLeavesGoesFromRaft) {
  duties_->begin();
  add(member(2));
  reconcile();
  pass(15);
  ASSERT_EQ(voters(), 2u);
  becomes(1, MemberStatus::left);
  EXPECT_EQ(voters(), 1u);
}

TEST_F(PoolDutiesTest, ADeadOneIsMadeToLeaveWhenThereAreEnoughOthers) {
  duties_->begin();
  for (int number : {2, 3}) add(member(number));
  reconcile();
  pass(15);
  ASSERT_EQ(voters(), 3u);
  becomes(2, MemberStatus::failed);
  config_.CleanupDeadServers = false;
  pass(10);
  EXPECT_THAT(made_to_leave_, IsEmpty());
  config_.CleanupDeadServers = true;
  pass(10);
  EXPECT_THAT(made_to_leave_, ElementsAre("n3"));
  EXPECT_FALSE(duties_->health().healthy());
}

}  // namespace
}  // namespace proconsul::agent::server
