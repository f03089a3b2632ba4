// event.
#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/user_event.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr Flag kEventFlags[] = {
    {.name = "name", .kind = FlagKind::text, .help = "Name of the event."},
    kEventFilterFlags[0],
    kEventFilterFlags[1],
    kEventFilterFlags[2],
};

int run_event(const Context& context) {
  const std::string& name = context.flags.text("name");
  if (name.empty()) return fail_with_help(context, "Event name must be specified");
  const Result<UserEventFilter> filter = event_filter(context);
  if (!filter) return fail(context, filter.error().detail);
  if (context.arguments.size() > 1) return fail_with_help(context, "Too many command line arguments.");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  if (const auto self = client->fetch<AgentSelf>(client->request("GET", "/v1/agent/self")); !self) {
    return fail(context, "Error querying Consul agent: " + self.error().detail);
  }
  const Result<std::string> id =
      fire_event(*client, name, *filter, context.arguments.empty() ? "" : context.arguments[0]);
  if (!id) return fail(context, "Error firing event: " + id.error().detail);
  context.ui.output("Event ID: " + *id);
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "event",
     .synopsis = "Fire a user event",
     .usage = "event [options] [PAYLOAD]",
     .help = R"(  Sends a named event with an optional payload to the agents of a datacenter. Regular
  expressions for node, service and tag say which of them are to take it.

      $ consul event -name=deploy 1609030
      $ consul event -name=deploy -service='^web' 1609030)",
     .flags = {kEventFlags, kClientFlags},
     .run = run_event},
};

}  // namespace

std::span<const Command> event_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
