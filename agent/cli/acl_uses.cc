#include "agent/cli/acl_uses.h"

#include "base/type_of.h"

namespace proconsul::agent::cli {

using base::Result;

PROCONSUL_DESCRIBE_TYPE(AclTokenUses, "api.TokenUses") {
  type.field("Since", &AclTokenUses::Since);
  type.field("Uses", &AclTokenUses::Uses);
}

Result<AclTokenUses> token_uses(ApiClient& client) {
  return client.fetch<AclTokenUses>(client.request("GET", "/v1/acl/token-uses"));
}

std::string last_use_line(const AclTokenUses& uses, std::string_view accessor) {
  const std::string title = "Last Used:        ";
  const auto found = uses.Uses.find(std::string(accessor));
  if (found != uses.Uses.end()) return title + to_rfc3339(found->second);
  return title + "not since " + to_rfc3339(uses.Since);
}

UnusedTokens unused_tokens(const base::List<AclTokenEntry>& tokens, const AclTokenUses& uses, base::Duration time,
                           const base::Time& now) {
  const base::Time begin = now + base::Duration{-time.nanoseconds};
  UnusedTokens unused;
  for (const AclTokenEntry& token : tokens) {
    if (token.CreateTime > begin) continue;
    const auto found = uses.Uses.find(token.AccessorID);
    if (found != uses.Uses.end() ? found->second > begin : uses.Since > begin) {
      if (found == uses.Uses.end()) ++unused.unsure;
      continue;
    }
    unused.tokens.push_back(token);
  }
  return unused;
}

}  // namespace proconsul::agent::cli
