// Who may not come into a pool: a rule asked before its states are merged with others', and for each new member.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "gossip/serf/message.h"

namespace proconsul::agent::cluster {

/// Agents of this datacenter with a node ID of their own. `own_id`, `own_name`: of this agent. Errors name both sides.
base::Result<> allow_lan(const std::vector<gossip::serf::Member>& members, const std::string& datacenter,
                         const std::string& own_id, const std::string& own_name);

/// Servers.
base::Result<> allow_wan(const std::vector<gossip::serf::Member>& members);

}  // namespace proconsul::agent::cluster
