#include "agent/gateway/learned.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/gateway/kept.h"
#include "base/json.h"
#include "base/type_of.h"

namespace proconsul::agent::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wanfed::gateway::Address;
using wanfed::gateway::Topology;

/// As an agent's answers say it.
Learned learned(const std::string& nodes, const std::string& gateways = "{}", const std::string& resolvers = "[]") {
  Learned out{.datacenter = "dc1", .domain = "consul.", .trust_domain = "td.consul"};
  EXPECT_TRUE(base::read_json(nodes, out.nodes));
  EXPECT_TRUE(base::read_json(gateways, out.gateways));
  EXPECT_TRUE(base::read_json(resolvers, out.resolvers));
  return out;
}

const Topology::Service* service(const Topology& topology, std::string_view sni) {
  for (const Topology::Service& each : topology.services) {
    if (each.sni == sni) return &each;
  }
  return nullptr;
}

std::string proxy(const std::string& id, int port, const std::string& status, const std::string& version = "1") {
  return R"({"Node":"n-)" + id + R"(","Address":"10.0.0.)" + std::to_string(port % 10) +
         R"(","Services":[{"Kind":"connect-proxy","ID":")" + id + R"(","Service":"web-proxy","Port":)" +
         std::to_string(port) + R"(,"Meta":{"version":")" + version +
         R"("},"Proxy":{"DestinationServiceName":"web"}}],"Checks":[{"CheckID":"c","ServiceID":")" + id +
         R"(","Status":")" + status + R"("}]})";
}

TEST(Learned, ServersAreAllOfTheCatalogByTheirRpcPorts) {
  const Learned all = learned(
      R"([{"Node":"s1","Address":"10.0.0.1","Services":[{"ID":"consul","Service":"consul","Port":8300}],
           "Checks":[{"CheckID":"serfHealth","Status":"critical"}]},
          {"Node":"s2","Address":"10.0.0.2","Services":[{"ID":"consul","Service":"consul","Port":8300}]},
          {"Node":"c1","Address":"10.0.0.3","Services":[{"ID":"web","Service":"web","Port":80}]}])");

  const Topology topology = topology_of(all, true);

  ASSERT_EQ(topology.servers.size(), 2u);
  EXPECT_EQ(topology.servers[0].node, "s1");
  EXPECT_EQ(topology.servers[1].address, (Address{"10.0.0.2", 8300}));
  EXPECT_THAT(topology.services, IsEmpty());
}

TEST(Learned, OnlyInstancesInTheMeshWithoutACriticalCheckAreLedTo) {
  const Learned all = learned("[" + proxy("a", 21001, "passing") + "," + proxy("b", 21002, "critical") + "," +
                              proxy("c", 21003, "warning") +
                              R"(,{"Node":"n","Address":"10.0.0.9","Services":[
                                   {"ID":"native","Service":"api","Port":1,"Connect":{"Native":true}},
                                   {"ID":"plain","Service":"plain","Port":2}]}])");

  const Topology topology = topology_of(all, false);

  ASSERT_NE(service(topology, "web.default.dc1.internal.td.consul"), nullptr);
  EXPECT_THAT(service(topology, "web.default.dc1.internal.td.consul")->instances,
              ElementsAre(Address{"10.0.0.1", 21001}, Address{"10.0.0.3", 21003}));
  EXPECT_THAT(service(topology, "api.default.dc1.internal.td.consul")->instances, ElementsAre(Address{"10.0.0.9", 1}));
  EXPECT_EQ(topology.services.size(), 2u);
}

