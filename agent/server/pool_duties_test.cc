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
  const std::string digits = std::to_string(number);
  info.id = std::string(8 - digits.size(), '0') + digits + "-0000-0000-0000-000000000000";
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
    means.suspects = [this] { return suspects_; };
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
    turn(place, status);
    take();
  }
  void turn(std::size_t place, MemberStatus status) {
    Member changed = *members_[place];
    changed.Status = status;
    members_[place] = base::make_row(std::move(changed));
    duties_->member_changed(members_[place], *fate_of(status));
  }
  void take() {
    duties_->take_changes([this](const auto& settle) { settle(transaction_.tables()); });
  }
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.advance(base::seconds(1));
      if (duties_->due() > clock_.now()) continue;
      take();
      duties_->autopilot(config_);
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
  std::size_t suspects_ = 0;
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
  duties_->begin(false);
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

TEST_F(PoolDutiesTest, AnotherStateIsNoReasonToDoubtTheServers) {
  const auto seen = [this] { return duties_->health().servers().size(); };
  duties_->begin(false);
  reconcile();
  EXPECT_EQ(seen(), 0u);
  pass(30);
  EXPECT_EQ(seen(), 1u);
  duties_->begin(true);
  EXPECT_EQ(seen(), 1u);
  duties_->begin(false);
  EXPECT_EQ(seen(), 0u);
}

TEST_F(PoolDutiesTest, OneThatLeavesGoesFromRaft) {
  duties_->begin(false);
  add(member(2));
  reconcile();
  pass(15);
  ASSERT_EQ(voters(), 2u);
  becomes(1, MemberStatus::left);
  EXPECT_EQ(voters(), 1u);
}

TEST_F(PoolDutiesTest, ADeadOneIsMadeToLeaveWhenThereAreEnoughOthers) {
  duties_->begin(false);
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

class FailingMembersTest : public PoolDutiesTest {
 protected:
  FailingMembersTest() {
    for (int number = 2; number <= 101; ++number) add(member(number, false));
    reconcile();
    duties_->begin(false);
  }
  void configure(bool brake, bool damping) {
    duties_->configure({.enabled = brake}, {.enabled = damping, .max_changes = 3});
    take();
  }
  std::size_t critical() {
    std::size_t count = 0;
    for (const MemberPtr& one : members_) count += health(one->Name) == "critical" ? 1 : 0;
    return count;
  }
};

TEST_F(FailingMembersTest, WithoutTheBrakeAllThatFailAreMarked) {
  for (std::size_t i = 1; i <= 40; ++i) turn(i, MemberStatus::failed);
  take();
  EXPECT_EQ(critical(), 40u);
}

TEST_F(FailingMembersTest, AMassFailureEmptiesNoServiceAndTrueDeathsAreSeenAfterIt) {
  configure(true, false);
  suspects_ = 40;  // seen before the first of them is given up
  becomes(1, MemberStatus::failed);
  EXPECT_EQ(critical(), 0u);
  for (std::size_t i = 2; i <= 40; ++i) {
    --suspects_;
    becomes(i, MemberStatus::failed);
  }
  suspects_ = 0;
  reconcile();  // the comparison of all does not tell it either
  EXPECT_EQ(critical(), 0u);
  EXPECT_TRUE(duties_->held().brake.engaged);
  EXPECT_EQ(duties_->held().brake.held, 40u);
  pass(120);
  EXPECT_EQ(critical(), 0u);

  for (std::size_t i = 1; i <= 37; ++i) turn(i, MemberStatus::alive);
  take();

  EXPECT_EQ(critical(), 3u);
  EXPECT_EQ(health("n41"), "critical");
  EXPECT_FALSE(duties_->held().brake.engaged);
}

TEST_F(FailingMembersTest, ANewLeaderWeighsBeforeItMarks) {
  for (std::size_t i = 1; i <= 40; ++i) turn(i, MemberStatus::failed);
  duties_->configure({.enabled = true}, {});
  duties_->begin(false);
  reconcile();
  EXPECT_EQ(critical(), 0u);
  EXPECT_EQ(duties_->held().brake.held, 40u);

  duties_->end();
  EXPECT_EQ(duties_->held().brake.held, 0u);
}

TEST_F(FailingMembersTest, AMassFailureThatLastsIsTakenForTrue) {
  configure(true, false);
  for (std::size_t i = 1; i <= 40; ++i) turn(i, MemberStatus::failed);
  take();
  pass(599);
  EXPECT_EQ(critical(), 0u);
  pass(2);
  EXPECT_EQ(critical(), 40u);
  reconcile();
  EXPECT_EQ(critical(), 40u);
}

TEST_F(FailingMembersTest, ALeaderThatKnowsNobodyDeregistersNobody) {
  configure(true, false);
  const std::vector<MemberPtr> all = std::exchange(members_, {members_[0]});
  reconcile();
  EXPECT_NE(catalog::find_node(transaction_.tables(), "n50"), nullptr);

  members_ = {all.begin(), all.begin() + 95};
  take();
  reconcile();
  EXPECT_NE(catalog::find_node(transaction_.tables(), "n50"), nullptr);
  EXPECT_EQ(catalog::find_node(transaction_.tables(), "n100"), nullptr) << "few are gone for good";
}

TEST_F(FailingMembersTest, WhoLeavesDuringAMassFailureIsDeregistered) {
  configure(true, false);
  for (std::size_t i = 1; i <= 40; ++i) turn(i, MemberStatus::failed);
  take();
  becomes(50, MemberStatus::left);
  becomes(1, MemberStatus::left);
  EXPECT_EQ(catalog::find_node(transaction_.tables(), "n51"), nullptr);
  EXPECT_EQ(catalog::find_node(transaction_.tables(), "n2"), nullptr);
  EXPECT_EQ(duties_->held().brake.held, 39u);
}

TEST_F(FailingMembersTest, SwitchedOffTheBrakeMarksWhoIsHeld) {
  configure(true, false);
  for (std::size_t i = 1; i <= 40; ++i) turn(i, MemberStatus::failed);
  take();
  configure(false, false);
  EXPECT_EQ(critical(), 40u);
  EXPECT_FALSE(duties_->held().brake_enabled);
}

TEST_F(FailingMembersTest, WhoFlapsStaysCriticalUntilItIsStable) {
  configure(false, true);
  for (int i = 0; i < 2; ++i) {
    becomes(1, MemberStatus::failed);
    EXPECT_EQ(health("n2"), "critical");
    becomes(1, MemberStatus::alive);
  }
  EXPECT_EQ(health("n2"), "critical");
  EXPECT_EQ(catalog::find_check(transaction_.tables(), "n2", "serfHealth")->get().Output,
            "Agent alive but unstable: its state changed more than 3 times within 10m0s. It is passing again once it "
            "has been stable for 2m0s");
  EXPECT_EQ(duties_->held().damped, 1u);
  const std::uint64_t before = index_;
  reconcile();
  EXPECT_EQ(index_, before) << "it is not written again";

  pass(119);
  EXPECT_EQ(health("n2"), "critical");
  pass(1);
  EXPECT_EQ(health("n2"), "passing");
  EXPECT_EQ(catalog::find_check(transaction_.tables(), "n2", "serfHealth")->get().Output, "Agent alive and reachable");
}

}  // namespace
}  // namespace proconsul::agent::server
