#include "base/net/tls_suites.h"

#include <openssl/ssl.h>
#ifdef __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <ranges>
#include <string_view>

namespace proconsul::base::net {
namespace {

/// The suites by the names that OpenSSL knows them by; what it has no name for stays, and is then refused.
std::string openssl_names(std::string_view suites) {
  std::string names;
  for (const auto part : std::views::split(suites, ':')) {
    const std::string suite(part.begin(), part.end());
    const std::string_view name = OPENSSL_cipher_name(suite.c_str());
    names.append(names.empty() ? "" : ":").append(name == "(NONE)" ? suite : name);
  }
  return names;
}

/// Whether the processor has instructions for AES-GCM.
bool has_aes() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & (HWCAP_AES | HWCAP_PMULL)) == (HWCAP_AES | HWCAP_PMULL);
#else
  return false;
#endif
}

/// Without RSA for the exchange of keys, which reveals what was said to whoever gets the key later. The order is Go's.
struct Preferred {
  const char* tls12;
  const char* tls13;
};
constexpr Preferred kWithAes = {"ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES",
                                "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"};
constexpr Preferred kWithoutAes = {"ECDHE+CHACHA20:ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+AES",
                                   "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"};

}  // namespace

bool set_suites(SSL_CTX* context, const std::string& suites) {
  const Preferred preferred = has_aes() ? kWithAes : kWithoutAes;
  // A client that would rather not have AES has no instructions for it.
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  return SSL_CTX_set_ciphersuites(context, preferred.tls13) == 1 &&
         SSL_CTX_set_cipher_list(context, suites.empty() ? preferred.tls12 : openssl_names(suites).c_str()) == 1;
}

}  // namespace proconsul::base::net
