#include "agent/own_server.h"

#include <chrono>

#include "agent/version.h"
#include "catalog/config_entry/input.h"

namespace proconsul::agent {
namespace {

using config::Config;

std::chrono::nanoseconds nanoseconds(base::Duration duration) {
  return std::chrono::nanoseconds(duration.nanoseconds);
}

}  // namespace

/// Zero asks for the default.
raft::SnapshotOptions snapshot_options(const Config& config) {
  raft::SnapshotOptions options;
  if (config.raft_snapshot_interval.nanoseconds > 0) options.interval = nanoseconds(config.raft_snapshot_interval);
  if (config.raft_snapshot_threshold > 0) {
    options.threshold = static_cast<std::uint64_t>(config.raft_snapshot_threshold);
  }
  if (config.raft_trailing_logs > 0) options.trailing_logs = static_cast<std::uint64_t>(config.raft_trailing_logs);
  return options;
}

raft::NodeOptions raft_options(const Config& config, const std::string& node_id) {
  raft::NodeOptions options;
  options.id = {node_id};
  options.address = config.rpc_advertise_addr.to_string();
  if (!config.dev_mode && !config.data_dir.empty()) options.directory = config.data_dir + "/raft";
  options.core.heartbeat_timeout = nanoseconds(config.raft_heartbeat_timeout);
  options.core.election_timeout = nanoseconds(config.raft_election_timeout);
  options.core.leader_lease = nanoseconds(config.raft_leader_lease_timeout);
  options.core.pre_vote = !config.raft_prevote_disabled;
  options.core.snapshots = snapshot_options(config);
  // Any other server waits for those that it expects (cluster/bootstrapper.h), or for a cluster that takes it in.
  if (config.bootstrap || config.dev_mode) {
    options.bootstrap = raft::Configuration{{{.id = options.id, .address = options.address}}};
  }
  return options;
}

local::NodeInfo node_info(const Config& config, const std::string& node_id) {
  local::NodeInfo info;
  info.datacenter = config.datacenter;
  info.id = node_id;
  info.address = config.advertise_addr_lan.to_string();
  info.tagged_addresses = config.tagged_addresses;
  info.meta = config.node_meta;
  info.meta.insert_or_assign("consul-network-segment", "");
  info.meta.insert_or_assign("consul-version", kConsulVersion);
  info.locality = config.locality;
  return info;
}

/// This server's node as its agent registers it.
catalog::RegisterRequest own_node(const Config& config, const std::string& node_id) {
  local::NodeInfo node = node_info(config, node_id);
  catalog::RegisterRequest self{};
  self.Datacenter = node.datacenter;
  self.ID = node.id;
  self.Node = config.node_name;
  self.Address = node.address;
  self.TaggedAddresses = std::move(node.tagged_addresses);
  self.NodeMeta = std::move(node.meta);
  self.Locality = std::move(node.locality);
  return self;
}

/// What this server says of itself in the pools.
server::ServerInfo server_info(const Config& config, const std::string& node_id) {
  const auto port = [](auto number) { return static_cast<std::uint16_t>(number > 0 ? number : 0); };
  server::ServerInfo info;
  info.id = node_id;
  info.datacenter = config.datacenter;
  info.port = port(config.server_port);
  info.wan_join_port = port(config.serf_port_wan);
  info.grpc_port = port(config.grpc_port);
  info.grpc_tls_port = port(config.grpc_tls_port);
  info.bootstrap = config.bootstrap && !config.dev_mode;
  info.expect = static_cast<int>(config.bootstrap_expect);
  info.read_replica = config.read_replica;
  info.use_tls = !config.tls.internal_rpc.ca_file.empty() || !config.tls.internal_rpc.ca_path.empty();
  info.acls = config.acls_enabled;
  info.features.emplace("fs", "1");
  info.features.emplace("si", "1");
  return info;
}

catalog::AutopilotConfig autopilot(const Config& config) {
  catalog::AutopilotConfig settings{};
  settings.CleanupDeadServers = config.autopilot_cleanup_dead_servers;
  settings.LastContactThreshold = config.autopilot_last_contact_threshold;
  settings.MaxTrailingLogs = static_cast<std::uint64_t>(config.autopilot_max_trailing_logs);
  settings.MinQuorum = config.autopilot_min_quorum;
  settings.ServerStabilizationTime = config.autopilot_server_stabilization_time;
  settings.RedundancyZoneTag = config.autopilot_redundancy_zone_tag;
  settings.DisableUpgradeMigration = config.autopilot_disable_upgrade_migration;
  settings.UpgradeVersionTag = config.autopilot_upgrade_version_tag;
  return settings;
}

server::AclSettings acl_settings(const Config& config, const tokens::Store& own_tokens) {
  return {.enabled = config.acls_enabled,
          .datacenter = config.datacenter,
          .primary_datacenter = config.primary_datacenter,
          .token_replication = config.acl_token_replication,
          .own_tokens = &own_tokens,
          .default_policy = config.acl_resolver.default_policy,
          .down_policy = config.acl_resolver.down_policy,
          .key_list_policy = config.acl_enable_key_list_policy,
          .node_name = config.node_name,
          .data_directory = config.dev_mode ? std::string() : config.data_dir,
          .initial_management = config.acl_initial_management_token};
}

std::vector<catalog::ConfigEntryPtr> bootstrap_entries(const Config& config) {
  std::vector<catalog::ConfigEntryPtr> entries;
  for (const auto& raw : config.config_entry_bootstrap) {
    if (auto entry = catalog::valid_config_entry(raw)) entries.push_back(std::move(*entry));
  }
  return entries;
}

tokens::Resolver::Settings resolver_settings(const Config& config) {
  return {.enabled = config.acls_enabled,
          .datacenter = config.datacenter,
          .node_name = config.node_name,
          .default_allow = config.acl_resolver.default_policy == "allow"};
}

tokens::Store::Tokens own_tokens(const Config& config) {
  const config::AclTokens& given = config.acl_tokens;
  return {given.user, given.agent, given.agent_recovery, given.replication, given.config_file_registration, given.dns};
}

std::string tokens_file(const Config& config) {
  if (!config.acl_tokens.enable_persistence || config.data_dir.empty()) return {};
  return config.data_dir + "/acl-tokens.json";
}

server::MassFailureBrake::Settings brake_settings(const Config& config) {
  const config::MassFailureBrake& brake = config.mass_failure_brake;
  return {.enabled = brake.enabled,
          .max_failed_percent = static_cast<int>(brake.max_failed_percent),
          .min_failed = static_cast<std::size_t>(brake.min_failed),
          .window = brake.window,
          .max_hold = brake.max_hold};
}

server::FlapDamping::Settings damping_settings(const Config& config) {
  const config::FlapDamping& damping = config.flap_damping;
  return {.enabled = damping.enabled,
          .max_changes = static_cast<std::size_t>(damping.max_changes),
          .window = damping.window,
          .stable_time = damping.stable_time};
}

}  // namespace proconsul::agent
