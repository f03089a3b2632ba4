// operator raft list-peers, remove-peer, transfer-leader.
#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/raft_peers.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr std::string_view kClientFailed = "Error initializing client";

int run_list_peers(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  ApiRequest request = client->request("GET", "/v1/operator/raft/configuration");
  apply_stale(context, request);
  const Result<RaftConfiguration> raft = client->fetch<RaftConfiguration>(request);
  if (!raft) {
    return fail(context, "Error getting peers: Failed to retrieve raft configuration: " + raft.error().detail);
  }
  context.ui.table(raft_peer_rows(*raft));
  return 0;
}

constexpr Flag kRemovePeerFlags[] = {
    {.name = "address",
     .kind = FlagKind::text,
     .help = "Raft address of the server to remove.",
     .value_name = "ip:port"},
    {.name = "id", .kind = FlagKind::text, .help = "Raft id of the server to remove.", .value_name = "uuid"},
};

int run_remove_peer(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  const std::string& address = context.flags.text("address");
  const std::string& id = context.flags.text("id");
  if (address.empty() && id.empty()) {
    return fail(context, "Error removing peer: an address or id is required for the peer to remove");
  }
  if (!address.empty() && !id.empty()) return fail(context, "Error removing peer: cannot give both an address and id");

  ApiRequest request = client->request("DELETE", "/v1/operator/raft/peer");
  const std::string kind = address.empty() ? "id" : "address";
  const std::string& peer = address.empty() ? id : address;
  request.set(kind, peer);
  if (const Result<ApiResponse> removed = client->call(request); !removed) {
    return fail(context, "Error removing peer: " + removed.error().detail);
  }
  context.ui.output("Removed peer with " + kind + ' ' + base::quote(peer));
  return 0;
}

constexpr Flag kTransferFlags[] = {
    {.name = "id", .kind = FlagKind::text, .help = "Raft id of the server that shall lead.", .value_name = "uuid"},
};

int run_transfer_leader(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  ApiRequest request = client->request("POST", "/v1/operator/raft/transfer-leader");
  apply_stale(context, request);
  if (const std::string& id = context.flags.text("id"); !id.empty()) request.set("id", id);
  const std::string failed = "Error transfering leadership: Failed to transfer leadership";
  const Result<TransferLeader> transfer = client->fetch<TransferLeader>(request);
  if (!transfer) return fail(context, failed + ' ' + transfer.error().detail);
  if (!transfer->Success) return fail(context, failed);
  context.ui.output("Success");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "operator",
     .synopsis = "Tools for operators of a cluster",
     .usage = "operator <subcommand> [options] [args]",
     .help = R"(  Shows and changes how the servers of a cluster work together. A wrong word here can
  cost the quorum.)"},
    {.name = "operator raft",
     .synopsis = "Show and change the servers that vote",
     .usage = "operator raft <subcommand> [options]",
     .help = R"(  Shows and changes the set of servers that agree on the log.)"},
    {.name = "operator raft list-peers",
     .synopsis = "List the servers of the raft configuration",
     .usage = "operator raft list-peers [options]",
     .help = R"(  Prints the servers, who leads them, and how far each has come.)",
     .flags = {kClientFlags, kServerFlags},
     .run = run_list_peers,
     .bad_flag = BadFlag::repeated_as_parse_failure},
    {.name = "operator raft remove-peer",
     .synopsis = "Remove a server from the raft configuration",
     .usage = "operator raft remove-peer [options]",
     .help = R"(  Removes a server that is gone for good and was not removed when it left. While the
  server still shows in "members", "force-leave" is the better way.)",
     .flags = {kRemovePeerFlags, kClientFlags, kServerFlags},
     .run = run_remove_peer,
     .bad_flag = BadFlag::repeated_as_parse_failure},
    {.name = "operator raft transfer-leader",
     .synopsis = "Hand leadership to another server",
     .usage = "operator raft transfer-leader [options]",
     .help = R"(  Makes another server the leader: the one of -id, or any that is up to date.)",
     .flags = {kTransferFlags, kClientFlags, kServerFlags},
     .run = run_transfer_leader,
     .bad_flag = BadFlag::repeated_as_parse_failure},
};

}  // namespace

std::span<const Command> operator_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
