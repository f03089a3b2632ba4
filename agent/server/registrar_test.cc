#include "agent/server/registrar.h"

#include <gtest/gtest.h>

#include "agent/server/server_info.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/register.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {
namespace {

using gossip::serf::Member;
using gossip::serf::MemberStatus;

constexpr char kId[] = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";

Member member(bool server) {
  Member member{};
  member.Name = "n1";
  member.Addr = base::Bytes(std::string("\x0a\0\0\x01", 4));
  member.ProtocolMin = 1;
  member.ProtocolMax = 5;
  member.ProtocolCur = 2;
  ServerInfo info;
  info.id = kId;
  info.datacenter = "dc1";
  info.port = 8300;
  member.Tags = server ? server_tags(info, "1.21.4") : client_tags("dc1", kId, "1.21.4");
  return member;
}

class RegistrarTest : public ::testing::Test {
 protected:
  void apply(const catalog::RegisterRequest& request) {
    transaction_.begin_command(++index_);
    ASSERT_TRUE(catalog::apply_register(transaction_, request));
  }
  auto alive(const Member& member) { return plan_alive(transaction_.tables(), member, "dc1"); }
  auto failed(const Member& member) { return plan_failed(transaction_.tables(), member, "dc1"); }
  catalog::Transaction transaction_{catalog::Tables{}};
  std::uint64_t index_ = 0;
};

TEST_F(RegistrarTest, AClientBecomesANode) {
  auto request = alive(member(false));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->ID, kId);
  EXPECT_EQ(request->Address, "10.0.0.1");
  EXPECT_EQ(request->NodeMeta.at("consul-version"), "1.21.4");
  EXPECT_FALSE(request->Service);
  EXPECT_EQ(request->Check->Output, "Agent alive and reachable");
  apply(*request);
  EXPECT_FALSE(alive(member(false))) << "once is enough";
}

TEST_F(RegistrarTest, AServerHasItsService) {
  auto request = alive(member(true));
  ASSERT_TRUE(request && request->Service);
  EXPECT_EQ(request->Service->Meta.at("serf_protocol_current"), "2");
  EXPECT_EQ(request->Service->Meta.at("non_voter"), "false");
  apply(*request);
  EXPECT_FALSE(alive(member(true)));
  Member updated = member(true);
  updated.Tags.insert_or_assign("build", "1.22.0");
  request = alive(updated);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->Service->Meta.at("version"), "1.22.0");
  EXPECT_TRUE(request->SkipNodeUpdate);
}

TEST_F(RegistrarTest, WhatTheAgentSaidOfItsNodeStays) {
  auto request = alive(member(false));
  request->NodeMeta.emplace("rack", "7");
  apply(*request);
  Member moved = member(false);
  moved.Addr = base::Bytes(std::string("\x0a\0\0\x02", 4));
  request = alive(moved);
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->SkipNodeUpdate);
  EXPECT_EQ(request->NodeMeta.at("rack"), "7");
  EXPECT_EQ(request->Address, "10.0.0.2");
}

TEST_F(RegistrarTest, FailsAndComesBack) {
  EXPECT_FALSE(failed(member(false))) << "nobody knows it";
  apply(*alive(member(false)));
  auto request = failed(member(false));
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->SkipNodeUpdate);
  EXPECT_EQ(request->Check->Status, "critical");
  EXPECT_EQ(request->Check->Output, "Agent not live or unreachable");
  apply(*request);
  EXPECT_FALSE(failed(member(false)));
  EXPECT_TRUE(alive(member(false)));
}

TEST_F(RegistrarTest, Goes) {
  EXPECT_FALSE(plan_gone(transaction_.tables(), member(false), "dc1"));
  apply(*alive(member(false)));
  EXPECT_EQ(plan_gone(transaction_.tables(), member(false), "dc1")->Node, "n1");
}

TEST_F(RegistrarTest, WhoWentWhileNobodyLed) {
  apply(*alive(member(true)));
  catalog::RegisterRequest external{};
  external.Node = "external";
  external.Address = "10.1.1.1";
  apply(external);
  const auto unknown = [&](std::set<std::string> known) {
    return unknown_members(transaction_.tables(), known, "dc1", [](const std::string& address) {
      return address == "10.0.0.1:8300" ? std::string(kId) : std::string();
    });
  };
  EXPECT_TRUE(unknown({"n1"}).empty());
  const std::vector<Member> gone = unknown({});
  ASSERT_EQ(gone.size(), 1u);
  const auto info = server_info(gone[0]);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->id, kId);
  EXPECT_EQ(info->rpc_address(), "10.0.0.1:8300");
}

TEST(Registrar, WhoBelongs) {
  EXPECT_TRUE(belongs_in_catalog(member(true), "dc1"));
  EXPECT_TRUE(belongs_in_catalog(member(false), "dc1"));
  EXPECT_FALSE(belongs_in_catalog(member(true), "dc2"));
  EXPECT_FALSE(belongs_in_catalog(member(false), "dc2"));
  EXPECT_FALSE(belongs_in_catalog(Member{}, "dc1"));
  EXPECT_EQ(fate_of(MemberStatus::failed), Fate::failed);
  EXPECT_FALSE(fate_of(MemberStatus::leaving));
}

}  // namespace
}  // namespace proconsul::agent::server
