// The gossip keys that an agent begins with: of the configuration, or of the file that an earlier run kept.
#pragma once

#include "agent/config/config.h"
#include "base/result.h"
#include "gossip/pool.h"

namespace proconsul::agent::cluster {

/// Fills keyring and keyring_file of the pool's configuration. Once there is a file (data_dir/serf/local.keyring or
/// remote.keyring) it counts, and a key of the configuration that is not in it only brings a warning.
base::Result<> load_keys(const config::Config& config, bool wan, gossip::PoolConfig& pool);

}  // namespace proconsul::agent::cluster
