// join, force-leave.
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

// ---- join

constexpr Flag kJoinFlags[] = {
    {.name = "wan", .kind = FlagKind::boolean, .help = "Join a server to servers of other datacenters."},
};

int run_join(const Context& context) {
  if (context.arguments.empty()) return fail_with_help(context, "At least one address to join must be specified.");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  std::size_t joined = 0;
  for (const std::string& address : context.arguments) {
    ApiRequest request = client->request("PUT", "/v1/agent/join/" + address);
    if (context.flags.boolean("wan")) request.set("wan", "1");
    if (const Result<ApiResponse> done = client->call(request); !done) {
      context.ui.error("Error joining address '" + address + "': " + done.error().detail);
    } else {
      ++joined;
    }
  }
  if (joined == 0) return fail(context, "Failed to join any nodes.");
  context.ui.output("Successfully joined cluster by contacting " + std::to_string(joined) + " nodes.");
  return 0;
}

// ---- force-leave

constexpr Flag kForceLeaveFlags[] = {
    {.name = "prune", .kind = FlagKind::boolean, .help = "Also take the member off the list of members."},
    {.name = "wan", .kind = FlagKind::boolean, .help = "Only in the gossip among datacenters."},
};

int run_force_leave(const Context& context) {
  if (context.arguments.size() != 1) {
    return fail_with_help(context, "A single node name must be specified to force leave.");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  ApiRequest request = client->request("PUT", "/v1/agent/force-leave/" + context.arguments[0]);
  if (context.flags.boolean("prune")) request.set("prune", "1");
  if (context.flags.boolean("wan")) request.set("wan", "1");
  if (const Result<ApiResponse> done = client->call(request); !done) {
    return fail(context, "Error force leaving: " + done.error().detail);
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "force-leave",
     .synopsis = "Mark a failed member as left",
     .usage = "force-leave [options] NODE",
     .help = R"(  For members that failed and will not come back: the others stop looking for them. A
  member that is alive joins again by itself.)",
     .flags = {kForceLeaveFlags, kClientFlags, kPartitionFlags},
     .run = run_force_leave},
    {.name = "join",
     .synopsis = "Make the agent join others",
     .usage = "join [options] ADDRESS...",
     .help = R"(  Tells the agent to join the cluster of which any of the addresses is a member. One
  that answers is enough.)",
     .flags = {kJoinFlags, kClientFlags, kPartitionFlags},
     .run = run_join},
};

}  // namespace

std::span<const Command> join_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
