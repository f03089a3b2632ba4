#include "catalog/registry/validate.h"

#include <gtest/gtest.h>

namespace proconsul::catalog {
namespace {

std::string fault(const NodeService& service) {
  const auto result = validate_service(service);
  return result ? "" : result.error().detail;
}

NodeService proxy() {
  NodeService service;
  service.Kind = kKindConnectProxy;
  service.ID = service.Service = "web-proxy";
  service.Port = 21000;
  service.Proxy.edit().DestinationServiceName = "web";
  return service;
}

Upstream upstream(std::string name, int port) {
  Upstream upstream;
  upstream.DestinationName = std::move(name);
  upstream.LocalBindPort = port;
  return upstream;
}

TEST(Validate, AProxyMustSayWhereItListensAndWhomItServes) {
  EXPECT_EQ(fault(proxy()), "");
  NodeService bare;
  bare.Kind = kKindConnectProxy;

  EXPECT_EQ(fault(bare),
            "2 errors occurred:\n\t* Port or SocketPath must be set for a connect-proxy\n\t* "
            "Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n");
  EXPECT_EQ(validate_service_for_agent(bare).error().detail,
            "1 error occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n");
}

TEST(Validate, UpstreamsMustNotClash) {
  NodeService service = proxy();
  service.Proxy.edit().Upstreams = {upstream("db", 9191), upstream("db", 9192), upstream("cache", 9191),
                                    upstream("", 1), upstream("queue", 0)};

  EXPECT_EQ(
      fault(service),
      "4 errors occurred:\n\t* upstreams cannot contain duplicates of [type=\"\", name=\"db\", partition=\"\", "
      "namespace=\"\", peer=\"\", datacenter=\"\"]\n\t* upstreams cannot contain duplicates by local bind address "
      "and port or unix path; \"127.0.0.1:9191\" is specified twice\n\t* upstream destination name cannot be "
      "empty\n\t* upstream local bind port or local socket path must be defined and nonzero\n\n");
}

TEST(Validate, ExposedPathsNeedAPathAPortAndAKnownProtocol) {
  NodeService service = proxy();
  ExposePath path;
  path.ListenerPort = 70000;
  path.Protocol = "TCP";
  service.Proxy.edit().Expose.edit().Paths = {path};

  EXPECT_EQ(
      fault(service),
      "3 errors occurred:\n\t* expose.paths: empty path exposed\n\t* expose.paths: invalid listener port: 70000\n\t"
      "* protocol 'tcp' not supported for path: , must be in: [http http2]\n\n");
}

TEST(Validate, AGatewayHasAPortAndServesNoSingleService) {
  NodeService gateway;
  gateway.Kind = kKindMeshGateway;
  gateway.Proxy.edit().DestinationServiceName = "web";

  EXPECT_EQ(fault(gateway),
            "2 errors occurred:\n\t* Port must be non-zero for a mesh-gateway\n\t* The Proxy.DestinationServiceName "
            "configuration is invalid for a mesh-gateway\n\n");
  NodeService ingress;
  ingress.Kind = kKindIngressGateway;
  EXPECT_EQ(fault(ingress), "");
}

TEST(Validate, ANativeServiceListensAndAZoneHasARegion) {
  NodeService service;
  service.Connect.edit().Native = true;
  service.Locality.emplace().Zone = "z";

  EXPECT_EQ(
      fault(service),
      "2 errors occurred:\n\t* zone cannot be set without region\n\t* Port or SocketPath must be set for a Connect "
      "native service.\n\n");
}

TEST(Validate, PartsOfARegistrationAreCompletedOrRefused) {
  NodeService service;
  EXPECT_EQ(prepare_service(service).error().detail, "Must provide service name (Service.Service)");
  service.ID = "web1";
  EXPECT_EQ(prepare_service(service).error().detail,
            "Must provide service name (Service.Service) when service ID is provided");
  service.ID = "";
  service.Service = "web";
  service.Address = "0.0.0.0";
  EXPECT_EQ(prepare_service(service).error().detail, "Invalid service address");
  EXPECT_EQ(service.ID, "web");
  HealthCheck check;
  check.Name = "alive";
  prepare_check(check);
  EXPECT_EQ(check.CheckID, "alive");
  EXPECT_EQ(prepare_node("", "").error().detail, "Must provide node");
  EXPECT_EQ(prepare_node("n", "x").error().detail, "Bad node ID: uuid string is wrong length");
  EXPECT_TRUE(prepare_node("n", "11111111-2222-3333-4444-555555555555"));
}

}  // namespace
}  // namespace proconsul::catalog
