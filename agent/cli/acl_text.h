// Tokens, policies and the rest as `-format=pretty` prints them, line by line as Consul's command line does. Pure, but
// for the local time zone.
#pragma once

#include <string>

#include "agent/cli/acl_types.h"

namespace proconsul::agent::cli {

/// A moment as Go's time.Time prints itself: "2006-01-02 15:04:05.999999999 +0000 UTC".
std::string time_text(const base::Time& time);

// `meta`: with the raft indexes and, where there is one, the hash.

std::string acl_text(const AclToken& token, bool meta);
/// With the rules that the token's policies, identities, templates and roles amount to.
std::string acl_text(const AclTokenExpanded& token, bool meta);
std::string acl_text(const AclPolicy& policy, bool meta);
std::string acl_text(const AclRole& role, bool meta);
std::string acl_text(const AclAuthMethod& method, bool meta);
std::string acl_text(const AclBindingRule& rule, bool meta);
/// `meta`: with the template itself and the schema of its variables.
std::string acl_text(const AclTemplate& policy, bool meta);

std::string acl_list_text(const base::List<AclTokenEntry>& tokens, bool meta);
std::string acl_list_text(const base::List<AclPolicyEntry>& policies, bool meta);
std::string acl_list_text(const base::List<AclRole>& roles, bool meta);
std::string acl_list_text(const base::List<AclAuthMethodEntry>& methods, bool meta);
std::string acl_list_text(const base::List<AclBindingRule>& rules, bool meta);
/// The names of the templates, sorted.
std::string acl_list_text(const base::Map<AclTemplate>& templates, bool meta);

}  // namespace proconsul::agent::cli
