// What the leader decides of auth methods, binding rules and logins. Whoever calls has asked whether it is allowed;
// `done` comes from any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/auth/logins.h"
#include "agent/server/acl_settings.h"
#include "agent/server/changes.h"
#include "agent/server/server.h"
#include "base/type.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::server {

/// A new one, or one that exists. Its configuration is tried out, which may mean to ask the servers that it names.
void set_auth_method(Server& server, const AclSettings& settings, auth::Logins& logins, catalog::ACLAuthMethod method,
                     Answered<catalog::ACLAuthMethod> done);
/// With its binding rules and the tokens of its logins.
void delete_auth_method(Server& server, std::string_view name, Answered<bool> done);
/// A new one without an ID, else one that exists.
void set_binding_rule(Server& server, auth::Logins& logins, catalog::ACLBindingRule rule,
                      Answered<catalog::ACLBindingRule> done);
void delete_binding_rule(Server& server, std::string_view id, Answered<bool> done);

/// A token for whoever the bearer token says, with what the binding rules give him. Errors: what the method finds wrong
/// with it; "Permission denied" if nothing is bound to him.
struct Login {
  std::string method{};
  std::string bearer{};
  base::Map<std::string> meta{};  // for the token's description
};
void log_in(Server& server, const AclSettings& settings, auth::Logins& logins, Login login,
            Answered<catalog::ACLToken> done);

/// Destroys a token that a login has made, by its secret. A global one only in the primary datacenter: elsewhere
/// is_elsewhere() says so.
void log_out(Server& server, std::string_view secret, Answered<bool> done);
bool is_elsewhere(const Server& server, const AclSettings& settings, std::string_view secret);

}  // namespace proconsul::agent::server
