// What the mesh's authority can be told, with `connect { ca_config { ... } }` or over the API.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "base/value.h"
#include "catalog/types/connect_ca.h"

namespace proconsul::agent::mesh {

inline constexpr std::string_view kBuiltinProvider = "consul";

/// Of the built-in provider.
struct AuthorityConfig {
  base::Duration leaf_ttl = base::seconds(72 * 3600);
  base::Duration intermediate_ttl = base::seconds(std::int64_t{365} * 24 * 3600);
  base::Duration root_ttl = base::seconds(std::int64_t{3650} * 24 * 3600);
  double csr_max_per_second = 50;       // 0: no limit by rate
  std::int64_t csr_max_concurrent = 0;  // counts where there is none by rate; 0: none
  std::string private_key_type = "ec";
  std::int64_t private_key_bits = 256;
  std::string private_key{}, root_cert{};  // PEM; empty: made
  bool skip_validate = false;
  bool disable_cross_signing = false;
};

/// The keys of a configuration file ("leaf_cert_ttl") as the replicated state calls them ("LeafCertTTL").
base::Map<base::Value> with_state_names(const base::Map<base::Value>& config);

/// Errors: "error decoding config: ...", or what does not go together, in Consul's words.
base::Result<AuthorityConfig> read_authority_config(const base::Map<base::Value>& config);
/// The same of any configuration that is stored: only how often may be signed, and for how long.
base::Result<AuthorityConfig> read_common_config(const base::Map<base::Value>& config);

/// The same of what is meant for Vault, which this build does not have.
base::Result<> check_vault_config(const base::Map<base::Value>& config, bool primary);

/// An error unless this build has the provider.
base::Result<> check_provider(std::string_view provider);

/// What a server begins with: the defaults, and above them what its configuration says. With `cluster_id` given there,
/// that one. Errors: it is no UUID.
base::Result<catalog::CAConfiguration> initial_configuration(std::string_view provider,
                                                             const base::Map<base::Value>& config);

}  // namespace proconsul::agent::mesh
