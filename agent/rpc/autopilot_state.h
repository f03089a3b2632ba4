// Operator.AutopilotState: the servers as autopilot sees them.
#pragma once

#include <cstdint>
#include <string>

#include "agent/server/operator.h"
#include "base/time.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::rpc {

struct AutopilotServer {
  std::string ID{};
  std::string Name{};
  std::string Address{};
  std::string NodeStatus{};  // "alive", "failed", "left"
  std::string Version{};
  base::Map<std::string> Meta{};
  base::Int RaftVersion{};
  bool IsLeader{};
  std::string NodeType{};  // "voter"
  base::Value Ext{};       // Consul Enterprise's
};
PROCONSUL_DECLARE_TYPE(AutopilotServer)

struct AutopilotServerStats {
  base::Duration LastContact{};
  std::uint64_t LastTerm{};
  std::uint64_t LastIndex{};
};
PROCONSUL_DECLARE_TYPE(AutopilotServerStats)

struct AutopilotHealth {
  bool Healthy{};
  base::Time StableSince{};
};
PROCONSUL_DECLARE_TYPE(AutopilotHealth)

struct AutopilotServerState {
  AutopilotServer Server{};
  std::string State{};  // "leader", "voter", "non-voter"
  AutopilotServerStats Stats{};
  AutopilotHealth Health{};
};
PROCONSUL_DECLARE_TYPE(AutopilotServerState)

struct AutopilotState {
  bool Healthy{};
  base::Int FailureTolerance{};
  base::Map<base::Pointer<AutopilotServerState>> Servers{};  // by ID
  std::string Leader{};                                      // an ID
  base::List<std::string> Voters{};
  base::Value Ext{};
};
PROCONSUL_DECLARE_TYPE(AutopilotState)

AutopilotState autopilot_state(const catalog::Tables& tables, const server::Operator::Health& health);

/// The name of the node that runs a server, found by the server's ID; "(unknown)" if there is none.
std::string node_name(const catalog::Tables& tables, const std::string& id);

}  // namespace proconsul::agent::rpc
