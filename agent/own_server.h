// What the configuration says of this agent's own node and server.
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/local/sync.h"
#include "agent/server/acl_settings.h"
#include "agent/server/flap_damping.h"
#include "agent/server/mass_failure_brake.h"
#include "agent/server/server_info.h"
#include "agent/tokens/resolver.h"
#include "catalog/types/config_entry.h"
#include "catalog/types/register.h"
#include "catalog/types/system.h"
#include "raft/node.h"

namespace proconsul::agent {

raft::SnapshotOptions snapshot_options(const config::Config& config);
raft::NodeOptions raft_options(const config::Config& config, const std::string& node_id);
local::NodeInfo node_info(const config::Config& config, const std::string& node_id);
/// This server's node as its agent registers it.
catalog::RegisterRequest own_node(const config::Config& config, const std::string& node_id);
/// What this server says of itself in the pools.
server::ServerInfo server_info(const config::Config& config, const std::string& node_id);
/// What servers need to know of ACLs, and of tokens.
/// `own_tokens` outlives them.
server::AclSettings acl_settings(const config::Config& config, const tokens::Store& own_tokens);
tokens::Resolver::Settings resolver_settings(const config::Config& config);
/// The agent's own tokens, and where those are kept that the API sets; empty: nowhere.
tokens::Store::Tokens own_tokens(const config::Config& config);
std::string tokens_file(const config::Config& config);
/// What config_entries.bootstrap says, which the configuration has found right.
std::vector<catalog::ConfigEntryPtr> bootstrap_entries(const config::Config& config);
server::MassFailureBrake::Settings brake_settings(const config::Config& config);
server::FlapDamping::Settings damping_settings(const config::Config& config);
/// For the time until the cluster has a configuration of its own.
catalog::AutopilotConfig autopilot(const config::Config& config);

}  // namespace proconsul::agent
