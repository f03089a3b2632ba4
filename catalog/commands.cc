#include "catalog/commands.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "catalog/acl/auth_methods.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/intentions.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/connect_ca.h"
#include "catalog/registry/coordinates.h"
#include "catalog/registry/federation.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/register.h"
#include "catalog/registry/settings.h"
#include "catalog/store/kv.h"
#include "catalog/store/session.h"
#include "catalog/store/store.h"
#include "catalog/store/txn.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

// What the parts of the catalog answer, as an ApplyResult.
ApplyResult answer(Result<> done) {
  return done ? ApplyResult{} : ApplyResult{std::move(done.error())};
}
ApplyResult answer(std::optional<bool> value) {
  return value ? ApplyResult{*value} : ApplyResult{};
}
ApplyResult answer(Result<std::optional<bool>> done) {
  return done ? answer(*done) : ApplyResult{std::move(done.error())};
}

template <class Request, class Act>
Result<ApplyResult> with(std::string_view body, Act act) {
  Result<Request> request = base::from_msgpack<Request>(body);
  if (!request) return Error{Errc::corrupt, "failed to decode request: " + request.error().detail};
  return act(*request);
}

Result<ApplyResult> apply_register_command(Transaction& tx, std::string_view body) {
  return with<RegisterRequest>(body, [&](auto& request) { return answer(apply_register(tx, std::move(request))); });
}

Result<ApplyResult> apply_deregister_command(Transaction& tx, std::string_view body) {
  return with<DeregisterRequest>(body, [&](auto& request) { return answer(apply_deregister(tx, request)); });
}

Result<ApplyResult> apply_kvs(Transaction& tx, std::string_view body) {
  return with<KVSRequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    return answer(kv_apply(tx, request));
  });
}

Result<ApplyResult> apply_session(Transaction& tx, std::string_view body) {
  return with<SessionRequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    Result<std::string> id = session_apply(tx, request);
    if (!id) return ApplyResult{std::move(id.error())};
    return id->empty() ? ApplyResult{} : ApplyResult{std::move(*id)};
  });
}

Result<ApplyResult> refuse_legacy_acl(Transaction&, std::string_view) {
  return ApplyResult{Error{Errc::internal, "legacy ACL command has been removed with the legacy ACL system"}};
}

Result<ApplyResult> apply_tombstone(Transaction& tx, std::string_view body) {
  return with<TombstoneRequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    return answer(tombstone_apply(tx, request));
  });
}

Result<ApplyResult> apply_coordinate_batch(Transaction& tx, std::string_view body) {
  return with<Coordinates>(body, [&](auto& updates) {
    apply_coordinates(tx, updates);
    return ApplyResult{};
  });
}

Result<ApplyResult> apply_prepared_query(Transaction& tx, std::string_view body) {
  return with<PreparedQueryRequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    return answer(query_apply(tx, request));
  });
}

Result<ApplyResult> apply_txn(Transaction& tx, std::string_view body) {
  return with<TxnRequest>(body, [&](auto& request) { return ApplyResult{txn_apply(tx, request)}; });
}

Result<ApplyResult> apply_autopilot_command(Transaction& tx, std::string_view body) {
  return with<AutopilotSetConfigRequest>(
      body, [&](auto& request) { return answer(apply_autopilot(tx, std::move(request))); });
}

Result<ApplyResult> apply_system_metadata_command(Transaction& tx, std::string_view body) {
  return with<SystemMetadataRequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    return answer(apply_system_metadata(tx, std::move(request)));
  });
}

// The log verifier's mark: its content is in the entry's extensions, for the log store.
Result<ApplyResult> pass_checkpoint(Transaction&, std::string_view) {
  return ApplyResult{};
}

Result<ApplyResult> apply_virtual_ips(Transaction& tx, std::string_view body) {
  return with<ServiceVirtualIP>(body, [&](auto& request) { return ApplyResult{assign_manual_ips(tx, request)}; });
}

// Every leader of today does this once, also where there never was an intention: what stood in a table of its own is in
// config entries by then.
Result<> drop_old_intentions(Transaction& tx) {
  tx.tables().foreign.erase_prefix("\x0c");
  tx.set_index("connect-intentions");
  tx.set_index("config-entries");
  SystemMetadataRequest format;
  format.Op = "upsert";
  SystemMetadataEntry& entry = format.Entry.emplace();
  entry.Key = "intention-format";
  entry.Value = "config-entry";
  const auto set = apply_system_metadata(tx, std::move(format));
  return set ? Result<>{} : Result<>{set.error()};
}

