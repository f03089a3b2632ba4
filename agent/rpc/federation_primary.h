// How the leader of a secondary datacenter asks the primary for federation states, and gives it its own.
#pragma once

#include "agent/rpc/caller.h"
#include "agent/server/acl_settings.h"
#include "agent/server/federation_duties.h"
#include "base/net/loop.h"

namespace proconsul::agent::rpc {

/// The caller and the loops outlive its calls. Every call comes with the replication token of the time.
server::FederationPrimary federation_primary(Caller& caller, base::net::Loops& loops, server::AclSettings settings);

}  // namespace proconsul::agent::rpc
