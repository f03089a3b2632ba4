// Whether a token allows a change of the replicated state. Nothing means: it does. Errors: "Permission denied: ...",
// and what has no answer because it is not there ("Unknown service ID ...").
#pragma once

#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/store/tables.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/kv.h"
#include "catalog/types/prepared_query.h"
#include "catalog/types/register.h"
#include "catalog/types/session.h"
#include "catalog/types/system.h"
#include "catalog/types/txn.h"

namespace proconsul::agent::tokens {

base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::KVSRequest& change);
/// What a registration changes, and what it takes away from another service.
base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::RegisterRequest& change);
base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::DeregisterRequest& change);
base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::SessionRequest& change);
base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::CoordinateUpdateRequest& change);
base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::PreparedQueryRequest& change);
base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::AutopilotSetConfigRequest& change);
/// One operation of a transaction.
base::Result<> permit(const Who& who, const catalog::Tables& tables, const catalog::TxnOp& op);
/// What of a transaction's results may not be read.
bool is_readable(const Who& who, const catalog::TxnResult& result);

}  // namespace proconsul::agent::tokens
