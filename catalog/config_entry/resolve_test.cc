#include "catalog/config_entry/resolve.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/input.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {
namespace {

class CentralConfiguration : public testing::Test {
 protected:
  void write(std::string_view json) {
    const base::Result<base::Value> raw = base::from_json<base::Value>(json);
    ASSERT_TRUE(raw) << json;
    auto entry = valid_config_entry(*raw->as_map());
    ASSERT_TRUE(entry) << entry.error().detail;
    store.writer().begin_command(++index);
    (*entry)->ModifyIndex = index;
    ASSERT_TRUE(restore_config_entry(store.writer(), std::move(*entry)));
    store.commit();
  }
  ResolvedServiceConfig resolve(const ServiceConfigQuestion& question) {
    auto resolved = resolve_service_config(store.view()->tables(), question, nullptr);
    EXPECT_TRUE(resolved) << resolved.error().detail;
    return std::move(*resolved);
  }
  std::string proxy_of(NodeService service) {
    std::uint64_t at = 0;
    const base::Result<> added = add_central_config(store.view()->tables(), service, at, nullptr);
    EXPECT_TRUE(added) << added.error().detail;
    return base::to_json(*service.Proxy);
  }
  static NodeService sidecar(std::string_view proxy) {
    NodeService service;
    service.Kind = kKindConnectProxy;
    service.ID = service.Service = "web-sidecar-proxy";
    EXPECT_TRUE(base::read_json(proxy, service.Proxy.edit()));
    return service;
  }
  static std::string configs(const ServiceConfig& config) { return base::to_json(config.UpstreamConfigs); }

  Store store{};
  std::uint64_t index = 0;
};

TEST_F(CentralConfiguration, NothingIsConfiguredWithoutEntries) {
  const ResolvedServiceConfig resolved = resolve({.service = "web"});

  EXPECT_TRUE(resolved.config.ProxyConfig.is_nil());
  EXPECT_TRUE(resolved.config.UpstreamConfigs.empty());
}

TEST_F(CentralConfiguration, AServiceOverridesWhatHoldsForAllProxies) {
  write(R"({"Kind":"proxy-defaults","Config":{"protocol":"http","a":1},"MeshGateway":{"Mode":"local"}})");
  write(R"({"Kind":"service-defaults","Name":"web","Protocol":"grpc","MaxInboundConnections":7})");

  const ServiceConfig config = resolve({.service = "web"}).config;

  EXPECT_EQ(base::to_json(config.ProxyConfig), R"({"a":1,"max_inbound_connections":7,"protocol":"grpc"})");
  EXPECT_EQ(config.MeshGateway.Mode, "local");
  EXPECT_TRUE(config.UpstreamConfigs.empty());  // nobody asked for any
}

TEST_F(CentralConfiguration, TheNearerToAnUpstreamTheMoreItCounts) {
  write(R"({"Kind":"proxy-defaults","Config":{"protocol":"http"}})");
  write(R"({"Kind":"service-defaults","Name":"db","Protocol":"tcp"})");
  write(R"({"Kind":"service-defaults","Name":"web","UpstreamConfig":{"Defaults":{"ConnectTimeoutMs":5},
            "Overrides":[{"Name":"cache","Protocol":"grpc","Limits":{"MaxConnections":3}}]}})");

  const ServiceConfig config =
      resolve({.service = "web", .upstreams = {{.ServiceName = {"db"}}, {.ServiceName = {"api"}}}}).config;

  EXPECT_EQ(
      configs(config),
      R"([{"Upstream":{"ServiceName":{"Name":"*"},"Peer":""},"Config":{"connect_timeout_ms":5}},)"
      R"({"Upstream":{"ServiceName":{"Name":"api"},"Peer":""},"Config":{"connect_timeout_ms":5,"protocol":"http"}},)"
      R"({"Upstream":{"ServiceName":{"Name":"cache"},"Peer":""},"Config":{"connect_timeout_ms":5,"limits":{"MaxConnections":3},)"
      R"("protocol":"grpc"}},)"
      R"({"Upstream":{"ServiceName":{"Name":"db"},"Peer":""},"Config":{"connect_timeout_ms":5,"protocol":"tcp"}}])");
}

TEST_F(CentralConfiguration, WhatARegistrationSaysStays) {
  write(R"({"Kind":"proxy-defaults","Config":{"protocol":"http","n":{"a":1,"b":2}},"MeshGateway":{"Mode":"local"},
            "Expose":{"Checks":true},"Mode":"direct"})");

  const std::string proxy = proxy_of(sidecar(
      R"({"DestinationServiceName":"web","Config":{"protocol":"tcp","n":{"a":9}},"MeshGateway":{"Mode":"remote"},
          "Upstreams":[{"DestinationName":"db","LocalBindPort":9,"Config":{"x":1}}]})"));

  EXPECT_NE(proxy.find(R"("Config":{"n":{"a":9,"b":2},"protocol":"tcp"})"), std::string::npos) << proxy;
  EXPECT_NE(proxy.find(R"("MeshGateway":{"Mode":"remote"},"Expose":{"Checks":true})"), std::string::npos) << proxy;
  EXPECT_NE(proxy.find(R"("Config":{"protocol":"http","x":1})"), std::string::npos) << proxy;
  EXPECT_NE(proxy.find(R"("Mode":"direct")"), std::string::npos) << proxy;
}

TEST_F(CentralConfiguration, ATransparentProxyHasUpstreamsThatNobodyRegistered) {
  write(R"({"Kind":"service-defaults","Name":"web","Mode":"transparent","UpstreamConfig":{"Overrides":[
            {"Name":"db","ConnectTimeoutMs":8}]}})");

  const std::string proxy = proxy_of(sidecar(R"({"DestinationServiceName":"web"})"));

  EXPECT_NE(proxy.find(R"("DestinationName":"db")"), std::string::npos) << proxy;
  EXPECT_NE(proxy.find(R"("CentrallyConfigured":true)"), std::string::npos) << proxy;
}

TEST_F(CentralConfiguration, OtherServicesAreLeftAsTheyAre) {
  write(R"({"Kind":"proxy-defaults","Config":{"protocol":"http"}})");
  NodeService service;
  service.ID = service.Service = "web";

  EXPECT_EQ(proxy_of(service).find("http"), std::string::npos);
}

TEST_F(CentralConfiguration, TheContentSaysWhetherAnythingThatMattersChanged) {
  write(R"({"Kind":"service-defaults","Name":"web","Protocol":"http"})");
  const ResolvedServiceConfig before = resolve({.service = "web"});
  write(R"({"Kind":"service-defaults","Name":"other","Protocol":"http"})");
  const ResolvedServiceConfig unconcerned = resolve({.service = "web"});
  write(R"({"Kind":"service-defaults","Name":"web","Protocol":"grpc"})");

  EXPECT_GT(unconcerned.index, before.index);
  EXPECT_EQ(unconcerned.content, before.content);
  EXPECT_NE(resolve({.service = "web"}).content, before.content);
}

}  // namespace
}  // namespace proconsul::catalog
