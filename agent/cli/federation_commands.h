// The rows of the commands about how datacenters are joined.
#pragma once

#include <span>

#include "agent/cli/command.h"

namespace proconsul::agent::cli {

std::span<const Command> federation_commands();  // the group
std::span<const Command> federation_invite_commands();
std::span<const Command> federation_join_commands();
std::span<const Command> federation_remove_commands();
std::span<const Command> federation_retire_commands();
std::span<const Command> federation_status_commands();

}  // namespace proconsul::agent::cli
