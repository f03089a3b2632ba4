// The rows of the commands of access control; commands.h has the table of all.
#pragma once

#include <span>

#include "agent/cli/command.h"

namespace proconsul::agent::cli {

std::span<const Command> acl_commands();
std::span<const Command> acl_auth_method_commands();
std::span<const Command> acl_binding_rule_commands();
std::span<const Command> acl_explain_commands();
std::span<const Command> acl_policy_commands();
std::span<const Command> acl_role_commands();
std::span<const Command> acl_templated_policy_commands();
std::span<const Command> acl_token_commands();
std::span<const Command> acl_token_update_commands();
std::span<const Command> login_commands();

}  // namespace proconsul::agent::cli
