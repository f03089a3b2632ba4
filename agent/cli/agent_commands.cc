// Commands about one agent: info, leave, maint, reload.
#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "base/quote.h"
#include "base/value.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using base::Value;

// ---- info

std::string value_text(const Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  return base::to_json(value);
}

int run_info(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<Value> self = client->fetch<Value>(client->request("GET", "/v1/agent/self"));
  if (!self) return fail(context, "Error querying agent: " + self.error().detail);
  const Value* stats = self->find("Stats");
  if (stats == nullptr || stats->as_map() == nullptr) {
    return fail(context, "Agent response did not contain 'Stats' key: " + base::to_json(*self));
  }
  for (const auto& [group, values] : *stats->as_map()) {
    context.ui.output(group + ':');
    if (values.as_map() == nullptr) return fail(context, "Got invalid subkey in stats: " + base::to_json(values));
    for (const auto& [name, value] : *values.as_map()) context.ui.output('\t' + name + " = " + value_text(value));
  }
  return 0;
}

// ---- leave, reload

int run_leave(const Context& context) {
  if (!context.arguments.empty()) {
    std::string list;
    for (const std::string& argument : context.arguments) list += (list.empty() ? "" : " ") + argument;
    context.ui.error("Error found unexpected args: [" + list + ']');
    context.ui.output(help_text(context.command, context.ui.program));
    return 1;
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<ApiResponse> left = client->call(client->request("PUT", "/v1/agent/leave"));
  if (!left) return fail(context, "Error leaving: " + left.error().detail);
  context.ui.output("Graceful leave complete");
  return 0;
}

int run_reload(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<ApiResponse> reloaded = client->call(client->request("PUT", "/v1/agent/reload"));
  if (!reloaded) return fail(context, "Error reloading: " + reloaded.error().detail);
  context.ui.output("Configuration reload triggered");
  return 0;
}

// ---- maint

constexpr Flag kMaintFlags[] = {
    {.name = "disable", .kind = FlagKind::boolean, .help = "Switch maintenance off."},
    {.name = "enable", .kind = FlagKind::boolean, .help = "Switch maintenance on."},
    {.name = "reason", .kind = FlagKind::text, .help = "With -enable: why; kept as the note of the check."},
    {.name = "service", .kind = FlagKind::text, .help = "Only this service of the node.", .value_name = "id"},
};

void show_maintenance(const Context& context, std::string_view title, const std::string& name,
                      const std::string& reason) {
  context.ui.output(title);
  context.ui.output(name);
  context.ui.output("  Reason: " + reason);
  context.ui.output("");
}

int list_maintenance(const Context& context, ApiClient& client) {
  const Result<AgentSelf> self = client.fetch<AgentSelf>(client.request("GET", "/v1/agent/self"));
  if (!self) return fail(context, "Error querying Consul agent: " + self.error().detail);
  const auto checks = client.fetch<base::Map<AgentCheck>>(client.request("GET", "/v1/agent/checks"));
  if (!checks) return fail(context, "Error getting checks: " + checks.error().detail);
  for (const auto& [id, check] : *checks) {
    if (check.CheckID == "_node_maintenance") {
      show_maintenance(context, "Node:", "  Name:   " + self->Config.NodeName, check.Notes);
    } else if (check.CheckID.starts_with("_service_maintenance:")) {
      show_maintenance(context, "Service:", "  ID:     " + check.ServiceID, check.Notes);
    }
  }
  return 0;
}

int run_maint(const Context& context) {
  const bool enable = context.flags.boolean("enable");
  const bool disable = context.flags.boolean("disable");
  const std::string& reason = context.flags.text("reason");
  const std::string& service = context.flags.text("service");
  if (enable && disable) return fail(context, "Only one of -enable or -disable may be provided");
  if (!enable && !reason.empty()) return fail(context, "Reason may only be provided with -enable");
  if (!enable && !disable && !service.empty()) return fail(context, "Service requires either -enable or -disable");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  if (!enable && !disable) return list_maintenance(context, *client);

  ApiRequest request =
      client->request("PUT", service.empty() ? "/v1/agent/maintenance" : "/v1/agent/service/maintenance/" + service);
  request.set("enable", enable ? "true" : "false");
  if (enable) request.set("reason", reason);
  const std::string_view what = service.empty() ? "node" : "service";
  if (const Result<ApiResponse> done = client->call(request); !done) {
    return fail(context, "Error " + std::string(enable ? "enabling " : "disabling ") + std::string(what) +
                             " maintenance: " + done.error().detail);
  }
  const std::string state = enable ? " maintenance is now enabled" : " maintenance is now disabled";
  context.ui.output(service.empty() ? "Node" + state : "Service" + state + " for " + base::quote(service));
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "info",
     .synopsis = "Print the inner figures of an agent",
     .usage = "info [options]",
     .help = R"(  Prints what the agent says of itself: build, consensus, gossip, runtime.)",
     .flags = {kClientFlags},
     .run = run_info},
    {.name = "leave",
     .synopsis = "Make the agent leave the cluster and stop",
     .usage = "leave [options]",
     .help = R"(  Tells the agent to say goodbye to the cluster and to stop.)",
     .flags = {kClientFlags},
     .run = run_leave},
    {.name = "maint",
     .synopsis = "Show or switch maintenance of a node or service",
     .usage = "maint [options]",
     .help = R"(  In maintenance a node or service has an additional critical check, so that nobody
  is sent there. Maintenance outlives a restart of the agent. Without options it is
  shown; nothing is printed when nothing is in maintenance.

      $ consul maint -enable -reason="new disk"
      $ consul maint -disable
      $ consul maint -enable -service=web)",
     .flags = {kMaintFlags, kClientFlags},
     .run = run_maint},
    {.name = "reload",
     .synopsis = "Make the agent read its configuration files again",
     .usage = "reload [options]",
     .help = R"(  Does what the signal SIGHUP does.)",
     .flags = {kClientFlags},
     .run = run_reload},
};

}  // namespace

std::span<const Command> agent_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
