#include "agent/cli/commands.h"

#include <algorithm>

#include "agent/cli/acl_commands.h"
#include "agent/cli/federation_commands.h"
#include "agent/cli/mesh_commands.h"

namespace proconsul::agent::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> rows;
    for (std::span<const Command> family : {acl_commands(),
                                            acl_auth_method_commands(),
                                            acl_binding_rule_commands(),
                                            acl_explain_commands(),
                                            acl_policy_commands(),
                                            acl_role_commands(),
                                            acl_templated_policy_commands(),
                                            acl_token_commands(),
                                            acl_token_update_commands(),
                                            agent_commands(),
                                            autopilot_commands(),
                                            catalog_commands(),
                                            config_commands(),
                                            connect_ca_commands(),
                                            connect_envoy_commands(),
                                            connect_expose_commands(),
                                            connect_mesh_gateway_commands(),
                                            debug_commands(),
                                            event_commands(),
                                            exec_commands(),
                                            export_commands(),
                                            federation_commands(),
                                            federation_invite_commands(),
                                            federation_join_commands(),
                                            federation_remove_commands(),
                                            federation_retire_commands(),
                                            federation_status_commands(),
                                            intention_commands(),
                                            join_commands(),
                                            keyring_commands(),
                                            kv_commands(),
                                            lock_commands(),
                                            login_commands(),
                                            member_commands(),
                                            monitor_commands(),
                                            operator_commands(),
                                            peering_commands(),
                                            port_commands(),
                                            recover_commands(),
                                            rtt_commands(),
                                            run_commands(),
                                            service_commands(),
                                            snapshot_commands(),
                                            tls_commands(),
                                            tool_commands(),
                                            usage_commands(),
                                            validate_commands(),
                                            watch_commands()}) {
      rows.insert(rows.end(), family.begin(), family.end());
    }
    std::ranges::sort(rows, {}, &Command::name);
    return rows;
  }();
  return all;
}

}  // namespace proconsul::agent::cli
