#include "agent/cluster/merge_rules.h"

#include <gtest/gtest.h>

#include "agent/server/server_info.h"

namespace proconsul::agent::cluster {
namespace {

using gossip::serf::Member;

Member member(const std::string& name, const std::string& id, const std::string& datacenter = "dc1",
              bool is_server = false) {
  Member member{};
  member.Name = name;
  member.Addr = base::Bytes(std::string("\x0a\0\0\x01", 4));
  member.Port = 8301;
  member.Status = gossip::serf::MemberStatus::alive;
  server::ServerInfo info;
  info.id = id;
  info.datacenter = datacenter;
  info.port = 8300;
  member.Tags = is_server ? server::server_tags(info, "1.21.4") : server::client_tags(datacenter, id, "1.21.4");
  return member;
}

std::string refusal(const std::vector<Member>& members) {
  const auto refusal = refuse_lan(members, "dc1", "own", "me");
  return refusal ? refusal->text : "";
}

TEST(MergeRules, OneDatacenter) {
  EXPECT_EQ(refusal({member("me", "own"), member("a", "1"), member("b", "2", "dc1", true), member("c", "")}), "");
  EXPECT_EQ(refusal({member("a", "1", "dc2")}), "Member 'a' part of wrong datacenter 'dc2'");
  EXPECT_EQ(refusal({member("a", "1", "dc2", true)}), "Member 'a' part of wrong datacenter 'dc2'");
}

TEST(MergeRules, ANodeIdBelongsToOneNode) {
  EXPECT_EQ(refusal({member("a", "own")}), "Member 'a' has conflicting node ID 'own' with this agent's ID");
  EXPECT_EQ(refuse_lan({member("a", "own")}, "dc1", "own", "me")->advice,
            "a at 10.0.0.1:8301 and this agent, me, have the same node ID: remove the file node-id of one of them and "
            "start it again");
  EXPECT_EQ(refusal({member("ME", "own")}), "");
  EXPECT_EQ(refusal({member("a", "1"), member("b", "1")}), "Member 'b' has conflicting node ID '1' with member 'a'");
  Member gone = member("b", "1");
  gone.Status = gossip::serf::MemberStatus::left;
  EXPECT_EQ(refusal({member("a", "1"), gone}), "");
}

TEST(MergeRules, OnlyServersOnTheWan) {
  EXPECT_FALSE(refuse_wan({member("a.dc1", "1", "dc1", true), member("b.dc2", "2", "dc2", true)}));
  EXPECT_EQ(refuse_wan({member("a", "1")})->text, "Member 'a' is not a server");
}

}  // namespace
}  // namespace proconsul::agent::cluster
