// The records of a snapshot by number and in the order in which they are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace proconsul::catalog {

enum class Record : std::uint8_t {
  registration = 0,
  kv = 2,
  session = 3,
  tombstone = 5,
  coordinates = 6,
  prepared_query = 7,
  autopilot = 9,
  ca_root = 13,
  ca_provider_state = 14,
  ca_config = 15,
  index = 16,
  acl_token = 17,
  acl_policy = 19,
  config_entry = 22,
  acl_role = 23,
  acl_binding_rule = 25,
  acl_auth_method = 27,
  chunks = 29,
  federation_state = 30,
  system_metadata = 31,
  virtual_ip = 32,
  free_virtual_ip = 33,
  peering = 35,
  peering_trust_bundle = 38,
  peering_secrets = 40,
};

/// Every record that a peer may write, in order. Those that Record does not name are foreign: kept as they come.
inline constexpr std::uint8_t kRecordOrder[] = {32, 33, 0,  6,  3,  17, 19, 23, 25, 27, 2,  5,  7, 9,
                                                12, 13, 14, 15, 22, 30, 31, 16, 35, 38, 40, 42, 29};
/// From here on numbers belong to the enterprise edition.
inline constexpr std::uint8_t kFirstEnterpriseRecord = 64;

/// "KVS": the name that Consul's own listings have for records of this number; "Unknown(65)".
std::string record_name(std::uint8_t number);

}  // namespace proconsul::catalog
