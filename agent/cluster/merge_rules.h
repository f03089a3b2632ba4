// Who may not come into a pool: a rule asked before its states are merged with others', and for each new member.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gossip/serf/message.h"

namespace proconsul::agent::cluster {

/// Why nothing is merged.
struct Refusal {
  std::string text{};    // Consul's, which both sides report
  std::string advice{};  // for the operator of this agent: who, where, and what to do
};

/// Agents of this datacenter with a node ID of their own. `own_id`, `own_name`: of this agent.
std::optional<Refusal> refuse_lan(const std::vector<gossip::serf::Member>& members, const std::string& datacenter,
                                  const std::string& own_id, const std::string& own_name);

/// Servers.
std::optional<Refusal> refuse_wan(const std::vector<gossip::serf::Member>& members);

}  // namespace proconsul::agent::cluster
