// The table of all commands.
#pragma once

#include <vector>

#include "agent/cli/command.h"

namespace proconsul::agent::cli {

/// Every command, sorted by name.
const std::vector<Command>& commands();

// The rows of each family, beside their code.
std::span<const Command> agent_commands();
std::span<const Command> autopilot_commands();
std::span<const Command> connect_ca_commands();
std::span<const Command> catalog_commands();
std::span<const Command> config_commands();
std::span<const Command> debug_commands();
std::span<const Command> event_commands();
std::span<const Command> exec_commands();
std::span<const Command> export_commands();
std::span<const Command> join_commands();
std::span<const Command> keyring_commands();
std::span<const Command> kv_commands();
std::span<const Command> lock_commands();
std::span<const Command> member_commands();
std::span<const Command> monitor_commands();
std::span<const Command> operator_commands();
std::span<const Command> port_commands();
std::span<const Command> recover_commands();
std::span<const Command> rtt_commands();
std::span<const Command> run_commands();
std::span<const Command> service_commands();
std::span<const Command> snapshot_commands();
std::span<const Command> tls_commands();
std::span<const Command> tool_commands();
std::span<const Command> usage_commands();
std::span<const Command> validate_commands();
std::span<const Command> watch_commands();

}  // namespace proconsul::agent::cli
