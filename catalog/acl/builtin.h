// What every datacenter has from the start: policies that nobody can change, and templates of policies.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "catalog/types/acl.h"

namespace proconsul::catalog {

/// The system metadata with the secret that servers of a datacenter know each other by.
inline constexpr std::string_view kServerManagementToken = "server-management-token";
inline constexpr std::string_view kAnonymousAccessor = "00000000-0000-0000-0000-000000000002";
inline constexpr std::string_view kGlobalManagementID = "00000000-0000-0000-0000-000000000001";
inline constexpr std::string_view kGlobalReadOnlyID = "00000000-0000-0000-0000-000000000002";
/// IDs that begin so are not given to anything else.
inline constexpr std::string_view kReservedIDPrefix = "00000000-0000-0000-0000-0000000000";

/// global-management and builtin/global-read-only, without hashes and indexes.
std::span<const ACLPolicy> builtin_policies();
/// Null if there is none of that ID.
const ACLPolicy* builtin_policy(std::string_view id);

/// A policy with a blank in it for a name.
struct PolicyTemplate {
  std::string_view name, id, schema, text, description;
};
std::span<const PolicyTemplate> policy_templates();
/// Null if there is none of that name ("builtin/service").
const PolicyTemplate* find_policy_template(std::string_view name);
/// Of what a service identity stands for.
inline constexpr std::string_view kServiceTemplate = "builtin/service";
/// Whether the variables are what the template asks for.
base::Result<> validate_templated_policy(const ACLTemplatedPolicy& policy, const PolicyTemplate& base);

/// The policies that templated policies and identities stand for. An unknown template is an error.
base::Result<ACLPolicy> synthetic_policy(const ACLTemplatedPolicy& policy);
ACLPolicy synthetic_policy(const ACLServiceIdentity& identity);
ACLPolicy synthetic_policy(const ACLNodeIdentity& identity);

/// 1 to 256 lower-case letters, digits, "-" and "_", with a letter or digit at both ends: names of service and node
/// identities.
bool is_identity_name(std::string_view name);

}  // namespace proconsul::catalog
