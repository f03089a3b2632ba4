#include "base/base64.h"
#include "base/json.h"
#include "gossip/serf/keys.h"

namespace proconsul::gossip::serf {

using base::Errc;
using base::Result;

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

}  // namespace proconsul::gossip::serf
