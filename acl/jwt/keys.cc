#include "acl/jwt/keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/openssl.h"

namespace proconsul::acl::jwt {

using base::Errc;
using base::Error;
using base::Result;

namespace {

using base::openssl::BigNumber;
using base::openssl::Bio;
using base::openssl::Certificate;
using base::openssl::Key;
using Context = std::unique_ptr<EVP_PKEY_CTX, base::FreeWith<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, base::FreeWith<EVP_MD_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, base::FreeWith<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, base::FreeWith<OSSL_PARAM_free>>;

constexpr std::string_view kNoKey = "data does not contain any valid RSA, ECDSA, or ED25519 public keys";
constexpr int kFewestBits = 1024, kMostBits = 16384;  // of RSA: fewer prove nothing, more cost too much to look at
constexpr std::size_t kMostKeys = 256;

struct Algorithm {
  std::string_view name;
  int kind;  // EVP_PKEY_*
  const EVP_MD* (*digest)();
  bool pss;
  std::string_view curve;  // OpenSSL's name
  std::size_t coordinate;  // bytes of each half of a signature
};
constexpr Algorithm kAlgorithms[] = {
    {"RS256", EVP_PKEY_RSA, EVP_sha256, false, {}, 0},
    {"RS384", EVP_PKEY_RSA, EVP_sha384, false, {}, 0},
    {"RS512", EVP_PKEY_RSA, EVP_sha512, false, {}, 0},
    {"PS256", EVP_PKEY_RSA, EVP_sha256, true, {}, 0},
    {"PS384", EVP_PKEY_RSA, EVP_sha384, true, {}, 0},
    {"PS512", EVP_PKEY_RSA, EVP_sha512, true, {}, 0},
    {"ES256", EVP_PKEY_EC, EVP_sha256, false, "prime256v1", 32},
    {"ES384", EVP_PKEY_EC, EVP_sha384, false, "secp384r1", 48},
    {"ES512", EVP_PKEY_EC, EVP_sha512, false, "secp521r1", 66},
    {"EdDSA", EVP_PKEY_ED25519, nullptr, false, {}, 0},
};

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string curve_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return {};
  return {name.data(), size};
}

bool is_useful(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return EVP_PKEY_get_bits(key) >= kFewestBits && EVP_PKEY_get_bits(key) <= kMostBits;
    case EVP_PKEY_EC:
      return std::ranges::any_of(kAlgorithms, [curve = curve_of(key)](const Algorithm& algorithm) {
        return !algorithm.curve.empty() && algorithm.curve == curve;
      });
    default:
      return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  }
}

/// The two halves of a signature as OpenSSL wants them; empty if they are not of the right length.
std::string der_signature(std::string_view halves, std::size_t coordinate) {
  if (halves.size() != 2 * coordinate) return {};
  const std::unique_ptr<ECDSA_SIG, base::FreeWith<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  BigNumber r(BN_bin2bn(bytes(halves), static_cast<int>(coordinate), nullptr));
  BigNumber s(BN_bin2bn(bytes(halves) + coordinate, static_cast<int>(coordinate), nullptr));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();  // the signature's
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  std::string out;
  if (size > 0) out.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool verify(EVP_PKEY* key, const Algorithm& algorithm, const Token& token) {
  std::string_view signature = token.signature;
  std::string der;
  if (algorithm.kind == EVP_PKEY_EC) {
    if (curve_of(key) != algorithm.curve) return false;
    der = der_signature(signature, algorithm.coordinate);
    signature = der;
  }
  if (signature.empty()) return false;
  const Digest digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;  // the digest's
  const EVP_MD* const hash = algorithm.digest ? algorithm.digest() : nullptr;
  if (!digest || EVP_DigestVerifyInit(digest.get(), &context, hash, nullptr, key) != 1) return false;
  if (algorithm.pss && (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) != 1)) {
    return false;
  }
  return EVP_DigestVerify(digest.get(), bytes(signature), signature.size(), bytes(token.signed_part),
                          token.signed_part.size()) == 1;
}

/// One key of a set, as RFC 7517 writes it.
struct Jwk {
  std::string kty{}, kid{}, use{}, crv{}, n{}, e{}, x{}, y{};
};
PROCONSUL_DECLARE_TYPE(Jwk)
PROCONSUL_DESCRIBE_TYPE(Jwk, "jose.rawJSONWebKey") {
  type.field("Kty", &Jwk::kty).json("kty");
  type.field("Kid", &Jwk::kid).json("kid");
  type.field("Use", &Jwk::use).json("use");
  type.field("Crv", &Jwk::crv).json("crv");
  type.field("N", &Jwk::n).json("n");
  type.field("E", &Jwk::e).json("e");
  type.field("X", &Jwk::x).json("x");
  type.field("Y", &Jwk::y).json("y");
}

