#include "agent/server/session_request.h"

#include "base/uuid.h"
#include "catalog/store/session.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Result;

Result<> prepare(catalog::SessionRequest& request, const catalog::Tables& tables, base::Duration ttl_min,
                 base::Random& random) {
  catalog::Session& session = request.Session;
  const bool create = request.Op == "create";
  if (!create && session.ID.empty()) return {Errc::internal, "Must provide ID"};
  if (create && session.Node.empty()) return {Errc::internal, "Must provide Node"};

  if (session.Behavior.empty()) {
    session.Behavior = "release";
  } else if (session.Behavior != "release" && session.Behavior != "delete") {
    return {Errc::internal, "Invalid Behavior setting '" + session.Behavior + "'"};
  }
  if (!session.TTL.empty()) {
    const Result<base::Duration> ttl = base::parse_duration(session.TTL);
    if (!ttl) return {Errc::internal, "Session TTL '" + session.TTL + "' invalid: " + ttl.error().detail};
    if (ttl->nanoseconds != 0 && (*ttl < ttl_min || *ttl > kSessionTtlMax)) {
      return {Errc::internal, "Invalid Session TTL '" + std::to_string(ttl->nanoseconds) + "', must be between [" +
                                  base::to_string(ttl_min) + "=" + base::to_string(kSessionTtlMax) + "]"};
    }
  }
  if (create) {
    do {
      session.ID = base::generate_uuid(random);
    } while (!catalog::session_get(tables, session.ID, nullptr).sessions.empty());
  }
  return {};
}

base::Duration session_ttl(const catalog::Session& session) {
  const Result<base::Duration> ttl = base::parse_duration(session.TTL);
  return ttl ? *ttl : base::Duration{};
}

}  // namespace proconsul::agent::server
