// Public keys that are trusted, and whether one of them signed a token. Secrets (HMAC) are never keys here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "acl/jwt/jwt.h"
#include "base/result.h"

namespace proconsul::acl::jwt {

/// RSA of 1024 to 16384 bits, an elliptic curve P-256, P-384 or P-521, or Ed25519. Immutable; copies share it.
class PublicKey {
 public:
  /// The first block of a PEM text: a public key or a certificate.
  static base::Result<PublicKey> from_pem(std::string_view pem);
  /// Whether this key signed it, by an algorithm that goes with this kind of key.
  bool signed_token(const Token& token) const;

 private:
  friend struct KeyMaker;
  explicit PublicKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;  // EVP_PKEY
};

struct NamedKey {
  std::string id{};  // empty: none
  PublicKey key;
};
using KeySet = std::vector<NamedKey>;

/// A JSON web key set. Keys that are of no use here (secrets, unknown curves, encryption) are left out; more than 256
/// of them are an error.
base::Result<KeySet> read_key_set(std::string_view json);

/// Whether one of the keys signed it: that of its key id, if it names one.
bool any_signed(const KeySet& keys, const Token& token);
/// "RS256" and the like, of those that Consul can be told to accept: without EdDSA, which its keys may still have.
bool is_known_algorithm(std::string_view name);

}  // namespace proconsul::acl::jwt
