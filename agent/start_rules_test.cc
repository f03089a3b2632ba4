#include "agent/start_rules.h"

#include <gtest/gtest.h>

namespace proconsul::agent {
namespace {

config::Config config() {
  config::Config config;
  config.rpc_protocol = 2;
  config.acl_resolver.default_policy = "allow";
  config.acl_resolver.down_policy = "extend-cache";
  return config;
}

std::string refused(const config::Config& config) {
  const base::Result<> checked = check_start(config);
  return checked ? "" : checked.error().detail;
}

TEST(StartRules, WhatNamesNothingIsRefusedInConsulsWords) {
  EXPECT_EQ(refused(config()), "");

  config::Config wrong = config();
  wrong.rpc_protocol = 99;
  EXPECT_EQ(refused(wrong), "Failed to start Consul client: Protocol version '99' too high. Must be in range: [2, 3]");
  wrong.server_mode = true;
  wrong.rpc_protocol = 1;
  EXPECT_EQ(refused(wrong), "Failed to start Consul server: Protocol version '1' too low. Must be in range: [2, 3]");

  wrong = config();
  wrong.acl_resolver.default_policy = "x";
  EXPECT_EQ(refused(wrong), "Failed to start Consul client: Unsupported default ACL policy: x");

  wrong = config();
  wrong.acl_resolver.down_policy = "x";
  EXPECT_EQ(refused(wrong), "Failed to start Consul client: Unsupported down ACL policy: x");
}

TEST(StartRules, CertificatesThatCannotBeReadAreRefusedWhoeverUsesThem) {
  config::Config wrong = config();
  wrong.tls.grpc.ca_file = "/nowhere/ca.pem";

  EXPECT_TRUE(refused(wrong).starts_with("Error loading CA: ")) << refused(wrong);
}

}  // namespace
}  // namespace proconsul::agent
