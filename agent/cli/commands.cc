#include "agent/cli/commands.h"

#include <algorithm>

namespace proconsul::agent::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> rows;
    for (std::span<const Command> family :
         {agent_commands(),   autopilot_commands(), catalog_commands(), debug_commands(),    event_commands(),
          exec_commands(),    export_commands(),    join_commands(),    keyring_commands(),  kv_commands(),
          lock_commands(),    member_commands(),    monitor_commands(), operator_commands(), port_commands(),
          recover_commands(), rtt_commands(),       run_commands(),     service_commands(),  snapshot_commands(),
          tls_commands(),     tool_commands(),      usage_commands(),   validate_commands(), watch_commands()}) {
      rows.insert(rows.end(), family.begin(), family.end());
    }
    std::ranges::sort(rows, {}, &Command::name);
    return rows;
  }();
  return all;
}

}  // namespace proconsul::agent::cli
