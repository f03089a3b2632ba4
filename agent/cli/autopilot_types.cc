#include "agent/cli/autopilot_types.h"

namespace proconsul::agent::cli {

PROCONSUL_DESCRIBE_TYPE(AutopilotConfiguration, "api.AutopilotConfiguration") {
  using T = AutopilotConfiguration;
  type.field("CleanupDeadServers", &T::CleanupDeadServers);
  type.field("LastContactThreshold", &T::LastContactThreshold).readable();
  type.field("MaxTrailingLogs", &T::MaxTrailingLogs);
  type.field("MinQuorum", &T::MinQuorum);
  type.field("ServerStabilizationTime", &T::ServerStabilizationTime).readable();
  type.field("RedundancyZoneTag", &T::RedundancyZoneTag);
  type.field("DisableUpgradeMigration", &T::DisableUpgradeMigration);
  type.field("UpgradeVersionTag", &T::UpgradeVersionTag);
  type.field("CreateIndex", &T::CreateIndex);
  type.field("ModifyIndex", &T::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotServer, "api.AutopilotServer") {
  using T = AutopilotServer;
  type.field("ID", &T::ID);
  type.field("Name", &T::Name);
  type.field("Address", &T::Address);
  type.field("NodeStatus", &T::NodeStatus);
  type.field("Version", &T::Version);
  type.field("LastContact", &T::LastContact).readable();
  type.field("LastTerm", &T::LastTerm);
  type.field("LastIndex", &T::LastIndex);
  type.field("Healthy", &T::Healthy);
  type.field("StableSince", &T::StableSince);
  type.field("RedundancyZone", &T::RedundancyZone).omit_empty();
  type.field("UpgradeVersion", &T::UpgradeVersion).omit_empty();
  type.field("ReadReplica", &T::ReadReplica);
  type.field("Status", &T::Status);
  type.field("Meta", &T::Meta);
  type.field("NodeType", &T::NodeType);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotZone, "api.AutopilotZone") {
  type.field("Servers", &AutopilotZone::Servers);
  type.field("Voters", &AutopilotZone::Voters);
  type.field("FailureTolerance", &AutopilotZone::FailureTolerance);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotUpgrade::Zone, "api.AutopilotZoneUpgradeVersions") {
  using T = AutopilotUpgrade::Zone;
  type.field("TargetVersionVoters", &T::TargetVersionVoters).omit_empty();
  type.field("TargetVersionNonVoters", &T::TargetVersionNonVoters).omit_empty();
  type.field("OtherVersionVoters", &T::OtherVersionVoters).omit_empty();
  type.field("OtherVersionNonVoters", &T::OtherVersionNonVoters).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AutopilotUpgrade, "api.AutopilotUpgrade") {
  using T = AutopilotUpgrade;
  type.field("Status", &T::Status);
  type.field("TargetVersion", &T::TargetVersion).omit_empty();
  type.field("TargetVersionVoters", &T::TargetVersionVoters).omit_empty();
  type.field("TargetVersionNonVoters", &T::TargetVersionNonVoters).omit_empty();
  type.field("TargetVersionReadReplicas", &T::TargetVersionReadReplicas).omit_empty();
  type.field("OtherVersionVoters", &T::OtherVersionVoters).omit_empty();
  type.field("OtherVersionNonVoters", &T::OtherVersionNonVoters).omit_empty();
  type.field("OtherVersionReadReplicas", &T::OtherVersionReadReplicas).omit_empty();
  type.field("RedundancyZones", &T::RedundancyZones).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AutopilotState, "api.AutopilotState") {
  using T = AutopilotState;
  type.field("Healthy", &T::Healthy);
  type.field("FailureTolerance", &T::FailureTolerance);
  type.field("OptimisticFailureTolerance", &T::OptimisticFailureTolerance);
  type.field("Servers", &T::Servers);
  type.field("Leader", &T::Leader);
  type.field("Voters", &T::Voters);
  type.field("ReadReplicas", &T::ReadReplicas).omit_empty();
  type.field("RedundancyZones", &T::RedundancyZones).omit_empty();
  type.field("Upgrade", &T::Upgrade).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AutopilotHealth::Server, "api.ServerHealth") {
  type.field("Version", &AutopilotHealth::Server::Version);
  type.field("Leader", &AutopilotHealth::Server::Leader);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotHealth, "api.OperatorHealthReply") {
  type.field("Servers", &AutopilotHealth::Servers);
}

}  // namespace proconsul::agent::cli
