// What the leader decides before a change of tokens, policies or roles goes into the log: ids, links, hashes, times,
// and whether it makes sense. Whoever calls has asked whether it is allowed.
#pragma once

#include <string>
#include <string_view>

#include "agent/server/acl_settings.h"
#include "agent/server/changes.h"
#include "agent/server/server.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::server {

/// The first token of the datacenter, with everything allowed; a later one only while the file acl-bootstrap-reset in
/// the data directory has the index that the refusal names. An empty secret is made up.
void bootstrap_acls(Server& server, const AclSettings& settings, std::string secret, Answered<catalog::ACLToken> done);
/// A new one; what it lacks of accessor and secret is made up.
void create_token(Server& server, const AclSettings& settings, catalog::ACLToken token,
                  Answered<catalog::ACLToken> done);
/// The same for a login: the token belongs to an auth method, and must be good for something.
void create_login_token(Server& server, const AclSettings& settings, catalog::ACLToken token,
                        Answered<catalog::ACLToken> done);
/// One that exists, by its accessor.
void update_token(Server& server, catalog::ACLToken token, Answered<catalog::ACLToken> done);
/// A new one with what the token of that accessor has, described as `description` says if that is not empty.
void clone_token(Server& server, const AclSettings& settings, std::string_view accessor, std::string description,
                 Answered<catalog::ACLToken> done);
/// By its accessor, which is the answer; never the token that is `asking`.
void delete_token(Server& server, std::string_view accessor, std::string_view asking, Answered<std::string> done);

/// A new one without an ID, else one that exists.
void set_policy(Server& server, catalog::ACLPolicy policy, Answered<catalog::ACLPolicy> done);
/// The answer is its name.
void delete_policy(Server& server, std::string_view id, Answered<std::string> done);
/// A new one without an ID, else one that exists.
void set_role(Server& server, catalog::ACLRole role, Answered<catalog::ACLRole> done);
/// The answer is its name.
void delete_role(Server& server, std::string_view id, Answered<std::string> done);

}  // namespace proconsul::agent::server
