#include "gossip/keyring.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace proconsul::gossip {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kBlock = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const EVP_CIPHER* cipher(std::size_t key_size) {
  switch (key_size) {
    case 16:
      return EVP_aes_128_gcm();
    case 24:
      return EVP_aes_192_gcm();
    case 32:
      return EVP_aes_256_gcm();
    default:
      return nullptr;
  }
}

unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// OpenSSL fails here only when memory is gone or it is broken: nothing sensible can follow.
void must(int answer) {
  if (answer != 1) std::abort();
}

}  // namespace

struct Keyring::Key {
  explicit Key(std::string_view key) : secret(key), sealing(EVP_CIPHER_CTX_new()), opening(EVP_CIPHER_CTX_new()) {
    must(EVP_EncryptInit_ex(sealing.get(), cipher(key.size()), nullptr, bytes(key), nullptr));
    must(EVP_DecryptInit_ex(opening.get(), cipher(key.size()), nullptr, bytes(key), nullptr));
  }

  std::string secret;
  // The key schedule is made once; a message only sets its nonce.
  Context sealing;
  Context opening;
};

Keyring::Keyring() = default;
Keyring::Keyring(Keyring&&) noexcept = default;
Keyring& Keyring::operator=(Keyring&&) noexcept = default;
Keyring::~Keyring() = default;

std::vector<std::string> Keyring::keys() const {
  std::vector<std::string> found;
  for (const auto& key : keys_) found.push_back(key->secret);
  return found;
}

const std::string& Keyring::primary() const {
  return keys_.front()->secret;
}

Keyring::Key* Keyring::find(std::string_view key) const {
  for (const auto& known : keys_) {
    if (known->secret == key) return known.get();
  }
  return nullptr;
}

Result<> Keyring::add(std::string_view key) {
  if (cipher(key.size()) == nullptr) return {Errc::invalid_argument, "key size must be 16, 24 or 32 bytes"};
  if (find(key) == nullptr) keys_.push_back(std::make_unique<Key>(key));
  return {};
}

Result<> Keyring::use(std::string_view key) {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const auto& known) { return known->secret == key; });
  if (found == keys_.end()) return {Errc::not_found, "Requested key is not in the keyring"};
  std::rotate(keys_.begin(), found, found + 1);
  return {};
}

Result<> Keyring::remove(std::string_view key) {
  if (!keys_.empty() && primary() == key) {
    return {Errc::invalid_argument, "Removing the primary key is not allowed"};
  }
  std::erase_if(keys_, [&](const auto& known) { return known->secret == key; });
  return {};
}

std::string Keyring::seal(std::string_view plain, std::string_view additional, base::Random& random,
                          SealVersion version) const {
  std::string padded;
  if (version == SealVersion::padded) {
    const std::size_t padding = kBlock - plain.size() % kBlock;
    padded = std::string(plain) + std::string(padding, static_cast<char>(padding));
    plain = padded;
  }
  const std::string nonce = random.bytes(kNonce);
  std::string sealed(1, static_cast<char>(version));
  sealed += nonce;
  const std::size_t start = sealed.size();
  sealed.resize(start + plain.size() + kTag);

  EVP_CIPHER_CTX* context = keys_.front()->sealing.get();
  int size = 0;
  must(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, bytes(nonce)));
  if (!additional.empty()) {
    must(EVP_EncryptUpdate(context, nullptr, &size, bytes(additional), static_cast<int>(additional.size())));
  }
  must(EVP_EncryptUpdate(context, bytes(sealed) + start, &size, bytes(plain), static_cast<int>(plain.size())));
  must(EVP_EncryptFinal_ex(context, bytes(sealed) + start + size, &size));
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTag, bytes(sealed) + start + plain.size()));
  return sealed;
}

Result<std::string> Keyring::open(std::string_view sealed, std::string_view additional) const {
  if (sealed.empty()) return {Errc::invalid_argument, "Cannot decrypt empty payload"};
  const auto version = static_cast<unsigned char>(sealed[0]);
  if (version > static_cast<unsigned char>(SealVersion::unpadded)) {
    return {Errc::invalid_argument, "Unsupported encryption version " + std::to_string(version)};
  }
  const bool padded = version == static_cast<unsigned char>(SealVersion::padded);
  if (sealed.size() < 1 + kNonce + kTag + (padded ? kBlock : 0)) {
    return {Errc::invalid_argument, "Payload is too small to decrypt: " + std::to_string(sealed.size())};
  }
  const std::string_view nonce = sealed.substr(1, kNonce);
  unsigned char tag[kTag];
  std::ranges::copy(sealed.substr(sealed.size() - kTag), tag);
  const std::string_view secret = sealed.substr(1 + kNonce, sealed.size() - 1 - kNonce - kTag);
  std::string plain(secret.size(), '\0');
  for (const auto& key : keys_) {
    EVP_CIPHER_CTX* context = key->opening.get();
    int size = 0;
    must(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, bytes(nonce)));
    if (!additional.empty()) {
      must(EVP_DecryptUpdate(context, nullptr, &size, bytes(additional), static_cast<int>(additional.size())));
    }
    must(EVP_DecryptUpdate(context, bytes(plain), &size, bytes(secret), static_cast<int>(secret.size())));
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTag, tag));
    if (EVP_DecryptFinal_ex(context, bytes(plain) + size, &size) != 1) continue;
    if (!padded) return plain;
    const auto padding = static_cast<unsigned char>(plain.back());
    if (padding == 0 || padding > kBlock || padding > plain.size()) {
      return {Errc::invalid_argument, "Payload has a wrong padding"};
    }
    plain.resize(plain.size() - padding);
    return plain;
  }
  return {Errc::permission_denied, "No installed keys could decrypt the message"};
}

}  // namespace proconsul::gossip
