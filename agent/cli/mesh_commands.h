// The rows of the commands about the mesh, beside their code.
#pragma once

#include <span>

#include "agent/cli/command.h"

namespace proconsul::agent::cli {

std::span<const Command> connect_envoy_commands();
std::span<const Command> connect_expose_commands();
std::span<const Command> connect_mesh_gateway_commands();
std::span<const Command> intention_commands();
std::span<const Command> peering_commands();

}  // namespace proconsul::agent::cli
