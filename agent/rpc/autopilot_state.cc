#include "agent/rpc/autopilot_state.h"

#include <utility>

#include "base/type_of.h"
#include "catalog/registry/lookup.h"

namespace proconsul::agent::rpc {

using server::Operator;

PROCONSUL_DESCRIBE_TYPE(AutopilotServer, "autopilot.Server") {
  type.field("ID", &AutopilotServer::ID);
  type.field("Name", &AutopilotServer::Name);
  type.field("Address", &AutopilotServer::Address);
  type.field("NodeStatus", &AutopilotServer::NodeStatus);
  type.field("Version", &AutopilotServer::Version);
  type.field("Meta", &AutopilotServer::Meta);
  type.field("RaftVersion", &AutopilotServer::RaftVersion);
  type.field("IsLeader", &AutopilotServer::IsLeader);
  type.field("NodeType", &AutopilotServer::NodeType);
  type.field("Ext", &AutopilotServer::Ext);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotServerStats, "autopilot.ServerStats") {
  type.field("LastContact", &AutopilotServerStats::LastContact);
  type.field("LastTerm", &AutopilotServerStats::LastTerm);
  type.field("LastIndex", &AutopilotServerStats::LastIndex);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotHealth, "autopilot.ServerHealth") {
  type.field("Healthy", &AutopilotHealth::Healthy);
  type.field("StableSince", &AutopilotHealth::StableSince);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotServerState, "autopilot.ServerState") {
  type.field("Server", &AutopilotServerState::Server);
  type.field("State", &AutopilotServerState::State);
  type.field("Stats", &AutopilotServerState::Stats);
  type.field("Health", &AutopilotServerState::Health);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotState, "autopilot.State") {
  type.field("Healthy", &AutopilotState::Healthy);
  type.field("FailureTolerance", &AutopilotState::FailureTolerance);
  type.field("Servers", &AutopilotState::Servers);
  type.field("Leader", &AutopilotState::Leader);
  type.field("Voters", &AutopilotState::Voters);
  type.field("Ext", &AutopilotState::Ext);
}

std::string node_name(const catalog::Tables& tables, const std::string& id) {
  const base::Result<const catalog::NodeRow*> row = catalog::find_node_by_id(tables, id);
  return row && *row != nullptr ? (*row)->get().Node : "(unknown)";
}

AutopilotState autopilot_state(const catalog::Tables& tables, const Operator::Health& health) {
  AutopilotState state;
  state.Healthy = health.healthy();
  state.FailureTolerance = health.failure_tolerance();
  state.Servers.make_present();
  for (const Operator::ServerHealth& known : health.servers) {
    AutopilotServerState& entry = state.Servers[known.peer.id].emplace();
    AutopilotServer& server = entry.Server;
    server.ID = known.peer.id;
    server.Name = node_name(tables, known.peer.id);
    server.Address = known.peer.address;
    server.NodeStatus = known.gossip_status;
    server.Version = known.version;
    server.RaftVersion = 3;
    server.IsLeader = known.peer.leader;
    server.NodeType = "voter";
    if (const catalog::NodeRow* node = catalog::find_node(tables, server.Name)) server.Meta = node->get().Meta;
    entry.State = known.peer.leader ? "leader" : known.peer.voter ? "voter" : "non-voter";
    entry.Stats = {.LastContact = known.last_contact, .LastTerm = known.last_term, .LastIndex = known.peer.last_index};
    entry.Health = {.Healthy = known.healthy, .StableSince = known.stable_since};
    if (known.peer.leader) state.Leader = server.ID;
    if (known.peer.voter) state.Voters.push_back(server.ID);
  }
  return state;
}

}  // namespace proconsul::agent::rpc
