#include "agent/start_rules.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

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

TEST(StartRules, HttpsNeedsTheCipherThatHttp2Has) {
  config::Config wrong = config();
  wrong.tls.https.cipher_suites = {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"};
  EXPECT_EQ(refused(wrong), "");  // nobody speaks it
  wrong.https_addrs.emplace_back();
  EXPECT_TRUE(refused(wrong).starts_with("http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM"))
      << refused(wrong);
  wrong.tls.https.min_version = "TLSv1_3";
  EXPECT_EQ(refused(wrong), "");
  wrong.tls.https.min_version = "TLSv1_2";
  wrong.tls.https.cipher_suites.push_back("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(refused(wrong), "");
}

TEST(StartRules, AFolderOfAuthoritiesIsReadWhole) {
  const std::string folder = testing::TempDir() + "authorities";
  std::filesystem::create_directories(folder + "/below");
  config::Config wrong = config();
  wrong.tls.https.ca_path = folder + "/none";
  EXPECT_EQ(refused(wrong), "lstat " + folder + "/none: no such file or directory");
  wrong.tls.https.ca_path = folder;
  EXPECT_EQ(refused(wrong), "Error loading from CAPath: no CAs found");
  std::ofstream(folder + "/below/ca.pem") << "garbage";
  EXPECT_EQ(refused(wrong), "failed to parse PEM of " + folder + "/below/ca.pem");
  std::filesystem::remove_all(folder);
}

TEST(StartRules, WhatIsDemandedOfOthersNeedsTheMeans) {
  config::Config wrong = config();
  wrong.tls.grpc.verify_outgoing = true;
  EXPECT_EQ(refused(wrong), "VerifyOutgoing set but no CA certificates were provided");
  wrong = config();
  wrong.tls.internal_rpc.verify_incoming = true;
  EXPECT_EQ(refused(wrong), "VerifyIncoming set but no CA certificates were provided");
  wrong = config();
  wrong.tls.https.cert_file = "half";
  EXPECT_EQ(refused(wrong), "") << "half a pair counts as none";
}

}  // namespace
}  // namespace proconsul::agent
