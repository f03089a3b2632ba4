#include "agent/cluster/keyring_file.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "base/base64.h"
#include "base/files.h"
#include "base/log.h"
#include "gossip/keyring.h"
#include "gossip/serf/keys.h"

namespace proconsul::agent::cluster {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

Result<> load_keys(const config::Config& config, bool wan, gossip::PoolConfig& pool) {
  std::string key;
  gossip::Keyring configured;
  if (!config.encrypt_key.empty()) {
    Result<std::string> decoded = base::from_base64(config.encrypt_key);
    if (!decoded) return {Errc::invalid_argument, "Invalid key: " + decoded.error().detail};
    if (Result<> added = configured.add(*decoded); !added) {
      return {Errc::invalid_argument, "Invalid key: " + added.error().detail};
    }
    key = std::move(*decoded);
  }
  if (config.disable_keyring_file || config.dev_mode || config.data_dir.empty()) {
    if (!key.empty()) pool.keyring = std::move(configured);
    return {};
  }
  const std::string path = config.data_dir + (wan ? "/serf/remote.keyring" : "/serf/local.keyring");
  if (!std::filesystem::exists(path)) {
    if (key.empty()) return {};
    if (Result<> written = base::write_file_atomically(path, gossip::serf::encode_keyring(configured)); !written) {
      return written;
    }
  }
  Result<std::string> content = base::read_file(path, kMostBytes);
  if (!content) return content.error();
  Result<gossip::Keyring> keyring = gossip::serf::decode_keyring(*content, path);
  if (!keyring) return {keyring.error().code, "failed to load " + path + ": " + keyring.error().detail};
  const std::vector<std::string> keys = keyring->keys();
  if (!key.empty() && std::ranges::find(keys, key) == keys.end()) {
    base::log::Logger("agent").warn("keyring doesn't include key provided with -encrypt, using keyring",
                                    {{"keyring", wan ? "WAN" : "LAN"}});
  }
  pool.keyring = std::move(*keyring);
  pool.keyring_file = path;
  return {};
}

}  // namespace proconsul::agent::cluster
