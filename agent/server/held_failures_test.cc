// The mass-failure brake and the flap damping in a whole server, with its raft, its store and the thread of its duties.
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "agent/server/lone_server.h"
#include "catalog/registry/lookup.h"

namespace proconsul::agent::server {
namespace {

using gossip::serf::Member;
using gossip::serf::MemberPtr;
using gossip::serf::MemberStatus;

class HeldFailuresTest : public ::testing::Test {
 protected:
  static constexpr int kMembers = 50;

  HeldFailuresTest() {
    RaftServer::Options options = lone_server();
    for (int i = 0; i < kMembers; ++i) members_.push_back(base::make_row(member(i, MemberStatus::alive)));
    options.duties.means.members = [this] {
      const std::lock_guard lock(mutex_);
      return members_;
    };
    options.duties.brake.enabled = true;
    server_ = std::move(*RaftServer::start(std::move(options)));
  }
  ~HeldFailuresTest() override { server_->stop(); }

  static Member member(int number, MemberStatus status) {
    Member member{};
    member.Name = "c" + std::to_string(number);
    member.Addr = base::Bytes(std::string({10, 0, 0, static_cast<char>(number)}));
    member.Status = status;
    member.Tags = client_tags("dc1", "", "1.21.4");
    return member;
  }
  void turn(int number, MemberStatus status) {
    MemberPtr changed = base::make_row(member(number, status));
    {
      const std::lock_guard lock(mutex_);
      members_[static_cast<std::size_t>(number)] = changed;
    }
    server_->member_changed(std::move(changed), *fate_of(status));
  }
  int count(std::string_view status) {
    const auto view = server_->view();
    int found = 0;
    for (int i = 0; i < kMembers; ++i) {
      const auto* check = catalog::find_check(view->tables(), "c" + std::to_string(i), "serfHealth");
      if (check != nullptr && catalog::check_status(*check) == status) ++found;
    }
    return found;
  }
  std::string statistic(const std::string& section, const std::string& name) {
    return server_->statistics()[section][name];
  }
  static bool soon(const std::function<bool()>& holds) {
    for (int tries = 0; tries < 2000; ++tries) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  std::mutex mutex_{};
  std::vector<MemberPtr> members_{};
  std::unique_ptr<RaftServer> server_{};
};

TEST_F(HeldFailuresTest, WhoFailsWithManyOthersStaysPassingUntilTheOthersAreBack) {
  ASSERT_TRUE(soon([&] { return count("passing") == kMembers; }));
  turn(49, MemberStatus::failed);
  ASSERT_TRUE(soon([&] { return count("critical") == 1; })) << "a single failure is told at once";

  for (int i = 0; i < 20; ++i) turn(i, MemberStatus::failed);

  ASSERT_TRUE(soon([&] { return statistic("mass_failure_brake", "engaged") == "true"; }));
  const int told = count("critical");
  EXPECT_LE(told, 11) << "at most a fifth of the members";
  ASSERT_TRUE(soon([&] { return statistic("mass_failure_brake", "held") == std::to_string(21 - told); }));

  for (int i = 0; i < 18; ++i) turn(i, MemberStatus::alive);

  ASSERT_TRUE(soon([&] { return count("critical") == 3; }));
  EXPECT_EQ(count("passing"), kMembers - 3);
  EXPECT_EQ(statistic("mass_failure_brake", "engaged"), "false");
}

TEST_F(HeldFailuresTest, AReloadLetsGo) {
  ASSERT_TRUE(soon([&] { return count("passing") == kMembers; }));
  for (int i = 0; i < 30; ++i) turn(i, MemberStatus::failed);
  ASSERT_TRUE(soon([&] { return statistic("mass_failure_brake", "engaged") == "true"; }));

  server_->reconfigure(MassFailureBrake::Settings{}, FlapDamping::Settings{.enabled = true, .max_changes = 1});

  ASSERT_TRUE(soon([&] { return count("critical") == 30; }));
  EXPECT_FALSE(server_->statistics().contains("mass_failure_brake"));
  turn(0, MemberStatus::alive);
  turn(0, MemberStatus::failed);
  turn(0, MemberStatus::alive);
  EXPECT_TRUE(soon([&] { return statistic("flap_damping", "held") == "1"; }));
  EXPECT_EQ(count("critical"), 30);
}

}  // namespace
}  // namespace proconsul::agent::server
