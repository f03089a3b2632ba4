#include "agent/cluster/servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace proconsul::agent::cluster {
namespace {

using gossip::serf::Member;
using gossip::serf::MemberPtr;
using gossip::serf::MemberStatus;
using ::testing::ElementsAre;

MemberPtr member(const std::string& name, const std::string& datacenter, MemberStatus status = MemberStatus::alive,
                 bool wan = false) {
  Member member{};
  member.Name = wan ? name + "." + datacenter : name;
  member.Addr = base::Bytes(std::string("\x0a\0\0\x01", 4));
  member.Status = status;
  server::ServerInfo info;
  info.id = name;
  info.datacenter = datacenter;
  info.port = 8300;
  member.Tags = server::server_tags(info, "1.21.4");
  return base::make_row(std::move(member));
}

class ServersTest : public ::testing::Test {
 protected:
  std::vector<MemberPtr> lan_{member("a", "dc1"), member("b", "dc1"), member("c", "dc1", MemberStatus::failed)};
  std::vector<MemberPtr> wan_{
      member("a", "dc1", MemberStatus::alive, true), member("x", "dc2", MemberStatus::alive, true),
      member("y", "dc2", MemberStatus::alive, true), member("z", "dc3", MemberStatus::failed, true)};
  base::ManualClock clock_{};
  base::SeededRandom random_{7};
  Servers servers_{{.datacenter = "dc1",
                    .own_id = "a",
                    .members = [this](bool wan) { return wan ? wan_ : lan_; },
                    .clock = &clock_,
                    .random = &random_}};
};

TEST_F(ServersTest, KnowsWhoIsWhere) {
  EXPECT_EQ(servers_.local().size(), 3u);
  EXPECT_THAT(servers_.datacenters(), ElementsAre("dc1", "dc2", "dc3"));
  EXPECT_EQ(servers_.by_id("b")->name, "b");
  EXPECT_FALSE(servers_.by_id("q"));
}

TEST_F(ServersTest, TheSameUntilItFailsOrTheyChangePlaces) {
  const std::string first = servers_.route("dc2")->short_name;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(servers_.route("dc2")->short_name, first);
  EXPECT_EQ(servers_.route("dc1")->name, "b") << "never this server, never a failed one";

  std::set<std::string> chosen;
  for (int i = 0; i < 32; ++i) {
    clock_.advance(base::seconds(120));
    chosen.insert(servers_.route("dc2")->short_name);
  }
  EXPECT_THAT(chosen, ElementsAre("x", "y"));
}

TEST_F(ServersTest, WhoDidNotAnswerComesLast) {
  const std::string first = servers_.route("dc2")->name;
  servers_.failed("dc2", first);
  const std::string second = servers_.route("dc2")->name;
  EXPECT_NE(second, first);
  servers_.failed("dc2", second);
  EXPECT_EQ(servers_.route("dc2")->name, first) << "both failed: the one whose turn is longest ago";
  clock_.advance(base::seconds(10));
  EXPECT_EQ(servers_.route("dc2")->name, first);
}

TEST_F(ServersTest, WhoSeemsDeadIsTriedNowAndThen) {
  EXPECT_EQ(servers_.route("dc3")->name, "z.dc3");
  servers_.failed("dc3", "z.dc3");
  EXPECT_FALSE(servers_.route("dc3"));
  clock_.advance(base::seconds(10));
  EXPECT_TRUE(servers_.route("dc3"));
}

TEST_F(ServersTest, ADatacenterThatLeftIsForgotten) {
  wan_[3] = member("z", "dc3", MemberStatus::left, true);
  EXPECT_THAT(servers_.datacenters(), ElementsAre("dc1", "dc2"));
  EXPECT_FALSE(servers_.route("dc3"));
}

TEST_F(ServersTest, ComplainsOncePerTime) {
  EXPECT_TRUE(servers_.may_complain("dc9"));
  EXPECT_FALSE(servers_.may_complain("dc9"));
  EXPECT_TRUE(servers_.may_complain("dc8"));
  clock_.advance(base::seconds(10));
  EXPECT_TRUE(servers_.may_complain("dc9"));
  for (int i = 0; i < 100; ++i) (void)servers_.may_complain(std::to_string(i));
  EXPECT_FALSE(servers_.may_complain("another")) << "names come from clients: not all are remembered";
}

TEST_F(ServersTest, SaysWhyThereIsNoWay) {
  EXPECT_NE(servers_.explain("dc3").find("z.dc3 at 10.0.0.1:8300 is failed"), std::string::npos);
  EXPECT_FALSE(servers_.route("dc9"));
  EXPECT_NE(servers_.explain("dc9").find("known datacenters: dc1, dc2, dc3; no server of dc9"), std::string::npos);
}

}  // namespace
}  // namespace proconsul::agent::cluster
