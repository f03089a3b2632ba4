// Bodies of /v1/operator as clients see them.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/system.h"

namespace proconsul::agent::http {

struct RaftServer {
  std::string ID{};
  std::string Node{};
  std::string Address{};
  bool Leader{};
  std::string ProtocolVersion{};
  bool Voter{};
  std::uint64_t LastIndex{};
};
PROCONSUL_DECLARE_TYPE(RaftServer)

struct RaftConfiguration {
  base::List<RaftServer> Servers{};
  std::uint64_t Index{};
};
PROCONSUL_DECLARE_TYPE(RaftConfiguration)

struct AutopilotConfiguration {
  bool CleanupDeadServers = true;
  base::Pointer<base::Duration> LastContactThreshold = base::milliseconds(200);  // null counts as 0
  std::uint64_t MaxTrailingLogs = 250;
  base::Uint MinQuorum{};
  base::Pointer<base::Duration> ServerStabilizationTime = base::seconds(10);
  std::string RedundancyZoneTag{};
  bool DisableUpgradeMigration{};
  std::string UpgradeVersionTag{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(AutopilotConfiguration)

AutopilotConfiguration shown(const catalog::AutopilotConfig& config);
catalog::AutopilotConfig stored(const AutopilotConfiguration& configuration);

struct ServerHealth {
  std::string ID{};
  std::string Name{};
  std::string Address{};
  std::string SerfStatus{};
  std::string Version{};
  bool Leader{};
  base::Duration LastContact{};
  std::uint64_t LastTerm{};
  std::uint64_t LastIndex{};
  bool Healthy{};
  bool Voter{};
  base::Time StableSince{};
};
PROCONSUL_DECLARE_TYPE(ServerHealth)

struct OperatorHealth {
  bool Healthy{};
  base::Int FailureTolerance{};
  base::List<ServerHealth> Servers{};
};
PROCONSUL_DECLARE_TYPE(OperatorHealth)

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
  bool ReadReplica{};
  std::string Status{};
  base::Map<std::string> Meta{};
  std::string NodeType{};
};
PROCONSUL_DECLARE_TYPE(AutopilotServer)

struct AutopilotState {
  bool Healthy{};
  base::Int FailureTolerance{};
  base::Int OptimisticFailureTolerance{};
  base::Map<AutopilotServer> Servers{};
  std::string Leader{};
  base::List<std::string> Voters{};
};
PROCONSUL_DECLARE_TYPE(AutopilotState)

struct TransferLeaderResponse {
  bool Success{};
};
PROCONSUL_DECLARE_TYPE(TransferLeaderResponse)

}  // namespace proconsul::agent::http