TEST(Learned, SubsetsHaveNamesOfTheirOwnAndTheDefaultOneIsTheService) {
  const Learned all = learned("[" + proxy("a", 21001, "passing", "1") + "," + proxy("b", 21002, "warning", "2") + "," +
                                  proxy("c", 21003, "passing", "2") + "]",
                              "{}",
                              R"([{"Kind":"service-resolver","Name":"web","DefaultSubset":"v1","Subsets":{
           "v1":{"Filter":"Service.Meta.version == 1"},
           "v2":{"Filter":"Service.Meta.version == 2","OnlyPassing":true}}}])");

  const Topology topology = topology_of(all, false);

  EXPECT_THAT(service(topology, "v2.web.default.dc1.internal.td.consul")->instances,
              ElementsAre(Address{"10.0.0.3", 21003}));
  EXPECT_THAT(service(topology, "v1.web.default.dc1.internal.td.consul")->instances,
              ElementsAre(Address{"10.0.0.1", 21001}));
  EXPECT_THAT(service(topology, "web.default.dc1.internal.td.consul")->instances,
              ElementsAre(Address{"10.0.0.1", 21001}));
}

TEST(Learned, OtherDatacentersAreReachedByWanAddressesAndInNeedByFailingOnes) {
  Learned all = learned("[]", R"({
    "dc2":[{"Node":{"Node":"g1","Address":"10.0.0.1"},
            "Service":{"Port":443,"TaggedAddresses":{"wan":{"Address":"198.51.100.1","Port":8443}}}},
           {"Node":{"Node":"g2","Address":"10.0.0.2"},"Service":{"Address":"10.0.0.2","Port":443},
            "Checks":[{"Status":"critical"}]}],
    "dc3":[{"Node":{"Node":"g3","Address":"10.0.0.3"},"Service":{"Port":443},"Checks":[{"Status":"critical"}]}]})");
  all.datacenters = {"dc1", "dc4"};

  const Topology topology = topology_of(all, true);
  const wanfed::gateway::RouteTable table(topology);

  EXPECT_THAT(table.find("s1.server.dc2.consul")->endpoints, ElementsAre(Address{"198.51.100.1", 8443}));
  EXPECT_THAT(table.find("s1.server.dc3.consul")->endpoints, ElementsAre(Address{"10.0.0.3", 443}));
  // It is known, and nobody is there.
  ASSERT_NE(table.find("s1.server.dc4.consul"), nullptr);
  EXPECT_THAT(table.find("s1.server.dc4.consul")->endpoints, IsEmpty());
  EXPECT_THAT(table.find("web.default.dc2.internal.td.consul")->endpoints, ElementsAre(Address{"198.51.100.1", 8443}));
}

TEST(Learned, AChangeOfTaggedAddressesAloneIsAnotherTopology) {
  const auto with = [](const std::string& wan) {
    return topology_of(learned("[]", R"({"dc2":[{"Node":{"Node":"g1","Address":"10.0.0.1"},"Service":{"Port":443,
        "TaggedAddresses":{"wan":{"Address":")" +
                                         wan + R"(","Port":443}}}}]})"),
                       true);
  };

  EXPECT_NE(to_text(with("198.51.100.1")), to_text(with("198.51.100.2")));
}

TEST(Learned, WithoutAMeshThereAreOnlyServers) {
  Learned all = learned("[" + proxy("a", 21001, "passing") + "]");
  all.trust_domain.clear();

  EXPECT_THAT(topology_of(all, true).services, IsEmpty());
}

TEST(Kept, ATopologyIsReadAsItWasWritten) {
  Topology topology{.datacenter = "dc1", .domain = "consul", .trust_domain = "td", .wan_federation = true};
  topology.datacenters.push_back({.name = "dc2", .index = 7, .gateways = {{"gateway.example.com", 443}}});
  topology.servers.push_back({.node = "s1", .address = {"::1", 8300}});
  topology.services.push_back({.sni = "web", .instances = {}});

  const auto read = from_text(to_text(topology));

  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(to_text(*read), to_text(topology));
  EXPECT_EQ(read->servers[0].address, (Address{"::1", 8300}));
  EXPECT_TRUE(read->wan_federation);
  EXPECT_FALSE(from_text("{"));
}

}  // namespace
}  // namespace proconsul::agent::gateway
