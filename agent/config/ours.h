// Keys that Consul does not have, where few need them.
#pragma once

#include <cstdint>

#include "agent/config/load.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::config {

/// How many may log in by one auth method; 0: any number.
struct AclLogin {
  std::int64_t max_tokens_per_method{};
  std::int64_t rate{};  // a second
  std::int64_t burst{};
};

/// A check of the node that tells how long the agent's certificates still hold.
struct CertificateExpiryCheck {
  bool enabled{};
  base::Duration warning{};   // with less time left
  base::Duration critical{};  // 0: never
};

struct Ours {
  AclLogin acl_login{};
  CertificateExpiryCheck certificate_expiry_check{};
};
/// Errors name the key.
base::Result<Ours> ours(const Loaded& loaded);

}  // namespace proconsul::agent::config
