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
  const auto allowed = allow_lan(members, "dc1", "own", "me");
  return allowed ? "" : allowed.error().detail;
}

TEST(MergeRules, OneDatacenter) {
  EXPECT_EQ(refusal({member("me", "own"), member("a", "1"), member("b", "2", "dc1", true), member("c", "")}), "");
  EXPECT_TRUE(refusal({member("a", "1", "dc2")}).starts_with("Member 'a' part of wrong datacenter 'dc2'"));
  EXPECT_TRUE(refusal({member("a", "1", "dc2", true)}).starts_with("Member 'a' part of wrong datacenter 'dc2'"));
}

TEST(MergeRules, ANodeIdBelongsToOneNode) {
  EXPECT_TRUE(refusal({member("a", "own")})
                  .starts_with("Member 'a' has conflicting node ID 'own' with this agent's ID (at 10.0.0.1:8301)"));
  EXPECT_EQ(refusal({member("ME", "own")}), "");
  EXPECT_TRUE(refusal({member("a", "1"), member("b", "1")})
                  .starts_with("Member 'b' has conflicting node ID '1' with member 'a'"));
  Member gone = member("b", "1");
  gone.Status = gossip::serf::MemberStatus::left;
  EXPECT_EQ(refusal({member("a", "1"), gone}), "");
}

TEST(MergeRules, OnlyServersOnTheWan) {
  EXPECT_TRUE(allow_wan({member("a.dc1", "1", "dc1", true), member("b.dc2", "2", "dc2", true)}));
  EXPECT_TRUE(allow_wan({member("a", "1")}).error().detail.starts_with("Member 'a' is not a server"));
}

}  // namespace
}  // namespace proconsul::agent::cluster
