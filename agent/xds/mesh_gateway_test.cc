#include "agent/xds/mesh_gateway.h"

#include <gtest/gtest.h>

#include "agent/xds/messages.h"

namespace proconsul::agent::xds {
namespace {

catalog::CheckServiceNode instance(const std::string& datacenter, const std::string& node, const std::string& address,
                                   std::int64_t port, std::uint64_t index = 1) {
  catalog::CheckServiceNode out;
  out.Node.emplace();
  out.Node->Node = node;
  out.Node->Datacenter = datacenter;
  out.Node->Address = address;
  out.Service.emplace();
  out.Service->Service = "some";
  out.Service->Port = port;
  out.Service->ModifyIndex = index;
  return out;
}

InstancesPtr all(Instances instances) {
  return std::make_shared<const Instances>(std::move(instances));
}

GatewayWorld federated() {
  GatewayWorld world;
  world.datacenter = "dc1";
  world.trust_domain = "td.consul";
  world.service.ID = world.service.Service = "gate";
  world.service.Address = "10.0.0.9";
  world.service.Port = 8443;
  world.service.Meta["consul-wan-federation"] = "1";
  catalog::CheckServiceNode far = instance("dc2", "g2", "10.0.0.2", 443, 7);
  far.Service->TaggedAddresses["wan"] = {.Address = "198.51.100.2", .Port = 8443};
  world.told["dc2"] = all({far});
  world.servers = all({instance("dc1", "s1", "10.0.0.1", 8300)});
  return world;
}

template <class T>
T read(const Resources& resources, Kind kind, const std::string& name) {
  T out;
  const auto found = resources.of(kind).find(name);
  EXPECT_NE(found, resources.of(kind).end()) << name;
  if (found != resources.of(kind).end()) EXPECT_TRUE(schema().parse(*found->second.body, out));
  return out;
}

std::vector<std::string> addresses(const Resources& resources, const std::string& cluster) {
  std::vector<std::string> out;
  const auto read_back = read<ClusterLoadAssignment>(resources, Kind::endpoint, cluster);
  for (const LocalityLbEndpoints& group : read_back.endpoints) {
    for (const LbEndpoint& each : group.lb_endpoints) {
      const SocketAddress& at = each.endpoint.address.socket_address;
      out.push_back(at.address + ':' + std::to_string(at.port_value) +
                    (each.health_status == kHealthUnhealthy ? " unhealthy" : ""));
    }
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(MeshGateway, HasAChainForEachDatacenterEachServerAndTheRest) {
  const Resources resources = mesh_gateway_resources(federated());

  const auto listener = read<Listener>(resources, Kind::listener, "default:10.0.0.9:8443");
  Texts names, clusters;
  for (const FilterChain& chain : listener.filter_chains) {
    names.push_back(chain.filter_chain_match ? chain.filter_chain_match->server_names.at(0) : "");
    TcpProxy proxy;
    ASSERT_TRUE(schema().parse(chain.filters.back().typed_config.value, proxy));
    clusters.push_back(*proxy.cluster);
  }
  EXPECT_EQ(names, (Texts{"*.dc2.internal.td.consul", "*.server.dc2.consul", "s1.server.dc1.consul", ""}));
  EXPECT_EQ(clusters, (Texts{"dc2.internal.td.consul", "server.dc2.consul", "s1.server.dc1.consul", ""}));
  EXPECT_EQ(addresses(resources, "dc2.internal.td.consul"), Texts{"198.51.100.2:8443"});
  EXPECT_EQ(addresses(resources, "s1.server.dc1.consul"), Texts{"10.0.0.1:8300"});
  EXPECT_EQ(addresses(resources, "server.dc1.consul"), Texts{"10.0.0.1:8300"});
}

TEST(MeshGateway, WithoutTheMetadataItLeadsToNoServer) {
  GatewayWorld world = federated();
  world.service.Meta.clear();

  const Resources resources = mesh_gateway_resources(world);

  EXPECT_EQ(resources.of(Kind::cluster).size(), 1u);
  EXPECT_TRUE(resources.of(Kind::cluster).contains("dc2.internal.td.consul"));
}

TEST(MeshGateway, GatewaysAreThoseThatChangedLast) {
  GatewayWorld world = federated();
  world.states["dc2"] = all({instance("dc2", "g3", "10.0.0.3", 8443, 8)});
  EXPECT_EQ(addresses(mesh_gateway_resources(world), "server.dc2.consul"), Texts{"10.0.0.3:8443"});

  world.states["dc2"] = all({instance("dc2", "g3", "10.0.0.3", 8443, 6)});
  EXPECT_EQ(addresses(mesh_gateway_resources(world), "server.dc2.consul"), Texts{"198.51.100.2:8443"});
}

TEST(MeshGateway, ATaggedAddressAloneMakesAnotherVersion) {
  GatewayWorld world = federated();
  const Resources before = mesh_gateway_resources(world);
  catalog::CheckServiceNode far = world.told["dc2"]->front();
  far.Service->TaggedAddresses["wan"].Port = 8444;
  world.told["dc2"] = all({far});

  const Resources after = mesh_gateway_resources(world);

  EXPECT_EQ(before.of(Kind::listener), after.of(Kind::listener));
  EXPECT_NE(before.of(Kind::endpoint), after.of(Kind::endpoint));
}

TEST(MeshGateway, GatewaysWithNamesAreResolvedByEnvoy) {
  GatewayWorld world = federated();
  world.told["dc2"] = all({instance("dc2", "g2", "gateway.example.com", 8443)});

  const Resources resources = mesh_gateway_resources(world);

  const auto cluster = read<Cluster>(resources, Kind::cluster, "server.dc2.consul");
  EXPECT_EQ(cluster.type, kLogicalDns);
  ASSERT_TRUE(cluster.load_assignment);
  EXPECT_EQ(cluster.load_assignment->endpoints.at(0).lb_endpoints.at(0).endpoint.address.socket_address.address,
            "gateway.example.com");
  EXPECT_FALSE(resources.of(Kind::endpoint).contains("server.dc2.consul"));
}

TEST(MeshGateway, ServicesHaveTheirSubsetsAndTheirHealth) {
  GatewayWorld world = federated();
  catalog::CheckServiceNode old = instance("dc1", "n1", "10.0.0.11", 80),
                            fresh = instance("dc1", "n2", "10.0.0.12", 80);
  old.Service->Meta["version"] = "1";
  fresh.Service->Meta["version"] = "2";
  fresh.Checks.emplace_back(catalog::HealthCheck{});
  fresh.Checks.front()->Status = "critical";
  world.services["web"] = all({old, fresh});
  auto resolver = std::make_shared<catalog::ServiceResolverConfigEntry>();
  resolver->Subsets["v2"].Filter = "Service.Meta.version == 2";
  resolver->ConnectTimeout = base::seconds(3);
  world.resolvers["web"] = resolver;

  const Resources resources = mesh_gateway_resources(world);

  EXPECT_EQ(addresses(resources, "web.default.dc1.internal.td.consul"),
            (Texts{"10.0.0.11:80", "10.0.0.12:80 unhealthy"}));
  EXPECT_EQ(addresses(resources, "v2.web.default.dc1.internal.td.consul"), Texts{"10.0.0.12:80 unhealthy"});
  const auto cluster = read<Cluster>(resources, Kind::cluster, "v2.web.default.dc1.internal.td.consul");
  EXPECT_EQ(cluster.connect_timeout.nanoseconds, base::seconds(3).nanoseconds);
  EXPECT_EQ(cluster.type, kEds);
}

TEST(MeshGateway, ListensWhereItIsTold) {
  GatewayWorld world = federated();
  world.service.TaggedAddresses["lan"] = {.Address = "10.0.0.9", .Port = 8443};
  world.service.TaggedAddresses["wan"] = {.Address = "198.51.100.1", .Port = 8443};
  catalog::ConnectProxyConfig& proxy = world.service.Proxy.edit();
  const auto listeners = [&world] {
    Texts names;
    for (const auto& [name, each] : mesh_gateway_resources(world).of(Kind::listener)) names.push_back(name);
    return names;
  };

  proxy.Config["envoy_mesh_gateway_bind_tagged_addresses"] = true;
  EXPECT_EQ(listeners(), (Texts{"default:10.0.0.9:8443", "wan:198.51.100.1:8443"}));

  proxy.Config["envoy_gateway_no_default_bind"] = true;
  EXPECT_EQ(listeners(), (Texts{"lan:10.0.0.9:8443", "wan:198.51.100.1:8443"}));

  proxy.Config.erase("envoy_mesh_gateway_bind_tagged_addresses");
  base::Value::MapType address;
  address["address"] = "127.0.0.1";
  address["port"] = 9000;
  proxy.Config["envoy_gateway_bind_addresses"].make_map()["inner"] = std::move(address);
  EXPECT_EQ(listeners(), Texts{"inner:127.0.0.1:9000"});
}

TEST(MeshGateway, PeersComeToServersThatVote) {
  GatewayWorld world = federated();
  world.peering_through_gateways = true;
  catalog::CheckServiceNode server = instance("dc1", "s1", "10.0.0.1", 8300);
  server.Service->Meta["grpc_tls_port"] = "8503";
  world.servers = all({server});

  EXPECT_EQ(addresses(mesh_gateway_resources(world), "server.dc1.peering.td.consul"), Texts{"10.0.0.1:8503"});
}

}  // namespace
}  // namespace proconsul::agent::xds
