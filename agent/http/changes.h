// Where a change of the replicated state is made: here, if this is a server of the datacenter that it names
// (agent/server/changes.h), or by the RPC of the same request. Its token counts there alone.
#pragma once

#include <string>

#include "agent/http/context.h"
#include "agent/server/changes.h"

namespace proconsul::agent::http {

void change_key(Context& agent, catalog::KVSRequest change, server::Answered<bool> done);
void register_in_catalog(Context& agent, catalog::RegisterRequest change, server::Done done);
void deregister_from_catalog(Context& agent, catalog::DeregisterRequest change, server::Done done);
/// The id of a session that was created.
void change_session(Context& agent, catalog::SessionRequest change, server::Answered<std::string> done);
void run_transaction(Context& agent, catalog::TxnRequest change, server::Answered<catalog::TxnResponse> done);
void update_coordinate(Context& agent, catalog::CoordinateUpdateRequest change, server::Done done);
void change_query(Context& agent, catalog::PreparedQueryRequest change, server::Answered<std::string> done);
void change_autopilot(Context& agent, catalog::AutopilotSetConfigRequest change, server::Answered<bool> done);

}  // namespace proconsul::agent::http
