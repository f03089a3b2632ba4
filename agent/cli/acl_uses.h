// When tokens were last used, as far as the servers know.
#pragma once

#include <string>
#include <string_view>

#include "agent/cli/acl_types.h"
#include "agent/cli/client_flags.h"
#include "base/result.h"
#include "base/time.h"
#include "base/type.h"

namespace proconsul::agent::cli {

/// GET /v1/acl/token-uses: of tokens that are not in it no use after `Since` is known.
struct AclTokenUses {
  base::Time Since{};
  base::Map<base::Time> Uses{};
};
PROCONSUL_DECLARE_TYPE(AclTokenUses)

base::Result<AclTokenUses> token_uses(ApiClient& client);

/// "Last Used:        2026-11-28T02:00:00Z", or since when it was not.
std::string last_use_line(const AclTokenUses& uses, std::string_view accessor);

/// Those that exist for so long, and were not used in that time. `unsure` counts those of which that is not known: the
/// servers were all started since.
struct UnusedTokens {
  base::List<AclTokenEntry> tokens{};
  std::size_t unsure = 0;
};
UnusedTokens unused_tokens(const base::List<AclTokenEntry>& tokens, const AclTokenUses& uses, base::Duration time,
                           const base::Time& now);

}  // namespace proconsul::agent::cli
