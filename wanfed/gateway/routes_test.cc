#include "wanfed/gateway/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace proconsul::wanfed::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kTrust = "11111111-2222-3333-4444-555555555555.consul";

Topology two_datacenters() {
  return {.datacenter = "dc1",
          .domain = "consul.",
          .trust_domain = kTrust,
          .wan_federation = true,
          .datacenters = {{.name = "dc1", .gateways = {{"198.51.100.1", 443}}},
                          {.name = "dc2", .gateways = {{"203.0.113.2", 443}, {"203.0.113.1", 443}}}},
          .servers = {{"S1", {"10.0.0.1", 8300}}, {"s2", {"10.0.0.2", 8300}}},
          .services = {{"web.default.dc1.internal." + std::string(kTrust), {{"10.0.0.9", 20000}}},
                       {"v2.web.default.dc1.internal." + std::string(kTrust), {}}}};
}

std::string name_of(const RouteTable& table, std::string_view server_name) {
  const Cluster* found = table.find(server_name);
  return found ? found->name : "-";
}

TEST(Routes, LeadEveryNameOfTheTableOfFederation) {
  const RouteTable table(two_datacenters());
  const std::string trust = kTrust;

  EXPECT_EQ(name_of(table, "web.default.dc2.internal." + trust), "dc2.internal." + trust);
  EXPECT_EQ(name_of(table, "v1.web.default.dc2.internal." + trust), "dc2.internal." + trust);
  EXPECT_EQ(name_of(table, "dc2.internal." + trust), "dc2.internal." + trust);
  EXPECT_EQ(name_of(table, "t1.server.dc2.consul"), "server.dc2.consul");
  EXPECT_EQ(name_of(table, "server.dc2.consul"), "server.dc2.consul");
  EXPECT_EQ(name_of(table, "s1.server.dc1.consul"), "s1.server.dc1.consul");
  EXPECT_EQ(name_of(table, "server.dc1.consul"), "server.dc1.consul");
  EXPECT_EQ(name_of(table, "web.default.dc1.internal." + trust), "web.default.dc1.internal." + trust);

  EXPECT_THAT(table.find("t1.server.dc2.consul")->endpoints,
              ElementsAre(Address{"203.0.113.1", 443}, Address{"203.0.113.2", 443}));
  EXPECT_THAT(table.find("server.dc1.consul")->endpoints,
              ElementsAre(Address{"10.0.0.1", 8300}, Address{"10.0.0.2", 8300}));
  EXPECT_THAT(table.find("s2.server.dc1.consul")->endpoints, ElementsAre(Address{"10.0.0.2", 8300}));
  EXPECT_THAT(table.find("v2.web.default.dc1.internal." + trust)->endpoints, IsEmpty());
  EXPECT_EQ(table.find("t1.server.dc2.consul")->kind, ClusterKind::remote_servers);
}

TEST(Routes, LeadNowhereElse) {
  const RouteTable table(two_datacenters());

  for (const char* name : {"s3.server.dc1.consul", "t1.server.dc3.consul", "t1.server.dc2.other", "web", "",
                           ".server.dc2.consul", "server.dc2.consul.", "xserver.dc2.consul",
                           "db.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul",
                           "web.default.dc2.internal.99999999-2222-3333-4444-555555555555.consul"}) {
    EXPECT_EQ(table.find(name), nullptr) << name;
  }
  EXPECT_EQ(RouteTable().find("s1.server.dc1.consul"), nullptr);
}

TEST(Routes, ServersAreForGatewaysThatTakePartInFederationOnly) {
  Topology topology = two_datacenters();
  topology.wan_federation = false;

  const RouteTable table(topology);

  EXPECT_EQ(table.find("s1.server.dc1.consul"), nullptr);
  EXPECT_EQ(table.find("t1.server.dc2.consul"), nullptr);
  EXPECT_NE(table.find("web.default.dc2.internal." + std::string(kTrust)), nullptr);
}

TEST(Routes, AServiceCannotTakeTheNameOfServers) {
  Topology topology = two_datacenters();
  topology.services.push_back({"s1.server.dc1.consul", {{"192.0.2.66", 1}}});
  topology.services.push_back({"dc2.internal." + std::string(kTrust), {{"192.0.2.66", 1}}});

  const RouteTable table(topology);

  EXPECT_THAT(table.find("s1.server.dc1.consul")->endpoints, ElementsAre(Address{"10.0.0.1", 8300}));
  EXPECT_EQ(table.find("x.dc2.internal." + std::string(kTrust))->endpoints.size(), 2u);
}

TEST(Routes, OfTwoListsOfGatewaysTheNewerCounts) {
  Topology topology = two_datacenters();
  topology.datacenters = {{.name = "dc2", .index = 7, .gateways = {{"203.0.113.7", 443}}},
                          {.name = "DC2", .index = 9, .gateways = {{"gw.example.com", 443}, {"", 443}, {"x", 0}}},
                          {.name = "dc2", .index = 8, .gateways = {{"203.0.113.8", 443}}}};

  const RouteTable table(topology);

  EXPECT_THAT(table.find("server.dc2.consul")->endpoints, ElementsAre(Address{"gw.example.com", 443}));
}

TEST(Routes, ALongerWildcardGoesFirst) {
  Topology topology = two_datacenters();
  topology.datacenters = {{.name = "b", .gateways = {{"192.0.2.1", 1}}}, {.name = "a.server.b", .gateways = {}}};

  const RouteTable table(topology);

  EXPECT_EQ(name_of(table, "x.server.a.server.b.consul"), "server.a.server.b.consul");
  EXPECT_EQ(name_of(table, "x.server.b.consul"), "server.b.consul");
}

TEST(Routes, DifferencesAreToldByName) {
  const RouteTable before(two_datacenters());
  Topology topology = two_datacenters();
  topology.servers.pop_back();
  topology.services.push_back({"db.default.dc1.internal." + std::string(kTrust), {}});

  const RouteChanges changes = diff(before, RouteTable(topology));

  EXPECT_THAT(changes.added, ElementsAre("db.default.dc1.internal." + std::string(kTrust)));
  EXPECT_THAT(changes.removed, ElementsAre("s2.server.dc1.consul"));
  EXPECT_THAT(changes.changed, ElementsAre("server.dc1.consul"));
  EXPECT_TRUE(diff(before, before).empty());
}

TEST(Routes, AddressesReadAsUsual) {
  EXPECT_EQ(to_string(Address{"10.0.0.1", 80}), "10.0.0.1:80");
  EXPECT_EQ(to_string(Address{"::1", 80}), "[::1]:80");
}

}  // namespace
}  // namespace proconsul::wanfed::gateway
