// Gossip encryption: AES-GCM with a ring of keys, of which the first one seals and any may open (gossip.md A4).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace proconsul::gossip {

/// What sealing adds to a message: version, nonce, tag; with version 0 also the most padding.
inline constexpr std::size_t kSealOverhead = 29;
inline constexpr std::size_t kPaddedSealOverhead = 45;

/// How sealed bytes are laid out. Receivers take both, senders write `unpadded`.
enum class SealVersion : std::uint8_t { padded = 0, unpadded = 1 };

/// Keys of 16, 24 or 32 bytes. One thread at a time.
class Keyring {
 public:
  Keyring();
  Keyring(Keyring&&) noexcept;
  Keyring& operator=(Keyring&&) noexcept;
  ~Keyring();

  bool empty() const { return keys_.empty(); }
  /// The primary key first.
  std::vector<std::string> keys() const;
  const std::string& primary() const;

  /// The first key becomes the primary one; a key that is there already stays where it is.
  base::Result<> add(std::string_view key);
  /// Makes a key of the ring the primary one.
  base::Result<> use(std::string_view key);
  base::Result<> remove(std::string_view key);

  /// Version, nonce, ciphertext and tag. The ring must not be empty.
  std::string seal(std::string_view plain, std::string_view additional, base::Random& random,
                   SealVersion version = SealVersion::unpadded) const;
  /// Errc::permission_denied: none of the keys opens it. Errc::invalid_argument: not sealed bytes.
  base::Result<std::string> open(std::string_view sealed, std::string_view additional) const;

 private:
  struct Key;
  Key* find(std::string_view key) const;
  std::vector<std::unique_ptr<Key>> keys_;
};

}  // namespace proconsul::gossip
