#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "acl/jwt/test_signer.h"
#include "agent/auth/web.h"
#include "agent/auto_config/authorizer.h"
#include "agent/auto_config/client.h"
#include "agent/auto_config/messages.h"
#include "base/clock.h"
#include "base/net/loop.h"

namespace proconsul::agent::auto_config {
namespace {

using base::Result;

Response whole() {
  Response response;
  Config& config = response.Config.emplace();
  config = {.Datacenter = "dc1", .PrimaryDatacenter = "dc0", .NodeName = "n1"};
  config.ACL = Acl{.Enabled = true, .TokenTTL = "30s", .DownPolicy = "deny", .Tokens = Tokens{.Agent = "secret"}};
  config.Gossip = Gossip{.Encryption = GossipEncryption{.Key = "a2V5", .VerifyOutgoing = true},
                         .RetryJoinLAN = {"10.0.0.1:8301", "10.0.0.2:8301"}};
  config.TLS = Tls{.VerifyOutgoing = true, .VerifyServerHostname = true, .MinVersion = "tls12"};
  rpc::IndexedCARoots& roots = response.CARoots.emplace();
  roots.ActiveRootID = "one";
  roots.Index = 7;
  catalog::CARoot& root = roots.Roots.emplace_back().emplace();
  root.SerialNumber = 1ULL << 63;
  root.NotAfter = base::from_unix(1'700'000'000, 5);
  root.PrivateKeyBits = 256;
  root.ModifyIndex = 9;
  response.Certificate.emplace().CertPEM = "pem\n";
  response.Certificate->PrivateKeyPEM = "key\n";
  response.ExtraCACertificates = {"", "other"};
  return response;
}

TEST(AutoConfigMessages, AreWhatTheyWereOnTheWireAndInTheFile) {
  const Response response = whole();
  const std::string wire = to_protobuf(response), json = to_json(response);
  const Result<Response> read = read_response(wire);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(to_protobuf(*read), wire);
  EXPECT_EQ(to_json(*read), json);
  const Result<Response> kept = from_json(json);
  ASSERT_TRUE(kept) << kept.error().detail;
  EXPECT_EQ(to_json(*kept), json);
  EXPECT_EQ(to_protobuf(*kept), wire);
  EXPECT_NE(json.find("\"SerialNumber\": \"9223372036854775808\""), json.npos) << json;
  EXPECT_NE(json.find("\"AutoEncrypt\": null"), json.npos);
  EXPECT_NE(json.find("\"NotBefore\": \"0001-01-01T00:00:00Z\""), json.npos);
}

TEST(AutoConfigMessages, FieldsHaveConsulsNumbers) {
  const std::string wire = to_protobuf(Request{.Node = "n", .JWT = "j", .CSR = "c"});
  EXPECT_EQ(wire,
            "\x12\x01n\x2a\x01j\x3a\x01"
            "c");
}

TEST(AutoConfigMessages, NothingDamagedIsTaken) {
  const std::string wire = to_protobuf(whole()), json = to_json(whole());
  for (std::size_t size = 0; size < json.size(); ++size) EXPECT_FALSE(from_json(json.substr(0, size))) << size;
  for (std::size_t size = 0; size < wire.size(); ++size) (void)read_response(wire.substr(0, size));
  EXPECT_FALSE(read_response("\x0a\x05"));
  EXPECT_FALSE(read_response("\x08\x01"));
  for (const char* wrong : {"[]", "{\"Config\":[]}", "{\"None\":1}", "{\"Config\":{\"ACL\":{\"Enabled\":\"yes\"}}}",
                            "{\"CARoots\":{\"Roots\":[{\"SerialNumber\":\"-1\"}]}}", "{} {}"}) {
    EXPECT_FALSE(from_json(wrong)) << wrong;
  }
}

TEST(AutoConfigClient, WhatIsToldBecomesSettings) {
  const config::Settings settings = settings_of(*whole().Config);
  const auto text = [&](const char* path) {
    const base::Value* value = config::find(settings, path);
    return value && value->as_string() ? *value->as_string() : std::string("-");
  };
  EXPECT_EQ(text("primary_datacenter"), "dc0");
  EXPECT_EQ(text("acl.tokens.agent"), "secret");
  EXPECT_EQ(text("acl.policy_ttl"), "-");
  EXPECT_EQ(text("encrypt"), "a2V5");
  EXPECT_EQ(text("tls.defaults.tls_min_version"), "TLSv1_2");
  EXPECT_EQ(text("segment"), "-");
  EXPECT_EQ(config::find(settings, "retry_join")->as_list()->size(), 2u);
  EXPECT_EQ(*config::find(settings, "encrypt_verify_incoming")->as_bool(), false);
  EXPECT_EQ(*config::find(settings, "tls.internal_rpc.verify_server_hostname")->as_bool(), true);
}

TEST(AutoConfigClient, WithoutACertificateAnAnswerIsOfNoUse) {
  const Result<rpc::SignedResponse> none = certificates_of(Response{});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().detail.find("failed to populate the cache with certificate responses: "), 0u);
}

TEST(AutoConfigClient, TheFileIsKeptWhole) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "auto-config-kept";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  KeptResponse kept(folder);
  ASSERT_FALSE(kept.read());
  EXPECT_EQ(kept.read().error().code, base::Errc::not_found);
  ASSERT_TRUE(kept.change([](Response& last) { last = whole(); }));
  ASSERT_TRUE(kept.change([](Response& last) { last.Certificate->CertPEM = "new"; }));
  const Result<Response> read = kept.read();
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->Certificate->CertPEM, "new");
  EXPECT_EQ(read->Config->NodeName, "n1");
  std::ofstream(folder / "auto-config.json", std::ios::trunc) << "{\"Config\": {";
  ASSERT_FALSE(kept.read());
  EXPECT_EQ(kept.read().error().detail.find("failed to decode persisted auto-config data: "), 0u);
}

