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
  Servers servers_{{.datacenter = "dc1",
                    .own_id = "a",
                    .members = [this](bool wan) { return wan ? wan_ : lan_; },
                    .clock = &clock_}};
};

TEST_F(ServersTest, KnowsWhoIsWhere) {
  EXPECT_EQ(servers_.local().size(), 3u);
  EXPECT_THAT(servers_.datacenters(), ElementsAre("dc1", "dc2", "dc3"));
  EXPECT_EQ(servers_.by_id("b")->name, "b");
  EXPECT_FALSE(servers_.by_id("q"));
}

TEST_F(ServersTest, EachInItsTurn) {
  std::multiset<std::string> chosen;
  for (int i = 0; i < 4; ++i) chosen.insert(servers_.route("dc2")->short_name);
  EXPECT_EQ(chosen.count("x"), 2u);
  EXPECT_EQ(chosen.count("y"), 2u);
  EXPECT_EQ(servers_.route("dc1")->name, "b") << "never this server, never a failed one";
}

TEST_F(ServersTest, WhoDidNotAnswerComesLast) {
  servers_.failed("x.dc2");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(servers_.route("dc2")->name, "y.dc2");
  servers_.failed("y.dc2");
  EXPECT_TRUE(servers_.route("dc2"));
  clock_.advance(base::seconds(10));
  std::set<std::string> chosen;
  for (int i = 0; i < 2; ++i) chosen.insert(servers_.route("dc2")->name);
  EXPECT_EQ(chosen.size(), 2u);
}

TEST_F(ServersTest, SaysWhyThereIsNoWay) {
  EXPECT_FALSE(servers_.route("dc3"));
  EXPECT_NE(servers_.explain("dc3").find("z.dc3 at 10.0.0.1:8300 is failed"), std::string::npos);
  EXPECT_FALSE(servers_.route("dc9"));
  EXPECT_NE(servers_.explain("dc9").find("known datacenters: dc1, dc2, dc3; no server of dc9"), std::string::npos);
}

}  // namespace
}  // namespace proconsul::agent::cluster
