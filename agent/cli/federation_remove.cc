// federation remove.
#include "agent/cli/client_flags.h"
#include "agent/cli/federation_commands.h"
#include "agent/invite/messages.h"
#include "base/json.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr Flag kFlags[] = {
    {.name = "force", .kind = FlagKind::boolean, .help = "Also while servers of the datacenter are alive."},
};

int run_remove(const Context& context) {
  if (context.arguments.size() != 1) return fail_with_help(context, "This command takes the name of a datacenter.");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  invite::ForgetRequest request;
  request.Forgotten = context.arguments[0];
  request.Force = context.flags.boolean("force");
  ApiRequest call = client->request("PUT", "/v1/internal/federation-forget");
  call.body = base::to_json(request);
  const Result<invite::ForgetReply> done = client->fetch<invite::ForgetReply>(call);
  if (!done) return fail(context, "Error removing datacenter " + request.Forgotten + ": " + done.error().detail);
  context.ui.output("Removed datacenter " + request.Forgotten + ":");
  for (const std::string& each : done->Done) context.ui.output("  " + each);
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "federation remove",
     .synopsis = "Forget a datacenter for good",
     .usage = "federation remove [options] DATACENTER",
     .help = R"(  For a datacenter that is gone and will not come back: deletes its federation state, takes
  its servers out of the WAN pools of all datacenters, withdraws its invitations and
  revokes the ACL tokens that they made. Run in the primary datacenter, with a token that
  may write operator and acl. Refused while one of its servers is alive.)",
     .flags = {kFlags, kClientFlags},
     .run = run_remove},
};

}  // namespace

std::span<const Command> federation_remove_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