Result<ApplyResult> apply_intention(Transaction& tx, std::string_view body) {
  return with<IntentionChange>(body, [&](auto& request) -> Result<ApplyResult> {
    tx.note_operation(request.Op);
    if (request.Mutation) return answer(apply_intention_mutation(tx, request.Op, std::move(*request.Mutation)));
    if (request.Op == "delete-all") return answer(drop_old_intentions(tx));
    if (request.Op != "create" && request.Op != "update" && request.Op != "delete") {
      return ApplyResult{Error{Errc::internal, "Invalid Intention operation '" + request.Op + "'"}};
    }
    if (intentions_are_entries(tx.tables())) {
      return ApplyResult{
          Error{Errc::internal, "Legacy intention modifications are disabled after the config entry migration."}};
    }
    return Error{Errc::corrupt,
                 "this server version cannot apply command type 12 (" + request.Op + ") without entries"};
  });
}

Result<ApplyResult> apply_connect_ca_command(Transaction& tx, std::string_view body) {
  return with<CARequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    Result<CAApplied> applied = apply_connect_ca(tx, std::move(request));
    if (!applied) return ApplyResult{std::move(applied.error())};
    return std::visit([](const auto& value) { return ApplyResult{value}; }, *applied);
  });
}

// It only takes an index of the log, by which a certificate that was signed can be told from others.
Result<ApplyResult> apply_connect_ca_leaf(Transaction& tx, std::string_view body) {
  return with<CALeafRequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    if (request.Op == "increment-index") return ApplyResult{tx.index()};
    return ApplyResult{Error{Errc::internal, "Invalid CA operation '" + request.Op + "'"}};
  });
}

Result<ApplyResult> apply_federation_state_command(Transaction& tx, std::string_view body) {
  return with<FederationStateRequest>(body, [&](auto& request) {
    tx.note_operation(request.Op);
    return answer(apply_federation_state(tx, std::move(request)));
  });
}

Result<ApplyResult> apply_config_entry_command(Transaction& tx, std::string_view body) {
  Result<ConfigEntryRequest> request = read_config_entry_request(body);
  if (!request) return Error{Errc::corrupt, "failed to decode request: " + request.error().detail};
  tx.note_operation(request->Op);
  return answer(apply_config_entry(tx, std::move(*request)));
}

Result<ApplyResult> apply_acl_bootstrap_command(Transaction& tx, std::string_view body) {
  return with<ACLTokenBootstrapRequest>(body, [&](auto& request) {
    tx.note_operation("bootstrap");
    return answer(apply_acl_bootstrap(tx, std::move(request)));
  });
}

Result<ApplyResult> apply_acl_token_set(Transaction& tx, std::string_view body) {
  return with<ACLTokenBatchSetRequest>(body, [&](auto& request) {
    tx.note_operation("upsert");
    return answer(apply_acl_tokens(tx, std::move(request)));
  });
}

Result<ApplyResult> apply_acl_token_delete(Transaction& tx, std::string_view body) {
  return with<ACLTokenBatchDeleteRequest>(body, [&](auto& request) {
    tx.note_operation("delete");
    return answer(apply_acl_token_deletes(tx, request));
  });
}

Result<ApplyResult> apply_acl_policy_set(Transaction& tx, std::string_view body) {
  return with<ACLPolicyBatchSetRequest>(body, [&](auto& request) {
    tx.note_operation("upsert");
    return answer(apply_acl_policies(tx, std::move(request)));
  });
}

Result<ApplyResult> apply_acl_policy_delete(Transaction& tx, std::string_view body) {
  return with<ACLPolicyBatchDeleteRequest>(body, [&](auto& request) {
    tx.note_operation("delete");
    return answer(apply_acl_policy_deletes(tx, request));
  });
}

Result<ApplyResult> apply_acl_role_set(Transaction& tx, std::string_view body) {
  return with<ACLRoleBatchSetRequest>(body, [&](auto& request) {
    tx.note_operation("upsert");
    return answer(apply_acl_roles(tx, std::move(request)));
  });
}

Result<ApplyResult> apply_acl_role_delete(Transaction& tx, std::string_view body) {
  return with<ACLRoleBatchDeleteRequest>(body, [&](auto& request) {
    tx.note_operation("delete");
    return answer(apply_acl_role_deletes(tx, request));
  });
}

Result<ApplyResult> apply_acl_binding_rule_set(Transaction& tx, std::string_view body) {
  return with<ACLBindingRuleBatchSetRequest>(body, [&](auto& request) {
    tx.note_operation("upsert");
    return answer(apply_acl_binding_rules(tx, std::move(request)));
  });
}

Result<ApplyResult> apply_acl_binding_rule_delete(Transaction& tx, std::string_view body) {
  return with<ACLBindingRuleBatchDeleteRequest>(body, [&](auto& request) {
    tx.note_operation("delete");
    apply_acl_binding_rule_deletes(tx, request);
    return ApplyResult{};
  });
}

