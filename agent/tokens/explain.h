// Why a token allows something, or does not: which permission, which rule of which policy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/tokens/who.h"
#include "base/result.h"
#include "base/type.h"

namespace proconsul::agent::tokens {

struct Explanation {
  bool Allow{};
  std::string AccessorID{};
  std::string Permission{};  // "key:write"
  std::string Name{};        // of what; empty where the resource has no names
  std::string Rule{};        // as it would be written: key_prefix "app/"; empty: no rule of the token is about it
  std::string Grants{};      // what the rule says: read
  std::string Policy{};      // whose rule it is, by its name
  std::string Default{};     // acl.default_policy, where no rule is about it
};
PROCONSUL_DECLARE_TYPE(Explanation)

/// Errors: there is no such permission.
base::Result<Explanation> explain(const Who& who, std::string_view permission, std::string_view name);

/// What an error of denied() says is missing, here or as it came from another server. Nothing: it is another error.
struct Missing {
  std::string accessor{};  // empty: the anonymous token
  std::string permission{};
  std::string name{};
};
std::optional<Missing> missing(std::string_view text);

}  // namespace proconsul::agent::tokens
