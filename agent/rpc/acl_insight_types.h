// Requests and replies of the ACL methods that Consul does not have: why something is allowed, and when tokens were
// used.
#pragma once

#include <cstdint>
#include <string>

#include "agent/tokens/explain.h"
#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::agent::rpc {

/// Of the token of the request, or of that with the accessor.
struct ExplainRequest : catalog::QueryOptions {
  std::string AccessorID{};
  std::string Permission{};  // "key:write"
  std::string Name{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ExplainRequest)

/// When tokens were last used, by accessor. Of those that are not in it no use since `Since` is known.
struct TokenUses {
  base::Time Since{};
  base::Map<base::Time> Uses{};
};
PROCONSUL_DECLARE_TYPE(TokenUses)

/// What one server tells the leader (tokens/uses.h), and learns from it. Times are seconds since 1970.
struct TokenUsesExchange {
  std::string Datacenter{};
  std::string Token{};
  std::int64_t Since{};
  bool Whole{};           // all that it knows; else what is new since the last time
  std::uint64_t Known{};  // the instance that told it up to `After`
  std::uint64_t After{};
  base::Map<std::int64_t> Uses{};
};
PROCONSUL_DECLARE_TYPE(TokenUsesExchange)
struct TokenUsesReply {
  std::uint64_t Instance{};
  std::uint64_t Last{};
  std::int64_t Since{};
  bool Whole{};
  base::Map<std::int64_t> Uses{};
};
PROCONSUL_DECLARE_TYPE(TokenUsesReply)

}  // namespace proconsul::agent::rpc
