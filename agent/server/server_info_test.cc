#include "agent/server/server_info.h"

#include <gtest/gtest.h>

namespace proconsul::agent::server {
namespace {

ServerInfo own() {
  ServerInfo info;
  info.id = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
  info.datacenter = "dc1";
  info.port = 8300;
  info.wan_join_port = 8302;
  info.grpc_tls_port = 8503;
  info.expect = 3;
  info.features.emplace("fs", "1");
  info.features.emplace("si", "1");
  return info;
}

gossip::serf::Member member(base::Map<std::string> tags) {
  gossip::serf::Member member{};
  member.Name = "s1.dc1";
  member.Addr = base::Bytes(std::string("\x0a\0\0\x01", 4));
  member.Port = 8301;
  member.Tags = std::move(tags);
  member.Status = gossip::serf::MemberStatus::alive;
  return member;
}

TEST(ServerInfo, TagsOfAServer) {
  const base::Map<std::string> tags = server_tags(own(), "1.21.4:59b8b905");
  std::string text;
  for (const auto& [name, value] : tags) text += name + "=" + value + " ";
  EXPECT_EQ(text,
            "acls=0 build=1.21.4:59b8b905 dc=dc1 expect=3 ft_fs=1 ft_si=1 grpc_tls_port=8503 "
            "id=adf4238a-882b-9ddc-4a9d-5b6758e4159e port=8300 raft_vsn=3 role=consul segment= vsn=2 vsn_max=3 "
            "vsn_min=2 wan_join_port=8302 ");
}

TEST(ServerInfo, ReadsWhatItWrites) {
  const auto info = server_info(member(server_tags(own(), "1.21.4:59b8b905")));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->short_name, "s1");
  EXPECT_EQ(info->rpc_address(), "10.0.0.1:8300");
  EXPECT_EQ(info->gossip_port, 8301);
  EXPECT_EQ(info->wan_join_port, 8302);
  EXPECT_EQ(info->expect, 3);
  EXPECT_EQ(info->build, "1.21.4");
  EXPECT_EQ(info->raft_version, 3);
  EXPECT_EQ(info->features.at("fs"), "1");
  EXPECT_FALSE(info->bootstrap || info->use_tls || info->read_replica || info->acls);
}

TEST(ServerInfo, RefusesTagsThatMakeNoSense) {
  const auto with = [](const std::string& name, const std::string& value) {
    base::Map<std::string> tags = server_tags(own(), "1.21.4");
    tags.insert_or_assign(name, value);
    return server_info(member(tags)).has_value();
  };
  EXPECT_TRUE(with("other", "x"));
  for (const char* name : {"port", "vsn", "expect", "raft_vsn", "wan_join_port", "ft_fs"}) {
    EXPECT_FALSE(with(name, "x")) << name;
    EXPECT_FALSE(with(name, "")) << name;
  }
  EXPECT_FALSE(with("port", "70000"));
  EXPECT_FALSE(with("build", "none"));
  EXPECT_FALSE(with("role", "node"));
  EXPECT_FALSE(with("sl_a", "10.0.0.1"));
  EXPECT_TRUE(with("sl_a", "10.0.0.1:8301"));
  EXPECT_FALSE(with("grpc_tls_port", "0"));
}

TEST(ServerInfo, Clients) {
  const auto tags = client_tags("dc1", "id", "1.21.4");
  EXPECT_EQ(client_datacenter(member(tags)), "dc1");
  EXPECT_FALSE(server_info(member(tags)));
  EXPECT_FALSE(client_datacenter(member(server_tags(own(), "1.21.4"))));
}

TEST(ServerInfo, BuildVersion) {
  EXPECT_EQ(build_version("1.21.4:59b8b905"), "1.21.4");
  EXPECT_EQ(build_version("v10.2.33+ent"), "10.2.33");
  EXPECT_EQ(build_version("1.2"), "");
  EXPECT_EQ(build_version(""), "");
}

}  // namespace
}  // namespace proconsul::agent::server
