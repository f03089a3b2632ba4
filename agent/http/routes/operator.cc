// The raft peers, autopilot, usage and snapshots.
#include "agent/http/routes/families.h"

#include "agent/http/keyring_endpoint.h"
#include "agent/http/operator_endpoint.h"
#include "agent/http/operator_types.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "agent/http/snapshot_endpoint.h"
#include "catalog/types/system.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::type_of;
using enum Method;

constexpr Failure kKeysRefused{500, R"(\d+ errors? occurred:[\s\S]*)",
                               "Members refuse it: the text says which, and why."};
constexpr Failure kNoPeer{500, R"(cannot find peer|Could not find address for server id [\s\S]*)", "Nobody to lead."};
constexpr Failure kNotAPeer{
    500,
    R"((id|address) "[\s\S]*" was not found in the Raft configuration|need at least one voter in configuration[\s\S]*)",
    "There is no such server, or it is the last one."};
constexpr Failure kNoAutopilot{500, "autopilot config not initialized yet", "The leader has not written it yet."};
constexpr Failure kUnhealthy{
    429, R"(\{[\s\S]*)",
    "The same answer, called text: not all servers are healthy, or the leader has not looked yet."};
constexpr Failure kSnapshotFailed{500, R"([\s\S]+)",
                                  "The archive cannot be read, or not be written: the text says why."};

constexpr Route kOperatorRoutes[] = {
    {get,
     "/v1/operator/raft/configuration",
     async(raft_configuration, ask_raft_configuration),
     kQueryOptions,
     {.needs = tokens::kOperatorRead,
      .rpc = "Operator.RaftGetConfiguration",
      .summary = "The raft peers as the servers know them",
      .answer = type_of<RaftConfiguration>}},
    {post,
     "/v1/operator/raft/transfer-leader",
     async(raft_transfer_leader),
     kNoPartition,
     {.needs = tokens::kOperatorWrite,
      .rpc = "Operator.TransferLeader",
      .summary = "Let another server lead",
      .params = param::kId,
      .answer = type_of<TransferLeaderResponse>,
      .failures = {&kNoPeer}}},
    {delete_,
     "/v1/operator/raft/peer",
     async(raft_remove_peer),
     kQueryOptions | kUnchecked | kAnyDatacenter,
     {.needs = tokens::kOperatorWrite,
      .rpc = "Operator.RaftRemovePeerByID",
      .summary = "Remove a server from the raft configuration",
      .params = param::kId | param::kAddress,
      .gives = Content::nothing,
      .failures = {&kNotAPeer}}},
    {get,
     "/v1/operator/keyring",
     async(keyring_list),
     {},
     {.needs = tokens::kKeyringRead,
      .rpc = "Internal.KeyringOperation",
      .summary = "The keys that seal the gossip, and how many members have each",
      .params = param::kRelayFactor | param::kLocalOnly,
      .answer = type_of<List<KeyringResponse>>,
      .failures = {&kKeysRefused}}},
    {post,
     "/v1/operator/keyring",
     async(keyring_install),
     {},
     {.needs = tokens::kKeyringWrite,
      .rpc = "Internal.KeyringOperation",
      .summary = "Give a key to all members",
      .params = param::kRelayFactor | param::kLocalOnly,
      .body = type_of<KeyringBody>,
      .gives = Content::nothing,
      .failures = {&kKeysRefused}}},
    {put,
     "/v1/operator/keyring",
     async(keyring_use),
     {},
     {.needs = tokens::kKeyringWrite,
      .rpc = "Internal.KeyringOperation",
      .summary = "Make a key the one that seals",
      .params = param::kRelayFactor | param::kLocalOnly,
      .body = type_of<KeyringBody>,
      .gives = Content::nothing,
      .failures = {&kKeysRefused}}},
    {delete_,
     "/v1/operator/keyring",
     async(keyring_remove),
     {},
     {.needs = tokens::kKeyringWrite,
      .rpc = "Internal.KeyringOperation",
      .summary = "Take a key from all members",
      .params = param::kRelayFactor | param::kLocalOnly,
      .body = type_of<KeyringBody>,
      .gives = Content::nothing,
      .failures = {&kKeysRefused}}},
    {get,
     "/v1/operator/usage",
     read(operator_usage, ask_operator_usage),
     kNoNamespace | kShowConsistency | kAnyDatacenter | kMetaOnError,
     {.needs = tokens::kOperatorRead,
      .rpc = "Operator.Usage",
      .metric = "operator_usage",
      .summary = "How many services and instances there are",
      .params = param::kGlobal,
      .answer = type_of<catalog::Usage>}},
    {get,
     "/v1/operator/autopilot/configuration",
     call(autopilot_get, ask_autopilot_get),
     kQueryOptions,
     {.needs = tokens::kOperatorRead,
      .rpc = "Operator.AutopilotGetConfiguration",
      .summary = "How autopilot is set",
      .answer = type_of<AutopilotConfiguration>,
      .failures = {&kNoAutopilot}}},
    {put,
     "/v1/operator/autopilot/configuration",
     async(autopilot_put),
     kQueryOptions | kUnchecked | kAnyDatacenter,
     {.rpc = "Operator.AutopilotSetConfiguration",
      .summary = "Set autopilot",
      .params = param::kCas,
      .body = type_of<AutopilotConfiguration>,
      .answer = type_of<bool>,
      .failures = {&kRefusedWrite}}},
    {get,
     "/v1/operator/autopilot/health",
     async(autopilot_health, ask_autopilot_health),
     kQueryOptions,
     {.needs = tokens::kOperatorRead,
      .rpc = "Operator.ServerHealth",
      .summary = "The health of the servers; 429 while the cluster is not healthy",
      .answer = type_of<OperatorHealth>,
      .failures = {&kUnhealthy}}},
    {get,
     "/v1/operator/autopilot/state",
     async(autopilot_state, ask_autopilot_state),
     kQueryOptions,
     {.needs = tokens::kOperatorRead,
      .rpc = "Operator.AutopilotState",
      .summary = "What autopilot knows of the servers",
      .answer = type_of<AutopilotState>}},
};

constexpr Route kSnapshotRoutes[] = {
    {get,
     "/v1/snapshot",
     async(snapshot_save),
     kQueryOptions | kUnchecked | kAnyDatacenter,
     {.needs = tokens::kAclWrite,
      .summary = "The whole state as an archive",
      .gives = Content::gzip,
      .failures = {&kSnapshotFailed}}},
    {put,
     "/v1/snapshot",
     upload(snapshot_restore),
     kOctets | kQueryOptions | kUnchecked | kAnyDatacenter,
     {.needs = tokens::kAclWrite,
      .summary = "Replace the whole state by that of an archive; X-Proconsul-Left-Out lists what is not known here",
      .takes_octets = true,
      .gives = Content::octets,
      .failures = {&kSnapshotFailed}}},
};

}  // namespace

std::span<const Route> operator_routes() {
  return kOperatorRoutes;
}
std::span<const Route> snapshot_routes() {
  return kSnapshotRoutes;
}

}  // namespace proconsul::agent::http
