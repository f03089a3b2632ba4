#include "agent/cli/commands.h"

#include <algorithm>

namespace proconsul::agent::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> rows;
    for (std::span<const Command> family : {agent_commands(), autopilot_commands(), catalog_commands(), kv_commands(),
                                            member_commands(), operator_commands(), run_commands(), validate_commands(),
                                            service_commands(), snapshot_commands(), tls_commands(), tool_commands()}) {
      rows.insert(rows.end(), family.begin(), family.end());
    }
    std::ranges::sort(rows, {}, &Command::name);
    return rows;
  }();
  return all;
}

}  // namespace proconsul::agent::cli
