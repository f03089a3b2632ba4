// What the leader keeps true of ACLs: in the primary datacenter that the builtin policies, the anonymous token and the
// configured management token are there; everywhere that tokens of its own go when they are over.
#pragma once

#include <functional>
#include <string>

#include "agent/server/acl_settings.h"
#include "agent/server/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::server {

/// On the thread of the leader's duties.
class AclDuties {
 public:
  /// Proposes a command and waits until it is applied.
  using Apply = std::function<base::Result<>(std::string command)>;
  AclDuties(AclSettings settings, Server& server, Apply apply, const base::Clock& clock);

  bool on() const { return settings_.enabled; }
  /// When a term begins.
  base::Result<> begin();
  /// Deletes tokens that are over, if it is time; when to come again.
  base::MonotonicTime reap();

 private:
  base::Result<> remove_redacted_token(const catalog::Tables& tables);
  base::Result<> write_builtin_policies(const catalog::Tables& tables);
  base::Result<> write_management_token(const catalog::Tables& tables);
  base::Result<> write_anonymous_token(const catalog::Tables& tables);

  const AclSettings settings_;
  Server& server_;
  const Apply apply_;
  const base::Clock& clock_;
  const base::log::Logger log_{"agent.server.acl"};
};

}  // namespace proconsul::agent::server
