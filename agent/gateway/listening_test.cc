#include "agent/gateway/listening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/type_of.h"

namespace proconsul::agent::gateway {
namespace {

using testing::ElementsAre;
using wanfed::gateway::Address;

base::Result<std::vector<Address>> addresses(const std::string& json) {
  http::AgentService service;
  EXPECT_TRUE(base::read_json(json, service));
  return listening_addresses(service);
}

TEST(Listening, TheServicesAddressIsTheDefault) {
  EXPECT_THAT(*addresses(R"({"Address":"10.0.0.1","Port":8443})"), ElementsAre(Address{"10.0.0.1", 8443}));
  EXPECT_THAT(*addresses(R"({"Port":8443})"), ElementsAre(Address{"0.0.0.0", 8443}));
}

TEST(Listening, TaggedAddressesAreBoundOnceEach) {
  EXPECT_THAT(*addresses(R"({"Address":"10.0.0.1","Port":1,"TaggedAddresses":{
                "lan":{"Address":"10.0.0.1","Port":1},"lan_ipv4":{"Address":"10.0.0.1","Port":1},
                "wan":{"Address":"10.0.0.2","Port":2}},
                "Proxy":{"Config":{"envoy_gateway_no_default_bind":true,"envoy_gateway_bind_tagged_addresses":true}}})"),
              ElementsAre(Address{"10.0.0.1", 1}, Address{"10.0.0.2", 2}));
}

TEST(Listening, BindAddressesComeBesideTheDefaultUnlessItIsOff) {
  const std::string bind = R"("envoy_gateway_bind_addresses":{"x":{"Address":"::1","Port":9}})";

  EXPECT_THAT(*addresses(R"({"Address":"10.0.0.1","Port":1,"Proxy":{"Config":{)" + bind + "}}}"),
              ElementsAre(Address{"10.0.0.1", 1}, Address{"::1", 9}));
  EXPECT_THAT(*addresses(R"({"Address":"host","Port":1,"Proxy":{"Config":{"envoy_gateway_no_default_bind":true,)" +
                         bind + "}}}"),
              ElementsAre(Address{"::1", 9}));
}

TEST(Listening, WhatCannotBeBoundIsNamed) {
  const auto named = addresses(R"({"Address":"gateway.example.com","Port":1})");
  ASSERT_FALSE(named);
  EXPECT_THAT(named.error().detail, testing::HasSubstr("cannot listen at \"gateway.example.com\""));
  EXPECT_FALSE(addresses(R"({"Address":"10.0.0.1","Port":0})"));
  for (const char* port : {"1e300", "-1e300", "65536.5", "\"9\""}) {
    EXPECT_FALSE(addresses(R"({"Proxy":{"Config":{"envoy_gateway_no_default_bind":true,
                             "envoy_gateway_bind_addresses":{"x":{"Address":"::1","Port":)" +
                           std::string(port) + "}}}}}"))
        << port;
  }
}

}  // namespace
}  // namespace proconsul::agent::gateway