class AutoConfigAuthorizer : public testing::Test {
 protected:
  AutoConfigAuthorizer() {
    settings_.enabled = true;
    base::Value keys, audiences, mappings;
    keys.make_list().emplace_back(signer_.public_pem());
    audiences.make_list().emplace_back("us");
    mappings.make_map()["sub"] = base::Value("node");
    settings_.method["JWTValidationPubKeys"] = std::move(keys);
    settings_.method["BoundAudiences"] = std::move(audiences);
    settings_.method["ClaimMappings"] = std::move(mappings);
    settings_.claim_assertions.push_back("value.node == \"${node}\"");
  }
  ~AutoConfigAuthorizer() override { web_.stop(); }

  std::string token(const std::string& node) const {
    const std::string end = std::to_string(base::unix_seconds(base::system_clock().wall()) + 60);
    return signer_.token(R"({"aud":"us","sub":")" + node + R"(","exp":)" + end + "}");
  }
  /// The error's text; empty: it is introduced.
  std::string refusal(const Request& request) {
    const Result<auth::MethodPtr> method = auth::make_method(auth_method(settings_), {web_, base::system_clock()});
    if (!method) return method.error().detail;
    const Result<> may = authorize(**method, settings_, request);
    return may ? "" : may.error().detail;
  }

  acl::jwt::test::Signer signer_{"ES256"};
  config::AutoConfigAuthorizer settings_{};
  base::net::Loops loops_{1};
  auth::Web web_{loops_[0]};
};

TEST_F(AutoConfigAuthorizer, TheTokenMustBeOfTheNode) {
  EXPECT_EQ(refusal({.Node = "n1", .JWT = token("n1")}), "");
  EXPECT_EQ(refusal({.Node = "n2", .JWT = token("n1")}), "Permission denied: Failed JWT claim assertion");
  EXPECT_EQ(refusal({.Node = "n1", .JWT = ""}), "Permission denied: Failed JWT authorization: missing jwt");
}

TEST_F(AutoConfigAuthorizer, NoNameEscapesAnAssertion) {
  const std::string name = "x\" or value.node == \"n1";
  EXPECT_EQ(refusal({.Node = name, .JWT = token("n1")}), "Invalid request field. node = `" + name + "`");
  EXPECT_EQ(refusal({.Node = "n1", .Segment = "a b", .JWT = token("n1")}), "Invalid request field. segment = `a b`");
  EXPECT_EQ(refusal({.Node = "n1", .Partition = "-", .JWT = token("n1")}), "Invalid request field. partition = `-`");
}

TEST_F(AutoConfigAuthorizer, TheCertificateMustBeForTheNode) {
  const auto request = [](const std::string& node) { return *mesh::first_request({.node = node}); };
  EXPECT_EQ(refusal({.Node = "n1", .JWT = token("n1"), .CSR = request("n1").request}), "");
  EXPECT_EQ(refusal({.Node = "n1", .JWT = token("n1"), .CSR = request("n2").request}),
            "Spiffe ID agent name (n2) of the certificate signing request is not for the correct node (n1)");
  EXPECT_EQ(refusal({.Node = "n1", .JWT = token("n1"), .CSR = "none"}).find("Failed to parse CSR: "), 0u);
}

}  // namespace
}  // namespace proconsul::agent::auto_config
