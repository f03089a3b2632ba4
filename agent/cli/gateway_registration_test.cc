#include "agent/cli/gateway_registration.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/type_of.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

config::Surroundings host_with(const std::string& address) {
  config::Surroundings host;
  host.interfaces.push_back({.name = "eth0", .up = true, .ip = *config::Ip::parse(address), .prefix = 24});
  return host;
}

Result<GatewayRegistration> parsed(std::vector<std::string> words) {
  const std::span<const Flag> tables[] = {kGatewayRegistrationFlags};
  FlagValues flags(tables);
  EXPECT_TRUE(flags.parse(words));
  return gateway_of_flags(flags, "mesh-gateway", host_with("10.0.0.5"));
}

std::string refusal(std::vector<std::string> words) {
  const Result<GatewayRegistration> gateway = parsed(std::move(words));
  return gateway ? "" : gateway.error().detail;
}

TEST(GatewayRegistration, AddressesAreBothBoundWhenBothAreOfTheHost) {
  const auto gateway = parsed({"-address=10.0.0.5", "-wan-address", "10.0.0.5:9443", "-expose-servers"});
  ASSERT_TRUE(gateway) << gateway.error().detail;

  const auto service = gateway_service(*gateway, host_with("10.0.0.5"));

  ASSERT_TRUE(service) << service.error().detail;
  EXPECT_EQ(service->Kind, "mesh-gateway");
  EXPECT_EQ(service->ID, "mesh-gateway");
  EXPECT_EQ(service->Port, 8443);
  EXPECT_EQ(service->TaggedAddresses.at("lan"), (catalog::ServiceAddress{"10.0.0.5", 8443}));
  EXPECT_EQ(service->TaggedAddresses.at("wan"), (catalog::ServiceAddress{"10.0.0.5", 9443}));
  EXPECT_EQ(service->Meta.at("consul-wan-federation"), "1");
  EXPECT_EQ(service->Check.Name, "mesh-gateway listening");
  EXPECT_EQ(service->Check.TCP, "10.0.0.5:8443");
  EXPECT_EQ(service->Check.Interval, base::seconds(10));
  EXPECT_EQ(service->Check.DeregisterCriticalServiceAfter, base::seconds(6 * 3600));
  ASSERT_TRUE(service->Proxy);
  EXPECT_EQ(base::to_json(service->Proxy->Config),
            R"({"envoy_gateway_bind_tagged_addresses":true,"envoy_gateway_no_default_bind":true})");
}

TEST(GatewayRegistration, AWanAddressOfALoadBalancerLeavesTheBindingToTheProxy) {
  const auto gateway = parsed({"-address=10.0.0.5:1", "-wan-address=gateway.example.com:443"});
  ASSERT_TRUE(gateway);

  const auto service = gateway_service(*gateway, host_with("10.0.0.5"));

  ASSERT_TRUE(service);
  EXPECT_FALSE(service->Proxy);
  EXPECT_EQ(service->TaggedAddresses.at("wan").Address, "gateway.example.com");
}

TEST(GatewayRegistration, BindAddressesTakeTheRulesPlace) {
  const auto gateway =
      parsed({"-address=192.0.2.9:7", "-bind-address", "one=127.0.0.1:8", "-bind-address=two=[::1]:9"});
  ASSERT_TRUE(gateway);

  const auto service = gateway_service(*gateway, host_with("10.0.0.5"));

  ASSERT_TRUE(service) << service.error().detail;
  EXPECT_EQ(
      base::to_json(service->Proxy->Config),
      R"({"envoy_gateway_bind_addresses":{"one":{"Address":"127.0.0.1","Port":8},"two":{"Address":"::1","Port":9}},)"
      R"("envoy_gateway_no_default_bind":true})");
}

TEST(GatewayRegistration, ALanAddressThatIsNotOfTheHostIsRefused) {
  const auto gateway = parsed({"-address=192.0.2.9:7"});
  ASSERT_TRUE(gateway);

  const auto service = gateway_service(*gateway, host_with("10.0.0.5"));

  ASSERT_FALSE(service);
  EXPECT_EQ(service.error().detail,
            "The LAN address \"192.0.2.9\" will not be bindable. Either set a bindable address or override the bind "
            "addresses with -bind-address");
}

TEST(GatewayRegistration, WithoutAddressesTheCheckLooksAtTheLoopback) {
  const auto gateway = parsed({"-service=edge"});
  ASSERT_TRUE(gateway);

  const auto service = gateway_service(*gateway, host_with("10.0.0.5"));

  ASSERT_TRUE(service);
  EXPECT_EQ(service->Name, "edge");
  EXPECT_TRUE(service->TaggedAddresses.empty());
  EXPECT_EQ(service->Check.TCP, "127.0.0.1:8443");
}

TEST(GatewayRegistration, TemplatesAreExpanded) {
  const auto gateway = parsed({"-address", R"({{ GetInterfaceIP "eth0" }}:5)"});

  ASSERT_TRUE(gateway) << gateway.error().detail;
  EXPECT_EQ(gateway->lan, (catalog::ServiceAddress{"10.0.0.5", 5}));
}

TEST(GatewayRegistration, BadValuesAreNamedAsGoDoes) {
  EXPECT_EQ(refusal({"-address=host"}),
            R"(invalid value "host" for flag -address: Error parsing address "host": not an IP address)");
  EXPECT_EQ(refusal({"-address=1.2.3.4:x"}), R"(invalid value "1.2.3.4:x" for flag -address: Error parsing port "x": )"
                                             R"(strconv.Atoi: parsing "x": invalid syntax)");
  EXPECT_EQ(refusal({"-wan-address=::1"}), R"(invalid value "::1" for flag -wan-address: Error parsing address "::1": )"
                                           R"(address ::1: too many colons in address)");
  EXPECT_EQ(refusal({"-bind-address=1.2.3.4:5"}),
            R"(invalid value "1.2.3.4:5" for flag -bind-address: Missing "=" in argument: 1.2.3.4:5)");
}

}  // namespace
}  // namespace proconsul::agent::cli
