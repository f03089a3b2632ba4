#include "agent/mesh/authority_config.h"

#include <gtest/gtest.h>

namespace proconsul::agent::mesh {
namespace {

using Config = base::Map<base::Value>;

std::string fault(const Config& config) {
  const auto read = read_authority_config(config);
  return read ? "" : read.error().detail;
}

TEST(AuthorityConfig, NumbersTextsAndAnyLetterCaseAreTaken) {
  const auto config = read_authority_config({{"LeafCertTTL", "48h"},
                                             {"intermediatecertttl", "720h"},
                                             {"PrivateKeyBits", "384"},
                                             {"CSRMaxPerSecond", 2.5},
                                             {"CSRMaxConcurrent", 3.0},
                                             {"RotationPeriod", "2160h"}});

  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->leaf_ttl, base::seconds(48 * 3600));
  EXPECT_EQ(config->intermediate_ttl, base::seconds(720 * 3600));
  EXPECT_EQ(config->private_key_bits, 384);
  EXPECT_EQ(config->csr_max_per_second, 2.5);
  EXPECT_EQ(config->csr_max_concurrent, 3);
  EXPECT_EQ(config->private_key_type, "ec");
}

TEST(AuthorityConfig, WhatDoesNotGoTogetherIsRefusedInConsulsWords) {
  EXPECT_EQ(fault({{"LeafCertTTL", "1m"}}), "leaf cert TTL must be greater or equal than 1h0m0s");
  EXPECT_EQ(fault({{"LeafCertTTL", "8761h"}}), "leaf cert TTL must be less than 8760h0m0s");
  EXPECT_EQ(fault({{"LeafCertTTL", "bad"}}),
            "error decoding config: 1 error(s) decoding:\n\n* error decoding 'LeafCertTTL': time: invalid duration "
            "\"bad\"");
  EXPECT_EQ(fault({{"LeafCertTTL", "100h"}, {"IntermediateCertTTL", "90h"}}),
            "Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>=300h0m0s).");
  EXPECT_EQ(fault({{"LeafCertTTL", "1h"}, {"IntermediateCertTTL", "2h"}}),
            "Intermediate Cert TTL must be greater or equal than 3h");
  EXPECT_EQ(fault({{"RootCertTTL", "1h"}}),
            "root cert TTL is set and is not greater than intermediate cert ttl. root cert ttl: 1h0m0s, intermediate "
            "cert ttl: 8760h0m0s");
  EXPECT_EQ(fault({{"PrivateKeyType", "rsa"}, {"PrivateKeyBits", 1024.0}}), "RSA key length must be 2048 or 4096 bits");
  EXPECT_EQ(fault({{"PrivateKeyBits", 100.0}}), "EC key length must be one of (224, 256, 384, 521) bits");
  EXPECT_EQ(fault({{"PrivateKeyType", "dsa"}}), "private key type must be either 'ec' or 'rsa'");
  EXPECT_EQ(fault({{"RootCert", "x"}}), "must provide a private key when providing a root cert");
  EXPECT_EQ(fault({{"SkipValidate", true}, {"LeafCertTTL", "1m"}}), "");
}

TEST(AuthorityConfig, OnlyTheBuiltInProviderIsThere) {
  EXPECT_TRUE(check_provider("consul"));
  EXPECT_EQ(check_provider("bogus").error().detail, "unknown CA provider \"bogus\"");
  EXPECT_EQ(check_provider("vault").error().detail,
            "CA provider \"vault\" is not built into this agent: use \"consul\", the built-in one");
}

TEST(AuthorityConfig, TheStatesOwnNameOfAKeyIsTheOneThatCounts) {
  const Config both = with_state_names({{"leaf_cert_ttl", "2h"}, {"LeafCertTTL", "3h"}});

  EXPECT_EQ(both.size(), 1u);
  EXPECT_EQ(*both.at("LeafCertTTL").as_string(), "3h");
}

TEST(AuthorityConfig, OfVaultItIsSaidWhatIsMissing) {
  const auto fault = [](const Config& files, bool primary = true) {
    const auto checked = check_vault_config(with_state_names(files), primary);
    return checked ? std::string() : checked.error().detail;
  };

  EXPECT_EQ(fault({}), "must provide a Vault token or configure a Vault auth method");
  EXPECT_EQ(fault({{"token", "x"}, {"auth_method", base::Value::MapType{}}}),
            "only one of Vault token or Vault auth method can be provided, but not both");
  EXPECT_EQ(fault({{"token", "x"}}), "must provide a valid path to a root PKI backend");
  EXPECT_EQ(fault({{"token", "x"}}, false), "must provide a valid path for the intermediate PKI backend");
  EXPECT_EQ(fault({{"token", "x"}, {"root_pki_path", "a"}, {"intermediate_pki_path", "b"}}), "");
  EXPECT_EQ(fault({{"token", "x"}, {"root_pki_path", "a"}, {"intermediate_pki_path", "b"}, {"leaf_cert_ttl", "1m"}}),
            "leaf cert TTL must be greater or equal than 1h0m0s");
}

TEST(AuthorityConfig, AServerBeginsWithTheDefaultsAndWhatItsFilesSay) {
  const Config files = with_state_names({{"leaf_cert_ttl", "24h"}, {"own", 1}});

  const auto initial = initial_configuration("", files);

  ASSERT_TRUE(initial);
  EXPECT_EQ(initial->Provider, "consul");
  EXPECT_EQ(*initial->Config.at("LeafCertTTL").as_string(), "24h");
  EXPECT_EQ(*initial->Config.at("IntermediateCertTTL").as_string(), "8760h");
  EXPECT_EQ(*initial->Config.at("RootCertTTL").as_string(), "87600h");
  EXPECT_TRUE(initial->Config.contains("own"));
  EXPECT_EQ(initial_configuration("", {{"cluster_id", "x"}}).error().detail,
            "cluster_id was supplied but was not a valid UUID");
}

}  // namespace
}  // namespace proconsul::agent::mesh
