#include "agent/invite/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "gossip/keyring.h"

namespace proconsul::agent::invite {
namespace {

using base::Errc;
using base::Result;

// Keys of different use are different ones: who has the proof can open nothing.
std::string derived(std::string_view secret, std::string_view use) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(use.data()),
       use.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

gossip::Keyring ring_of(std::string_view secret) {
  gossip::Keyring ring;
  (void)ring.add(derived(secret, "proconsul invitation: seal"));  // 32 bytes are a key
  return ring;
}

}  // namespace

std::string new_secret(base::Random& random) {
  return random.bytes(kSecretSize);
}

std::string proof_of(std::string_view secret) {
  return base::to_hex(derived(secret, "proconsul invitation: redeem"));
}

std::string digest_of(std::string_view proof) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(proof.data(), proof.size(), digest, &size, EVP_sha256(), nullptr);
  return base::to_hex({reinterpret_cast<const char*>(digest), size});
}

std::string seal(std::string_view secret, std::string_view about, std::string_view plain, base::Random& random) {
  return base::to_base64(ring_of(secret).seal(plain, about, random));
}

Result<std::string> open(std::string_view secret, std::string_view about, std::string_view sealed) {
  const Result<std::string> bytes = base::from_base64(sealed);
  Result<std::string> plain =
      bytes ? ring_of(secret).open(*bytes, about) : Result<std::string>(Errc::invalid_argument, "");
  if (!plain) return {Errc::invalid_argument, "what was sealed for this invitation does not open: it is damaged"};
  return plain;
}

}  // namespace proconsul::agent::invite
