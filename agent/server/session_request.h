// What a session must look like before it may enter the log.
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/session.h"

namespace proconsul::agent::server {

/// Sessions live at most this long without being renewed.
inline constexpr base::Duration kSessionTtlMax = base::seconds(24 * 60 * 60);
/// A session ends only after this many times its TTL: grace for clients and networks.
inline constexpr int kSessionTtlMultiplier = 2;

/// Checks the request and fills in what may be left out: behaviour, and the new session's id. Errors have Consul's
/// texts (and its status 500).
base::Result<> prepare(catalog::SessionRequest& request, const catalog::Tables& tables, base::Duration ttl_min,
                       base::Random& random);

/// The session's TTL; zero if it has none.
base::Duration session_ttl(const catalog::Session& session);

}  // namespace proconsul::agent::server
