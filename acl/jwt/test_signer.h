// For tests: makes keys and tokens that they sign.
#pragma once

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/base64.h"

namespace proconsul::acl::jwt::test {

inline std::string base64_url(std::string_view bytes) {
  std::string text = base::to_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

/// "RS256" and the like say what kind of key it is.
class Signer {
 public:
  explicit Signer(std::string_view algorithm) : algorithm_(algorithm) {
    EVP_PKEY* key = nullptr;
    if (algorithm.starts_with("ES")) {
      key = EVP_EC_gen(algorithm == "ES256" ? "P-256" : algorithm == "ES384" ? "P-384" : "P-521");
    } else if (algorithm == "EdDSA") {
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    } else {
      key = EVP_RSA_gen(2048);
    }
    key_.reset(key, &EVP_PKEY_free);
  }

  std::string public_pem() const {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(out, key_.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(out);
    return pem;
  }

  /// With that header; the default names the signer's algorithm.
  std::string token(std::string_view claims, std::string header = {}) const {
    if (header.empty()) header = R"({"typ":"JWT","alg":")" + algorithm_ + "\"}";
    const std::string text = base64_url(header) + "." + base64_url(claims);
    return text + "." + base64_url(signature(text));
  }

  std::string signature(std::string_view text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* padding = nullptr;
    const EVP_MD* digest = algorithm_ == "EdDSA"         ? nullptr
                           : algorithm_.ends_with("256") ? EVP_sha256()
                           : algorithm_.ends_with("384") ? EVP_sha384()
                                                         : EVP_sha512();
    EVP_DigestSignInit(context, &padding, digest, nullptr, key_.get());
    if (algorithm_.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST);
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    EVP_DigestSign(context, nullptr, &size, bytes, text.size());
    std::string out(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes, text.size());
    out.resize(size);
    EVP_MD_CTX_free(context);
    return algorithm_.starts_with("ES") ? halves(out) : out;
  }

 private:
  std::string halves(std::string_view der) const {
    const int size = algorithm_ == "ES256" ? 32 : algorithm_ == "ES384" ? 48 : 66;
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(2 * static_cast<std::size_t>(size), '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), to, size);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), to + size, size);
    ECDSA_SIG_free(signature);
    return out;
  }

  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_{};
};

}  // namespace proconsul::acl::jwt::test
