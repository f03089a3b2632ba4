#include "agent/local/sidecar.h"

#include <gtest/gtest.h>

namespace proconsul::agent::local {
namespace {

ServiceRegistration parent_with(catalog::ServiceDefinition sidecar) {
  ServiceRegistration parent;
  parent.service.ID = "web-1";
  parent.service.Service = "web";
  parent.service.Port = 8080;
  parent.service.Address = "10.0.0.1";
  parent.service.Tags = {"t"};
  parent.service.Meta.insert_or_assign("m", "1");
  parent.service.Locality.emplace().Region = "eu";
  parent.token = "token-1";
  parent.service.Connect.edit().SidecarService = std::move(sidecar);
  return parent;
}

State state_with(std::initializer_list<std::pair<const char*, int>> services) {
  State state("n1");
  for (const auto& [id, port] : services) {
    catalog::NodeService service;
    service.ID = service.Service = id;
    service.Port = port;
    state.put_service(std::move(service), "", Source::api);
  }
  return state;
}

TEST(Sidecar, TakesFromItsServiceWhatItDoesNotSay) {
  ServiceRegistration parent = parent_with({});

  const auto sidecar = take_sidecar(parent);

  ASSERT_TRUE(sidecar && *sidecar);
  EXPECT_FALSE(parent.service.Connect->SidecarService);
  const catalog::NodeService& service = (*sidecar)->service;
  EXPECT_EQ(service.ID, "web-1-sidecar-proxy");
  EXPECT_EQ(service.Service, "web-sidecar-proxy");
  EXPECT_EQ(service.Kind, "connect-proxy");
  EXPECT_EQ(service.Address, "10.0.0.1");
  EXPECT_EQ(service.Tags.size(), 1U);
  EXPECT_EQ(service.Meta.at("m"), "1");
  EXPECT_EQ(service.Locality->Region, "eu");
  EXPECT_TRUE(service.LocallyRegisteredAsSidecar);
  EXPECT_EQ(service.Proxy->DestinationServiceName, "web");
  EXPECT_EQ(service.Proxy->DestinationServiceID, "web-1");
  EXPECT_EQ(service.Proxy->LocalServiceAddress, "127.0.0.1");
  EXPECT_EQ(service.Proxy->LocalServicePort, 8080);
  EXPECT_EQ((*sidecar)->token, "token-1");
}

TEST(Sidecar, KeepsWhatItSays) {
  catalog::ServiceDefinition definition;
  definition.Name = "own";
  definition.Port = 1234;
  definition.Address = "10.0.0.2";
  definition.Token = "token-2";
  definition.Tags = {"a", "b"};
  definition.Proxy.emplace().LocalServiceSocketPath = "/run/web.sock";
  ServiceRegistration parent = parent_with(std::move(definition));

  const auto sidecar = take_sidecar(parent);

  ASSERT_TRUE(sidecar && *sidecar);
  const catalog::NodeService& service = (*sidecar)->service;
  EXPECT_EQ(service.ID, "web-1-sidecar-proxy");
  EXPECT_EQ(service.Service, "own");
  EXPECT_EQ(service.Port, 1234);
  EXPECT_EQ(service.Address, "10.0.0.2");
  EXPECT_EQ(service.Tags.size(), 2U);
  EXPECT_EQ(service.Proxy->LocalServiceAddress, "");
  EXPECT_EQ(service.Proxy->LocalServicePort, 0);
  EXPECT_EQ((*sidecar)->token, "token-2");
}

TEST(Sidecar, AServiceWithoutOneHasNoneAndBadMetadataIsRefused) {
  ServiceRegistration plain;
  catalog::ServiceDefinition bad;
  bad.Meta.insert_or_assign("consul-reserved", "x");
  ServiceRegistration parent = parent_with(std::move(bad));

  const auto none = take_sidecar(plain);
  const auto refused = take_sidecar(parent);

  EXPECT_TRUE(none && !*none);
  EXPECT_FALSE(refused);
}

TEST(Sidecar, GetsTheLowestFreePortAndKeepsIt) {
  State state = state_with({{"a-sidecar-proxy", 21000}, {"b", 21002}, {"c", 80}});

  EXPECT_EQ(*sidecar_port(state, "x-sidecar-proxy", {.min = 21000, .max = 21003}), 21001);
  EXPECT_EQ(*sidecar_port(state, "a-sidecar-proxy", {.min = 21000, .max = 21003}), 21000);
  EXPECT_EQ(*sidecar_port(state, "c", {.min = 21000, .max = 21003}), 21001);
  EXPECT_EQ(sidecar_port(state, "x", {.min = 21000, .max = 21000}).error().detail,
            "no port provided for sidecar_service and none left in the configured range [21000, 21000]");
  EXPECT_EQ(sidecar_port(state, "x", {.min = -1, .max = -1}).error().detail,
            "no port provided for sidecar_service and auto-assignment disabled in config");
  ASSERT_TRUE(state.remove_service("a-sidecar-proxy"));
  EXPECT_EQ(*sidecar_port(state, "x", {.min = 21000, .max = 21000}), 21000);
}

TEST(Sidecar, IsCheckedWhereItListensAndByItsService) {
  catalog::NodeService sidecar;
  sidecar.ID = "web-1-sidecar-proxy";
  sidecar.Port = 21000;
  sidecar.Proxy.edit().LocalServiceAddress = "127.0.0.1";

  std::vector<catalog::CheckType> checks = sidecar_checks(sidecar);

  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].Name, "Connect Sidecar Listening");
  EXPECT_EQ(checks[0].TCP, "127.0.0.1:21000");
  EXPECT_EQ(checks[0].Interval, base::seconds(10));
  EXPECT_EQ(checks[1].Name, "Connect Sidecar Aliasing web-1");
  EXPECT_EQ(checks[1].AliasService, "web-1");
  sidecar.Address = "fd00::1";
  EXPECT_EQ(sidecar_checks(sidecar)[0].TCP, "[fd00::1]:21000");
}

}  // namespace
}  // namespace proconsul::agent::local