Result<ApplyResult> apply_acl_auth_method_set(Transaction& tx, std::string_view body) {
  return with<ACLAuthMethodBatchSetRequest>(body, [&](auto& request) {
    tx.note_operation("upsert");
    return answer(apply_acl_auth_methods(tx, std::move(request)));
  });
}

Result<ApplyResult> apply_acl_auth_method_delete(Transaction& tx, std::string_view body) {
  return with<ACLAuthMethodBatchDeleteRequest>(body, [&](auto& request) {
    tx.note_operation("delete");
    apply_acl_auth_method_deletes(tx, request);
    return ApplyResult{};
  });
}

template <class Request, class Act>
Result<ApplyResult> with_peering(Transaction& tx, std::string_view body, std::string_view operation, Act act) {
  Request request;
  if (Result<> parsed = peering_schema().parse(body, request); !parsed) {
    return Error{Errc::corrupt, "failed to decode request: " + parsed.error().detail};
  }
  tx.note_operation(operation);
  return answer(act(tx, std::move(request)));
}

Result<ApplyResult> apply_peering_write_command(Transaction& tx, std::string_view body) {
  return with_peering<PeeringWriteRequest>(tx, body, "write", apply_peering_write);
}
Result<ApplyResult> apply_peering_delete_command(Transaction& tx, std::string_view body) {
  return with_peering<PeeringNameRequest>(tx, body, "delete", apply_peering_delete);
}
Result<ApplyResult> apply_peering_terminate_command(Transaction& tx, std::string_view body) {
  return with_peering<PeeringTerminateByIDRequest>(tx, body, "terminate", apply_peering_terminate);
}
Result<ApplyResult> apply_trust_bundle_write_command(Transaction& tx, std::string_view body) {
  return with_peering<PeeringTrustBundleWriteRequest>(tx, body, "write", apply_trust_bundle_write);
}
Result<ApplyResult> apply_trust_bundle_delete_command(Transaction& tx, std::string_view body) {
  return with_peering<PeeringNameRequest>(tx, body, "delete", apply_trust_bundle_delete);
}
Result<ApplyResult> apply_peering_secrets_command(Transaction& tx, std::string_view body) {
  return with_peering<SecretsWriteRequest>(tx, body, "write", apply_peering_secrets_write);
}

constexpr CommandRow kCommands[] = {
    {0, "Register", &apply_register_command},
    {1, "Deregister", &apply_deregister_command},
    {2, "KVS", &apply_kvs},
    {3, "Session", &apply_session},
    {4, "ACL", &refuse_legacy_acl},
    {5, "Tombstone", &apply_tombstone},
    {6, "CoordinateBatchUpdate", &apply_coordinate_batch},
    {7, "PreparedQuery", &apply_prepared_query},
    {8, "Txn", &apply_txn},
    {9, "Autopilot", &apply_autopilot_command},
    {11, "ACLBootstrap", &apply_acl_bootstrap_command},
    {12, "Intention", &apply_intention},
    {13, "ConnectCA", &apply_connect_ca_command},
    {17, "ACLToken", &apply_acl_token_set},
    {18, "ACLTokenDelete", &apply_acl_token_delete},
    {19, "ACLPolicy", &apply_acl_policy_set},
    {20, "ACLPolicyDelete", &apply_acl_policy_delete},
    {21, "ConnectCALeaf", &apply_connect_ca_leaf},
    {22, "ConfigEntry", &apply_config_entry_command},
    {23, "ACLRole", &apply_acl_role_set},
    {24, "ACLRoleDelete", &apply_acl_role_delete},
    {25, "ACLBindingRule", &apply_acl_binding_rule_set},
    {26, "ACLBindingRuleDelete", &apply_acl_binding_rule_delete},
    {27, "ACLAuthMethod", &apply_acl_auth_method_set},
    {28, "ACLAuthMethodDelete", &apply_acl_auth_method_delete},
    {30, "FederationState", &apply_federation_state_command},
    {31, "SystemMetadata", &apply_system_metadata_command},
    {35, "Peering", &apply_peering_write_command},
    {36, "PeeringDelete", &apply_peering_delete_command},
    {37, "PeeringTerminateByID", &apply_peering_terminate_command},
    {38, "PeeringTrustBundle", &apply_trust_bundle_write_command},
    {39, "PeeringTrustBundleDelete", &apply_trust_bundle_delete_command},
    {40, "PeeringSecret", &apply_peering_secrets_command},
    {41, "RaftLogVerifierCheckpoint", &pass_checkpoint},
    {42, "Resource", nullptr},
    {43, "UpdateManualVirtualIPRequestType", &apply_virtual_ips},
};

}  // namespace

const CommandRow* find_command(std::uint8_t number) {
  const auto* row = std::find_if(std::begin(kCommands), std::end(kCommands),
                                 [number](const CommandRow& candidate) { return candidate.number == number; });
  return row == std::end(kCommands) ? nullptr : row;
}

}  // namespace proconsul::catalog
