// The file of a pool's keys: Consul's serf/local.keyring and serf/remote.keyring (gossip.md B10).
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "gossip/serf/keys.h"

namespace proconsul::gossip::serf {

/// A JSON list of base64 keys, the primary one first (gossip.md B10).
std::string encode_keyring(const Keyring& keyring);
/// "no keys present in keyring: PATH" and what Go says of wrong JSON, base64 or sizes.
base::Result<Keyring> decode_keyring(std::string_view content, const std::string& path);

/// The keys of the file. With a base64 `key` the file is made where there is none, holding it; a file that is there
/// wins. Errc::not_found: neither. Texts are Consul's ("Invalid key: ...").
base::Result<Keyring> open_keyring(const std::string& path, const std::string& key);
/// A ring of one base64 key that no file holds.
base::Result<Keyring> keyring_of(const std::string& key);

class KeyringFile final : public KeyringStore {
 public:
  explicit KeyringFile(std::string path) : path_(std::move(path)) {}
  /// Replaced as a whole, mode 0600.
  base::Result<> save(const Keyring& keyring) override;

 private:
  std::string path_;
};

}  // namespace proconsul::gossip::serf
