#include <array>
#include <map>

#include "agent/rpc/methods/acl_insight.h"
#include "agent/rpc/methods/auto_config.h"
#include "agent/rpc/methods/families.h"
#include "agent/rpc/methods/federation.h"
#include "agent/rpc/methods/federation_state.h"
#include "agent/rpc/methods/invitation.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(Nothing, "struct {}") {
  (void)type;
}

std::span<const std::span<const Method>> all_methods() {
  static const std::array kFamilies = {
      status_methods(),       kv_methods(),          catalog_methods(),          health_methods(),
      session_methods(),      txn_methods(),         coordinate_methods(),       query_methods(),
      internal_methods(),     operator_methods(),    keyring_methods(),          acl_token_methods(),
      acl_policy_methods(),   acl_login_methods(),   acl_insight_methods(),      config_entry_methods(),
      intention_methods(),    virtual_ip_methods(),  gateway_methods(),          connect_ca_methods(),
      auto_encrypt_methods(), auto_config_methods(), federation_state_methods(), topology_methods(),
      federation_methods(),   invitation_methods()};
  return kFamilies;
}

const Method* find_method(std::string_view name) {
  static const std::map<std::string_view, const Method*> kByName = [] {
    std::map<std::string_view, const Method*> all;
    for (const std::span<const Method> family : all_methods()) {
      for (const Method& method : family) all.emplace(method.name, &method);
    }
    return all;
  }();
  const auto found = kByName.find(name);
  return found == kByName.end() ? nullptr : found->second;
}

bool has_service(std::string_view service) {
  for (const std::span<const Method> family : all_methods()) {
    for (const Method& method : family) {
      if (method.name.substr(0, method.name.find('.')) == service && (method.flags & kInsecure) == 0) return true;
    }
  }
  return false;
}

}  // namespace proconsul::agent::rpc
