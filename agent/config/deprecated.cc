// Names of earlier versions, which still work with a warning.
#include "agent/config/settings.h"

namespace proconsul::agent::config {
namespace {

using base::Value;

struct Renamed {
  std::string_view from;
  std::string_view to;
};
// In the order of their warnings.
constexpr Renamed kRenamed[] = {
    {"acl.tokens.agent_master", "acl.tokens.agent_recovery"},
    {"acl_agent_master_token", "acl.tokens.agent_recovery"},
    {"acl_agent_token", "acl.tokens.agent"},
    {"acl_token", "acl.tokens.default"},
    {"acl.tokens.master", "acl.tokens.initial_management"},
    {"acl_master_token", "acl.tokens.initial_management"},
    {"acl_replication_token", "acl.tokens.replication"},
    {"enable_acl_replication", "acl.enable_token_replication"},
    {"acl_datacenter", "primary_datacenter"},
    {"acl_default_policy", "acl.default_policy"},
    {"acl_down_policy", "acl.down_policy"},
    {"acl_ttl", "acl.token_ttl"},
    {"acl_enable_key_list_policy", "acl.enable_key_list_policy"},
    {"start_join", "retry_join"},
    {"start_join_wan", "retry_join_wan"},
    {"raft_boltdb", "raft_logstore.boltdb"},
    {"ca_file", "tls.defaults.ca_file"},
    {"ca_path", "tls.defaults.ca_path"},
    {"cert_file", "tls.defaults.cert_file"},
    {"key_file", "tls.defaults.key_file"},
    {"tls_cipher_suites", "tls.defaults.tls_cipher_suites"},
    {"tls_min_version", "tls.defaults.tls_min_version"},
    {"verify_incoming", "tls.defaults.verify_incoming"},
    {"verify_incoming_https", "tls.https.verify_incoming"},
    {"verify_incoming_rpc", "tls.internal_rpc.verify_incoming"},
    {"verify_outgoing", "tls.defaults.verify_outgoing"},
    {"verify_server_hostname", "tls.internal_rpc.verify_server_hostname"},
};

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

/// The version names of earlier files: tls10 to tls13, and none for any.
std::string_view tls_version(std::string_view old) {
  if (old.empty()) return "TLS_AUTO";
  if (old == "tls10") return "TLSv1_0";
  if (old == "tls11") return "TLSv1_1";
  if (old == "tls12") return "TLSv1_2";
  if (old == "tls13") return "TLSv1_3";
  return {};
}

void append_list(Settings& settings, std::string_view path, const Value& items) {
  const Value* before = find(settings, path);
  Value joined = before != nullptr ? *before : Value();
  if (joined.as_list() == nullptr) joined.make_list();
  for (const Value& item : *items.as_list()) joined.as_list()->push_back(item);
  set(settings, path, std::move(joined));
}

}  // namespace

std::vector<std::string> rename_deprecated(Settings& settings) {
  std::vector<std::string> warnings;
  for (const Renamed& renamed : kRenamed) {
    const Value* found = find(settings, renamed.from);
    if (found == nullptr) continue;
    Value value = *found;
    erase(settings, renamed.from);
    std::string_view to = renamed.to;

    if (renamed.from.starts_with("start_join")) {
      if (value.as_list()->empty()) continue;
      append_list(settings, to, value);
      warnings.push_back("The " + quoted(renamed.from) + " field is deprecated. Use the " + quoted(to) +
                         " field instead.");
      continue;
    }
    if (renamed.from == "raft_boltdb") {
      const Value* flag = value.find("nofreelistsync");
      value = flag != nullptr ? *flag : Value(false);
      to = "raft_logstore.boltdb.no_freelist_sync";
    }
    const bool unset = find(settings, to) == nullptr;
    if (unset && renamed.from == "tls_min_version") {
      if (const std::string_view version = tls_version(*value.as_string()); !version.empty()) {
        warnings.push_back("'tls_min_version' value " + quoted(*value.as_string()) + " is deprecated, please specify " +
                           quoted(version) + " instead");
        value = Value(version);
      }
    }
    if (unset) set(settings, to, value);
    if (renamed.from == "acl_replication_token") set(settings, "acl.enable_token_replication", true);
    if (renamed.from == "acl_datacenter") set(settings, "acl.enabled", true);
    // The old key never asked for client certificates on the gRPC port.
    if (renamed.from == "verify_incoming" && find(settings, "tls.grpc.verify_incoming") == nullptr) {
      set(settings, "tls.grpc.verify_incoming", false);
    }
    warnings.push_back("The " + quoted(renamed.from) + " field is deprecated. Use the " + quoted(renamed.to) +
                       " field instead.");
  }
  if (find(settings, "tls_prefer_server_cipher_suites") != nullptr) {
    erase(settings, "tls_prefer_server_cipher_suites");
    warnings.push_back("The 'tls_prefer_server_cipher_suites' field is deprecated and will be ignored.");
  }
  return warnings;
}

}  // namespace proconsul::agent::config
