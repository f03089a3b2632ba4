// Autopilot as the HTTP API shows it. `operator autopilot state -format=json` prints the state back, so every field
// is kept, those of the enterprise edition too.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"

namespace proconsul::agent::cli {

struct AutopilotConfiguration {
  bool CleanupDeadServers{};
  base::Duration LastContactThreshold{};
  std::uint64_t MaxTrailingLogs{};
  base::Uint MinQuorum{};
  base::Duration ServerStabilizationTime{};
  std::string RedundancyZoneTag{};
  bool DisableUpgradeMigration{};
  std::string UpgradeVersionTag{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(AutopilotConfiguration)

struct AutopilotServer {
  std::string ID{};
  std::string Name{};
  std::string Address{};
  std::string NodeStatus{};
  std::string Version{};
  base::Duration LastContact{};
  std::uint64_t LastTerm{};
  std::uint64_t LastIndex{};
  bool Healthy{};
  base::Time StableSince{};
  std::string RedundancyZone{};
  std::string UpgradeVersion{};
  bool ReadReplica{};
  std::string Status{};
  base::Map<std::string> Meta{};
  std::string NodeType{};
};
PROCONSUL_DECLARE_TYPE(AutopilotServer)

struct AutopilotZone {
  base::List<std::string> Servers{};
  base::List<std::string> Voters{};
  base::Int FailureTolerance{};
};
PROCONSUL_DECLARE_TYPE(AutopilotZone)

struct AutopilotUpgrade {
  struct Zone {
    base::List<std::string> TargetVersionVoters{};
    base::List<std::string> TargetVersionNonVoters{};
    base::List<std::string> OtherVersionVoters{};
    base::List<std::string> OtherVersionNonVoters{};
  };
  std::string Status{};
  std::string TargetVersion{};
  base::List<std::string> TargetVersionVoters{};
  base::List<std::string> TargetVersionNonVoters{};
  base::List<std::string> TargetVersionReadReplicas{};
  base::List<std::string> OtherVersionVoters{};
  base::List<std::string> OtherVersionNonVoters{};
  base::List<std::string> OtherVersionReadReplicas{};
  base::Map<Zone> RedundancyZones{};
};
PROCONSUL_DECLARE_TYPE(AutopilotUpgrade::Zone)
PROCONSUL_DECLARE_TYPE(AutopilotUpgrade)

struct AutopilotState {
  bool Healthy{};
  base::Int FailureTolerance{};
  base::Int OptimisticFailureTolerance{};
  base::Map<AutopilotServer> Servers{};
  std::string Leader{};
  base::List<std::string> Voters{};
  base::List<std::string> ReadReplicas{};
  base::Map<AutopilotZone> RedundancyZones{};
  base::Pointer<AutopilotUpgrade> Upgrade{};
};
PROCONSUL_DECLARE_TYPE(AutopilotState)

/// What `snapshot save` needs of GET /v1/operator/autopilot/health.
struct AutopilotHealth {
  struct Server {
    std::string Version{};
    bool Leader{};
  };
  base::List<Server> Servers{};
};
PROCONSUL_DECLARE_TYPE(AutopilotHealth::Server)
PROCONSUL_DECLARE_TYPE(AutopilotHealth)

}  // namespace proconsul::agent::cli
