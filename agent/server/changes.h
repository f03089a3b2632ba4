// What is done with a change of the replicated state before and after the log, whoever asks for it: the HTTP API or a
// peer by RPC; `who` asks, and must be allowed to. `done` comes from any thread, perhaps within the call. Errors have
// Consul's texts.
#pragma once

#include <functional>
#include <string>

#include "agent/server/server.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "base/time.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/kv.h"
#include "catalog/types/prepared_query.h"
#include "catalog/types/register.h"
#include "catalog/types/session.h"
#include "catalog/types/system.h"
#include "catalog/types/txn.h"

namespace proconsul::agent::server {

template <class T>
using Answered = std::move_only_function<void(base::Result<T>)>;

/// Whether a change of a key may come to nothing. The answer of one that may not means nothing: Consul's is false.
bool is_conditional(const catalog::KVSRequest& change);
/// Whether it took effect: false of a cas, lock or unlock that did not apply, and while a lock delay bars the key.
void change_key(Server& server, const tokens::Who& who, const catalog::KVSRequest& change, Answered<bool> done);
/// Checks and completes the request first (catalog_request.h).
void register_in_catalog(Server& server, const tokens::Who& who, catalog::RegisterRequest change, Done done);
void deregister_from_catalog(Server& server, const tokens::Who& who, const catalog::DeregisterRequest& change,
                             Done done);
/// Creates a session, whose id is answered, or destroys one. What is not there is destroyed already.
void change_session(Server& server, const tokens::Who& who, catalog::SessionRequest change, base::Duration ttl_min,
                    Answered<std::string> done);
/// What is wrong with single operations, or not allowed; completes them.
base::List<base::Pointer<catalog::TxnError>> txn_faults(Server& server, const tokens::Who& who,
                                                        base::List<base::Pointer<catalog::TxnOp>>& ops);
/// Takes out results that may not be read; whether there were any.
bool keep_readable(const tokens::Who& who, catalog::TxnResponse& response);
/// All of it or, with the errors in the answer, nothing.
void run_transaction(Server& server, const tokens::Who& who, catalog::TxnRequest change,
                     Answered<catalog::TxnResponse> done);
/// Errors: "invalid coordinate", "incompatible coordinate".
base::Result<catalog::Coordinate> coordinate_of(const catalog::CoordinateUpdateRequest& change);
void update_coordinate(Server& server, const tokens::Who& who, const catalog::CoordinateUpdateRequest& change,
                       Done done);
void update_coordinates(Server& server, const catalog::Coordinates& batch, Done done);
/// The query's id.
void change_query(Server& server, const tokens::Who& who, catalog::PreparedQueryRequest change,
                  Answered<std::string> done);
/// False: the cas did not apply.
void change_autopilot(Server& server, const tokens::Who& who, const catalog::AutopilotSetConfigRequest& change,
                      Answered<bool> done);

}  // namespace proconsul::agent::server
