#include "agent/mesh/spiffe.h"

#include <gtest/gtest.h>

namespace proconsul::agent::mesh {
namespace {

constexpr const char* kHost = "11111111-2222-3333-4444-555555555555.consul";

std::string with_path(const char* path) {
  return std::string("spiffe://") + kHost + path;
}

TEST(Spiffe, EveryKindIsReadAndWrittenAlike) {
  using Kind = SpiffeId::Kind;
  for (const auto& [kind, path] : {std::pair{Kind::service, "/ns/default/dc/dc1/svc/web"},
                                   {Kind::service, "/ap/p/ns/n/dc/dc1/svc/Web%20Odd"},
                                   {Kind::agent, "/agent/client/dc/dc1/id/node-1"},
                                   {Kind::server, "/agent/server/dc/dc1"},
                                   {Kind::mesh_gateway, "/gateway/mesh/dc/dc2"},
                                   {Kind::signing, ""}}) {
    const auto id = parse_spiffe(with_path(path));

    ASSERT_TRUE(id) << path << ": " << id.error().detail;
    EXPECT_EQ(id->kind, kind);
    EXPECT_EQ(id->uri(), with_path(path));
  }
}

TEST(Spiffe, NamesAreUnescaped) {
  const auto id = parse_spiffe(with_path("/ns/default/dc/dc1/svc/a%2Fb"));

  ASSERT_TRUE(id);
  EXPECT_EQ(id->name, "a/b");
  EXPECT_EQ(id->datacenter, "dc1");
}

TEST(Spiffe, WhatIsNoneIsRefused) {
  EXPECT_EQ(parse_spiffe("https://x.consul").error().detail, "SPIFFE ID must have 'spiffe' scheme");
  for (const char* path : {"/ns/default/dc/dc1/svc/", "/ns/default/dc/dc1/svc/a/b", "/agent/server/dc/", "/x",
                           "/ap//ns/default/dc/dc1/svc/web", "/ap/p/agent/server/dc/dc1"}) {
    EXPECT_EQ(parse_spiffe(with_path(path)).error().detail,
              "SPIFFE ID is not in the expected format: " + with_path(path));
  }
}

TEST(Spiffe, AnAuthoritySignsForItsOwnDomainInAnyLetterCase) {
  const std::string domain = trust_domain("11111111-2222-3333-4444-555555555555");
  SpiffeId id{.host = "11111111-2222-3333-4444-555555555555.CONSUL"};

  EXPECT_EQ(domain, kHost);
  EXPECT_TRUE(can_sign(domain, id));
  id.host = "x.consul";
  EXPECT_FALSE(can_sign(domain, id));
}

TEST(Spiffe, ARootIsNamedAfterItsCluster) {
  EXPECT_EQ(authority_name("Abc-defghijk", "11111111-2222", true), "pri-abcdefgh.consul.ca.11111111.consul");
  EXPECT_EQ(authority_name("x", "1", false), "sec-x.consul.ca.1.consul");
}

}  // namespace
}  // namespace proconsul::agent::mesh
