#include "agent/cluster/keyring_file.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "gossip/serf/keyring_file.h"

namespace proconsul::agent::cluster {

using base::Errc;
using base::Result;

Result<> load_keys(const config::Config& config, bool wan, gossip::PoolConfig& pool) {
  std::string configured;  // its bytes
  if (!config.encrypt_key.empty()) {
    Result<gossip::Keyring> ring = gossip::serf::keyring_of(config.encrypt_key);
    if (!ring) return ring.error();
    configured = ring->primary();
    if (config.disable_keyring_file || config.dev_mode || config.data_dir.empty()) {
      pool.keyring = std::move(*ring);
      return {};
    }
  } else if (config.disable_keyring_file || config.dev_mode || config.data_dir.empty()) {
    return {};
  }
  const std::string path = config.data_dir + (wan ? "/serf/remote.keyring" : "/serf/local.keyring");
  Result<gossip::Keyring> keyring = gossip::serf::open_keyring(path, config.encrypt_key);
  if (!keyring && keyring.error().code == Errc::not_found) return {};
  if (!keyring) return keyring.error();
  const std::vector<std::string> keys = keyring->keys();
  if (!configured.empty() && std::ranges::find(keys, configured) == keys.end()) {
    base::log::Logger("agent").warn("keyring doesn't include key provided with -encrypt, using keyring",
                                    {{"keyring", wan ? "WAN" : "LAN"}});
  }
  pool.keyring = std::move(*keyring);
  pool.keyring_file = path;
  return {};
}

}  // namespace proconsul::agent::cluster
