#include "agent/server/bootstrap.h"

#include <algorithm>

namespace proconsul::agent::server {

BootstrapPlan plan_bootstrap(const BootstrapView& view) {
  BootstrapPlan plan;
  using Verdict = BootstrapPlan::Verdict;
  if (view.has_log) {
    plan.verdict = Verdict::never;
    plan.reason = "Raft data found, disabling bootstrap mode";
    return plan;
  }
  if (view.read_replica) {
    plan.reason = "Read replicas cannot bootstrap raft";
    return plan;
  }
  int voters = 0;
  for (const ServerInfo& server : view.servers) {
    if (server.datacenter != view.datacenter) continue;  // the pool refuses such members; nothing to say here
    if (server.expect != 0 && server.expect != view.expect) {
      plan.reason = "Member has a conflicting expect value. All nodes should expect the same number. " + server.name +
                    " at " + server.rpc_address() + " expects " + std::to_string(server.expect) + ", this server " +
                    std::to_string(view.expect) + ": set the same bootstrap_expect on all servers";
      plan.is_mistake = true;
      return plan;
    }
    if (server.bootstrap) {
      plan.reason = "Member has bootstrap mode. Expect disabled. " + server.name + " at " + server.rpc_address() +
                    ": remove bootstrap there, or bootstrap_expect here";
      plan.is_mistake = true;
      return plan;
    }
    for (const ServerInfo& other : plan.servers) {
      if (other.id != server.id) continue;
      plan.reason = "Servers " + other.name + " at " + other.rpc_address() + " and " + server.name + " at " +
                    server.rpc_address() + " have the same node ID " + server.id +
                    ": remove the file node-id of one of them and start it again";
      plan.is_mistake = true;
      plan.servers.clear();
      return plan;
    }
    if (!server.read_replica) ++voters;
    plan.servers.push_back(server);
  }
  if (voters < view.expect) {
    plan.servers.clear();
    return plan;
  }
  // All servers come to the same list, so it does not matter which of them begins.
  std::ranges::sort(plan.servers, {}, &ServerInfo::id);
  for (const ServerInfo& server : plan.servers) {
    plan.configuration.servers.push_back(
        {.id = {server.id},
         .address = server.rpc_address(),
         .suffrage = server.read_replica ? raft::Suffrage::nonvoter : raft::Suffrage::voter});
  }
  plan.verdict = Verdict::ask;
  return plan;
}

}  // namespace proconsul::agent::server