struct Jwks {
  base::List<Jwk> keys{};
};
PROCONSUL_DECLARE_TYPE(Jwks)
PROCONSUL_DESCRIBE_TYPE(Jwks, "jose.JSONWebKeySet") {
  type.field("Keys", &Jwks::keys).json("keys");
}

Key made_of(const char* kind, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return Key(key);
}

Key rsa_key(const Jwk& jwk) {
  const Result<std::string> modulus = from_base64_url(jwk.n), exponent = from_base64_url(jwk.e);
  if (!modulus || !exponent || modulus->empty() || exponent->empty()) return nullptr;
  if (modulus->size() > kMostBits / 8 || exponent->size() > 8) return nullptr;
  const BigNumber n(BN_bin2bn(bytes(*modulus), static_cast<int>(modulus->size()), nullptr));
  const BigNumber e(BN_bin2bn(bytes(*exponent), static_cast<int>(exponent->size()), nullptr));
  // Every number to the power of 1 is itself: such a key would accept whatever one writes. Even ones are no keys.
  if (!n || !e || !BN_is_odd(e.get()) || BN_is_one(e.get())) return nullptr;
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return made_of("RSA", builder.get());
}

Key curve_key(const Jwk& jwk) {
  const std::string_view algorithm = jwk.crv == "P-256"   ? "ES256"
                                     : jwk.crv == "P-384" ? "ES384"
                                     : jwk.crv == "P-521" ? "ES512"
                                                          : "";
  const auto found = std::ranges::find(kAlgorithms, algorithm, &Algorithm::name);
  if (found == std::end(kAlgorithms)) return nullptr;
  const Result<std::string> x = from_base64_url(jwk.x), y = from_base64_url(jwk.y);
  if (!x || !y || x->size() != found->coordinate || y->size() != found->coordinate) return nullptr;
  const std::string point = '\x04' + *x + *y;  // uncompressed; that it lies on the curve is checked
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, found->curve.data(),
                                      found->curve.size()) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  return made_of("EC", builder.get());
}

Key edwards_key(const Jwk& jwk) {
  const Result<std::string> x = from_base64_url(jwk.x);
  if (jwk.crv != "Ed25519" || !x || x->size() != 32) return nullptr;
  return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size()));
}

Key key_of(const Jwk& jwk) {
  if (jwk.use == "enc") return nullptr;
  if (jwk.kty == "RSA") return rsa_key(jwk);
  if (jwk.kty == "EC") return curve_key(jwk);
  return jwk.kty == "OKP" ? edwards_key(jwk) : nullptr;
}

}  // namespace

struct KeyMaker {
  static PublicKey make(Key key) { return PublicKey(std::shared_ptr<EVP_PKEY>(std::move(key))); }
};

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxSize) return {Errc::invalid_argument, std::string(kNoKey)};
  const Bio input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char *name = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  Key key;
  if (input && PEM_read_bio(input.get(), &name, &header, &data, &size) == 1) {
    const unsigned char* at = data;
    key.reset(d2i_PUBKEY(nullptr, &at, size));
    if (!key) {
      at = data;
      const Certificate certificate(d2i_X509(nullptr, &at, size));
      if (certificate) key.reset(X509_get_pubkey(certificate.get()));
    }
  }
  const bool has_block = data != nullptr;
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  ERR_clear_error();
  if (has_block && !key) return {Errc::invalid_argument, "x509: malformed certificate"};
  if (!key || !is_useful(key.get())) return {Errc::invalid_argument, std::string(kNoKey)};
  return KeyMaker::make(std::move(key));
}

bool PublicKey::signed_token(const Token& token) const {
  if (token.critical) return false;
  EVP_PKEY* const key = static_cast<EVP_PKEY*>(key_.get());
  const auto algorithm = std::ranges::find(kAlgorithms, token.algorithm, &Algorithm::name);
  if (algorithm == std::end(kAlgorithms) || algorithm->kind != EVP_PKEY_get_base_id(key)) return false;
  const bool good = verify(key, *algorithm, token);
  ERR_clear_error();
  return good;
}

Result<KeySet> read_key_set(std::string_view json) {
  Jwks read;
  if (Result<> done = base::read_json(json, read); !done) return done.error();
  if (read.keys.size() > kMostKeys) return {Errc::too_large, "more than " + std::to_string(kMostKeys) + " keys"};
  KeySet keys;
  for (Jwk& jwk : read.keys) {
    Key key = key_of(jwk);
    if (key && is_useful(key.get())) keys.push_back({std::move(jwk.kid), KeyMaker::make(std::move(key))});
  }
  ERR_clear_error();
  return keys;
}

bool any_signed(const KeySet& keys, const Token& token) {
  return std::ranges::any_of(keys, [&](const NamedKey& named) {
    return (token.key_id.empty() || token.key_id == named.id) && named.key.signed_token(token);
  });
}

bool is_known_algorithm(std::string_view name) {
  return name != "EdDSA" && std::ranges::find(kAlgorithms, name, &Algorithm::name) != std::end(kAlgorithms);
}

}  // namespace proconsul::acl::jwt
