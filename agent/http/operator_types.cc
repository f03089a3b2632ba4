#include "agent/http/operator_types.h"

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(RaftServer, "structs.RaftServer") {
  type.field("ID", &RaftServer::ID).go_type("raft.ServerID");
  type.field("Node", &RaftServer::Node);
  type.field("Address", &RaftServer::Address).go_type("raft.ServerAddress");
  type.field("Leader", &RaftServer::Leader);
  type.field("ProtocolVersion", &RaftServer::ProtocolVersion);
  type.field("Voter", &RaftServer::Voter);
  type.field("LastIndex", &RaftServer::LastIndex);
}

PROCONSUL_DESCRIBE_TYPE(RaftConfiguration, "structs.RaftConfigurationResponse") {
  type.field("Servers", &RaftConfiguration::Servers);
  type.field("Index", &RaftConfiguration::Index);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotConfiguration, "api.AutopilotConfiguration") {
  type.field("CleanupDeadServers", &AutopilotConfiguration::CleanupDeadServers);
  type.field("LastContactThreshold", &AutopilotConfiguration::LastContactThreshold).readable();
  type.field("MaxTrailingLogs", &AutopilotConfiguration::MaxTrailingLogs);
  type.field("MinQuorum", &AutopilotConfiguration::MinQuorum);
  type.field("ServerStabilizationTime", &AutopilotConfiguration::ServerStabilizationTime).readable();
  type.field("RedundancyZoneTag", &AutopilotConfiguration::RedundancyZoneTag);
  type.field("DisableUpgradeMigration", &AutopilotConfiguration::DisableUpgradeMigration);
  type.field("UpgradeVersionTag", &AutopilotConfiguration::UpgradeVersionTag);
  type.field("CreateIndex", &AutopilotConfiguration::CreateIndex);
  type.field("ModifyIndex", &AutopilotConfiguration::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(ServerHealth, "api.ServerHealth") {
  type.field("ID", &ServerHealth::ID);
  type.field("Name", &ServerHealth::Name);
  type.field("Address", &ServerHealth::Address);
  type.field("SerfStatus", &ServerHealth::SerfStatus);
  type.field("Version", &ServerHealth::Version);
  type.field("Leader", &ServerHealth::Leader);
  type.field("LastContact", &ServerHealth::LastContact).readable();
  type.field("LastTerm", &ServerHealth::LastTerm);
  type.field("LastIndex", &ServerHealth::LastIndex);
  type.field("Healthy", &ServerHealth::Healthy);
  type.field("Voter", &ServerHealth::Voter);
  type.field("StableSince", &ServerHealth::StableSince);
}

PROCONSUL_DESCRIBE_TYPE(OperatorHealth, "api.OperatorHealthReply") {
  type.field("Healthy", &OperatorHealth::Healthy);
  type.field("FailureTolerance", &OperatorHealth::FailureTolerance);
  type.field("Servers", &OperatorHealth::Servers);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotServer, "api.AutopilotServer") {
  type.field("ID", &AutopilotServer::ID);
  type.field("Name", &AutopilotServer::Name);
  type.field("Address", &AutopilotServer::Address);
  type.field("NodeStatus", &AutopilotServer::NodeStatus);
  type.field("Version", &AutopilotServer::Version);
  type.field("LastContact", &AutopilotServer::LastContact).readable();
  type.field("LastTerm", &AutopilotServer::LastTerm);
  type.field("LastIndex", &AutopilotServer::LastIndex);
  type.field("Healthy", &AutopilotServer::Healthy);
  type.field("StableSince", &AutopilotServer::StableSince);
  type.field("ReadReplica", &AutopilotServer::ReadReplica);
  type.field("Status", &AutopilotServer::Status).go_type("api.AutopilotServerStatus");
  type.field("Meta", &AutopilotServer::Meta);
  type.field("NodeType", &AutopilotServer::NodeType).go_type("api.AutopilotServerType");
}

PROCONSUL_DESCRIBE_TYPE(AutopilotState, "api.AutopilotState") {
  type.field("Healthy", &AutopilotState::Healthy);
  type.field("FailureTolerance", &AutopilotState::FailureTolerance);
  type.field("OptimisticFailureTolerance", &AutopilotState::OptimisticFailureTolerance);
  type.field("Servers", &AutopilotState::Servers);
  type.field("Leader", &AutopilotState::Leader);
  type.field("Voters", &AutopilotState::Voters);
}

PROCONSUL_DESCRIBE_TYPE(TransferLeaderResponse, "api.TransferLeaderResponse") {
  type.field("Success", &TransferLeaderResponse::Success);
}

namespace {

base::Duration or_zero(const base::Pointer<base::Duration>& duration) {
  return duration ? *duration : base::Duration{};
}

}  // namespace

AutopilotConfiguration shown(const catalog::AutopilotConfig& config) {
  return {.CleanupDeadServers = config.CleanupDeadServers,
          .LastContactThreshold = config.LastContactThreshold,
          .MaxTrailingLogs = config.MaxTrailingLogs,
          .MinQuorum = config.MinQuorum,
          .ServerStabilizationTime = config.ServerStabilizationTime,
          .RedundancyZoneTag = config.RedundancyZoneTag,
          .DisableUpgradeMigration = config.DisableUpgradeMigration,
          .UpgradeVersionTag = config.UpgradeVersionTag,
          .CreateIndex = config.CreateIndex,
          .ModifyIndex = config.ModifyIndex};
}

catalog::AutopilotConfig stored(const AutopilotConfiguration& configuration) {
  catalog::AutopilotConfig config{};
  config.CleanupDeadServers = configuration.CleanupDeadServers;
  config.LastContactThreshold = or_zero(configuration.LastContactThreshold);
  config.MaxTrailingLogs = configuration.MaxTrailingLogs;
  config.MinQuorum = configuration.MinQuorum;
  config.ServerStabilizationTime = or_zero(configuration.ServerStabilizationTime);
  config.RedundancyZoneTag = configuration.RedundancyZoneTag;
  config.DisableUpgradeMigration = configuration.DisableUpgradeMigration;
  config.UpgradeVersionTag = configuration.UpgradeVersionTag;
  return config;
}

}  // namespace proconsul::agent::http
