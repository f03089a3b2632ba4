#include "agent/x509/certificate.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace proconsul::agent::x509 {
namespace {

constexpr const char* kDomain = "spiffe://11111111-2222-3333-4444-555555555555.consul";

base::Time now() {
  return base::system_clock().wall();
}
Terms for_a_day(std::uint64_t serial) {
  return {serial, now() + base::seconds(-60), now() + base::seconds(24 * 3600)};
}

struct Authority {
  std::string key{}, certificate{};
  std::shared_ptr<const Signer> signer{};
};
Authority make(const std::string& type, int bits) {
  Authority made{.key = generate_key(type, bits).value()};
  made.certificate = make_root(made.key, "pri-abcdefgh.consul.ca.11111111.consul", kDomain, for_a_day(7)).value();
  made.signer = Signer::create(made.certificate, made.key).value();
  return made;
}

TEST(Certificates, ARootSignsItselfAndIsKnownByItsFingerprintAndKey) {
  for (const auto& [type, bits] : {std::pair{"ec", 224}, {"ec", 256}, {"ec", 384}, {"ec", 521}, {"rsa", 2048}}) {
    const Authority root = make(type, bits);

    const Facts& facts = root.signer->facts();

    EXPECT_EQ(facts.key_type, type);
    EXPECT_EQ(facts.key_bits, bits);
    EXPECT_EQ(facts.serial, 7U);
    EXPECT_EQ(facts.serial_text, "07");
    EXPECT_EQ(facts.fingerprint.size(), 59U);
    EXPECT_EQ(facts.subject_key_id.size(), 95U);
    EXPECT_EQ(facts.subject_key_id, facts.authority_key_id);
    EXPECT_EQ(facts.uris, std::vector<std::string>{kDomain});
    EXPECT_TRUE(facts.is_authority);
    EXPECT_TRUE(verify_issued(root.certificate, root.certificate));
    EXPECT_TRUE(root.key.starts_with(std::string(type) == "ec" ? "-----BEGIN EC PRIVATE KEY-----"
                                                               : "-----BEGIN RSA PRIVATE KEY-----"));
  }
}

TEST(Certificates, ALeafHasTheNamesOfItsRequestAndTheKeyOfItsAuthority) {
  const Authority root = make("ec", 256);
  const std::string key = generate_key("ec", 256).value();
  const std::string uri = std::string(kDomain) + "/ns/default/dc/dc1/svc/web";
  const std::string request =
      make_request(key, {.uri = uri, .dns_names = {"a.b:80", "a.b", ""}, .ip_addresses = {"127.0.0.1", "::1"}}, false)
          .value();
  const Asked asked = read_request(request).value();
  EXPECT_EQ(asked.dns_names, std::vector<std::string>{"a.b"});
  EXPECT_EQ(asked.addresses.size(), 2U);
  EXPECT_EQ(asked.addresses[1].size(), 16U);

  const std::string leaf = root.signer->sign_leaf(asked, for_a_day(0x1234)).value();

  const Facts facts = read_certificate(leaf).value();
  EXPECT_EQ(facts.serial_text, "12:34");
  EXPECT_EQ(facts.authority_key_id, root.signer->facts().subject_key_id);
  EXPECT_EQ(facts.uris, std::vector<std::string>{uri});
  EXPECT_FALSE(facts.is_authority);
  EXPECT_TRUE(belongs(leaf, key).value());
  EXPECT_FALSE(belongs(leaf, root.key).value());
  EXPECT_TRUE(verify_issued(leaf, root.certificate));
  EXPECT_EQ(verify_issued(leaf, make("ec", 256).certificate).error().detail,
            "x509: certificate signed by unknown authority");
}

TEST(Certificates, AnIntermediateOfAnotherDatacenterSignsLeavesUnderTheRoot) {
  const Authority root = make("rsa", 2048);
  const std::string key = generate_key("ec", 384).value();
  const Asked asked = read_request(make_request(key, {.uri = kDomain}, true).value()).value();

  const std::string intermediate = root.signer->sign_intermediate(asked, for_a_day(8)).value();

  const Facts facts = read_certificate(intermediate).value();
  EXPECT_TRUE(facts.is_authority);
  EXPECT_EQ(facts.key_bits, 384);
  EXPECT_TRUE(verify_issued(intermediate, root.certificate));
  const auto signer = Signer::create(intermediate, key);
  ASSERT_TRUE(signer) << signer.error().detail;
  const std::string leaf_key = generate_key("ec", 256).value();
  const Asked service =
      read_request(make_request(leaf_key, {.uri = std::string(kDomain) + "/ns/default/dc/dc2/svc/web"}, false).value())
          .value();
  const std::string leaf = (*signer)->sign_leaf(service, for_a_day(9)).value();
  EXPECT_TRUE(verify_issued(leaf, intermediate));
}

TEST(Certificates, AnOldRootVouchesForTheNextOne) {
  const Authority old = make("ec", 256);
  const Authority next = make("rsa", 2048);

  const std::string crossed = old.signer->cross_sign(next.certificate, for_a_day(10)).value();

  const Facts facts = read_certificate(crossed).value();
  EXPECT_EQ(facts.serial, 10U);
  EXPECT_EQ(facts.subject_key_id, next.signer->facts().subject_key_id);
  EXPECT_EQ(facts.authority_key_id, old.signer->facts().subject_key_id);
  EXPECT_TRUE(verify_issued(crossed, old.certificate));
  EXPECT_TRUE(belongs(crossed, next.key).value());
}

TEST(Certificates, WhatIsNoneIsRefusedInConsulsWords) {
  const Authority root = make("ec", 256);

  EXPECT_EQ(read_certificate("bad").error().detail, "no PEM-encoded data found");
  EXPECT_EQ(read_certificate(root.key).error().detail, "first PEM-block should be CERTIFICATE type");
  EXPECT_EQ(read_request(root.certificate).error().detail, "first PEM-block should be CERTIFICATE REQUEST type");
  EXPECT_EQ(check_key(root.certificate).error().detail, "unknown PEM block type for signing key: CERTIFICATE");
  EXPECT_EQ(generate_key("rsa", 1024).error().detail,
            "error generating RSA private key: invalid key size 1024, must be at least 2048 bits");
  EXPECT_EQ(generate_key("dsa", 1024).error().detail, "unknown private key type requested: dsa");
  EXPECT_EQ(Signer::create(root.certificate, generate_key("ec", 256).value()).error().detail,
            "x509: provided PrivateKey doesn't match parent's PublicKey");
  EXPECT_FALSE(read_certificate(std::string(2 << 20, 'x')));
}

TEST(Certificates, ARequestThatWasChangedIsRefused) {
  std::string request = make_request(generate_key("ec", 256).value(), {.uri = kDomain}, false).value();
  const std::size_t end = request.find("\n-----END");
  request[end - 10] = request[end - 10] == 'A' ? 'B' : 'A';

  EXPECT_FALSE(read_request(request));
}

}  // namespace
}  // namespace proconsul::agent::x509
