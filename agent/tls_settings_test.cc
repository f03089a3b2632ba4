#include "agent/tls_settings.h"

#include <gtest/gtest.h>

namespace proconsul::agent {
namespace {

TEST(TlsSettings, EverySuiteThatTheConfigurationKnowsIsOneOfOpenSsls) {
  config::TlsListener all;
  for (const char* suite : {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
                            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}) {
    config::TlsListener one;
    one.cipher_suites.push_back(suite);
    all.cipher_suites.push_back(suite);

    const auto context = base::net::TlsContext::client(tls_settings(one));

    EXPECT_TRUE(context) << suite << ": " << context.error().detail;
  }
  EXPECT_TRUE(base::net::TlsContext::client(tls_settings(all)));

  config::TlsListener unknown;
  unknown.cipher_suites.push_back("TLS_X");
  EXPECT_FALSE(base::net::TlsContext::client(tls_settings(unknown)));
}

}  // namespace
}  // namespace proconsul::agent
