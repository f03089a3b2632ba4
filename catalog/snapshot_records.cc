#include "catalog/snapshot_records.h"

#include <iterator>

namespace proconsul::catalog {
namespace {

constexpr std::string_view kRecordNames[] = {
    "Register",
    "Deregister",
    "KVS",
    "Session",
    "ACL",
    "Tombstone",
    "CoordinateBatchUpdate",
    "PreparedQuery",
    "Txn",
    "Autopilot",
    "Area",
    "ACLBootstrap",
    "Intention",
    "ConnectCA",
    "ConnectCAProviderState",
    "ConnectCAConfig",
    "Index",
    "ACLToken",
    "ACLTokenDelete",
    "ACLPolicy",
    "ACLPolicyDelete",
    "ConnectCALeaf",
    "ConfigEntry",
    "ACLRole",
    "ACLRoleDelete",
    "ACLBindingRule",
    "ACLBindingRuleDelete",
    "ACLAuthMethod",
    "ACLAuthMethodDelete",
    "ChunkingState",
    "FederationState",
    "SystemMetadata",
    "ServiceVirtualIP",
    "FreeVirtualIP",
    "KindServiceName",
    "Peering",
    "PeeringDelete",
    "",
    "PeeringTrustBundle",
    "PeeringTrustBundleDelete",
    "PeeringSecret",
    "RaftLogVerifierCheckpoint",
    "Resource",
    "UpdateManualVirtualIPRequestType",
};

}  // namespace

std::string record_name(std::uint8_t kind) {
  if (kind < std::size(kRecordNames) && !kRecordNames[kind].empty()) return std::string(kRecordNames[kind]);
  return "Unknown(" + std::to_string(kind) + ')';
}

}  // namespace proconsul::catalog
