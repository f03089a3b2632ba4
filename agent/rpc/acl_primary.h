// How the leader of a secondary datacenter asks the primary for ACLs: calls that wait for their answers, for threads
// that may.
#pragma once

#include <memory>

#include "agent/rpc/caller.h"
#include "agent/server/acl_replicator.h"
#include "agent/server/acl_settings.h"
#include "base/net/loop.h"

namespace proconsul::agent::rpc {

/// The caller and the loops outlive its calls. Every call comes with the replication token of the time.
std::shared_ptr<server::AclPrimary> acl_primary(Caller& caller, base::net::Loops& loops, server::AclSettings settings);

}  // namespace proconsul::agent::rpc
