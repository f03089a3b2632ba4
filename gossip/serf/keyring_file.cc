#include "gossip/serf/keyring_file.h"

#include <filesystem>

#include "base/base64.h"
#include "base/files.h"
#include "base/json.h"

namespace proconsul::gossip::serf {

using base::Errc;
using base::Result;

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

}  // namespace

std::string encode_keyring(const Keyring& keyring) {
  std::string text = "[";
  for (const std::string& key : keyring.keys()) {
    text += text.size() == 1 ? "\n  \"" : ",\n  \"";
    base::append_base64(text, key);
    text += '"';
  }
  return text + (text.size() == 1 ? "]" : "\n]");
}

Result<Keyring> decode_keyring(std::string_view content, const std::string& path) {
  const Result<base::List<std::string>> texts = base::from_json<base::List<std::string>>(content);
  if (!texts) return texts.error();
  if (texts->empty()) return {Errc::invalid_argument, "no keys present in keyring: " + path};
  Keyring keyring;
  for (const std::string& text : *texts) {
    const Result<std::string> key = base::from_base64(text);
    if (!key) return key.error();
    if (Result<> added = keyring.add(*key); !added) return added.error();
  }
  return keyring;
}

Result<Keyring> keyring_of(const std::string& key) {
  const Result<std::string> raw = base::from_base64(key);
  if (!raw) return raw.error();
  Keyring ring;
  if (Result<> added = ring.add(*raw); !added) return added.error();
  return ring;
}

Result<Keyring> open_keyring(const std::string& path, const std::string& key) {
  Result<std::string> content = base::read_file(path, kMostBytes);
  if (!content && content.error().code == Errc::not_found && !key.empty()) {
    if (Result<Keyring> ring = keyring_of(key); !ring)
      return {ring.error().code, "Invalid key: " + ring.error().detail};
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (std::filesystem::create_directories(folder, error)) {
      std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
    }
    content = "[\"" + key + "\"]";
    if (Result<> written = base::write_file_atomically(path, *content, 0600); !written) return written.error();
  }
  if (!content) return content.error();
  return decode_keyring(*content, path);
}

Result<> KeyringFile::save(const Keyring& keyring) {
  Result<> written = base::write_file_atomically(path_, encode_keyring(keyring), 0600);
  if (!written) return {written.error().code, "Failed to write keyring file: " + written.error().detail};
  return {};
}

}  // namespace proconsul::gossip::serf
