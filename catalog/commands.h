// The replicated commands by number, how one is encoded for the log, and what the state machine answers.
// Numbers and bodies: fsm.md of the wire reference.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/msgpack.h"
#include "base/result.h"
#include "catalog/types/system.h"
#include "catalog/types/txn.h"

namespace proconsul::catalog {

class Transaction;

enum class Command : std::uint8_t {
  register_ = 0,
  deregister = 1,
  kvs = 2,
  session = 3,
  tombstone = 5,
  coordinate_batch = 6,
  prepared_query = 7,
  txn = 8,
  autopilot = 9,
  acl_bootstrap = 11,
  intention = 12,
  connect_ca = 13,
  acl_token_set = 17,
  acl_token_delete = 18,
  acl_policy_set = 19,
  acl_policy_delete = 20,
  connect_ca_leaf = 21,
  config_entry = 22,
  acl_role_set = 23,
  acl_role_delete = 24,
  acl_binding_rule_set = 25,
  acl_binding_rule_delete = 26,
  acl_auth_method_set = 27,
  acl_auth_method_delete = 28,
  federation_state = 30,
  system_metadata = 31,
  peering_write = 35,
  peering_delete = 36,
  peering_terminate_by_id = 37,
  peering_trust_bundle_write = 38,
  peering_trust_bundle_delete = 39,
  peering_secrets_write = 40,
  virtual_ips = 43,
};

/// Set in the number of a command that an older server may pass over.
inline constexpr std::uint8_t kIgnoreUnknown = 128;

/// Log.Data: the number, then the body in msgpack.
template <class Request>
std::string encode_command(Command command, const Request& request) {
  std::string data(1, static_cast<char>(command));
  base::MsgpackWriter writer(data);
  writer.object(request);
  return data;
}

/// The entry was a part of a command that is not complete: nothing was applied yet. For the last part it means that
/// earlier ones were lost to a change of leader: "please resubmit call for rechunking".
struct Incomplete {};

/// What became of an applied command. An Error is the command's own (it changed nothing), not raft's.
struct ApplyResult {
  std::variant<std::monostate, bool, std::uint64_t, std::string, TxnResponse, base::Error,
               AssignServiceManualVIPsResponse, Incomplete>
      value{};

  /// The command's error, if it failed.
  const base::Error* error() const { return std::get_if<base::Error>(&value); }
  /// Of cas, lock and the like; true for what answers nothing.
  bool succeeded() const {
    const bool* answer = std::get_if<bool>(&value);
    return error() == nullptr && (answer == nullptr || *answer);
  }
};

/// One replicated command: the only list of them.
struct CommandRow {
  std::uint8_t number;
  const char* name;
  /// Applies the body. An error is fatal: the body cannot be read, and going on would make the servers' states differ.
  /// Null: this version knows the command but cannot apply it.
  base::Result<ApplyResult> (*apply)(Transaction& tx, std::string_view body);
};
/// Null if this version does not know the command (the number is without kIgnoreUnknown).
const CommandRow* find_command(std::uint8_t number);

}  // namespace proconsul::catalog
