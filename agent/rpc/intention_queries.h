// What the reading Intention methods answer, from a state that is at hand: for the methods themselves, and for the HTTP
// API of a server. Whoever calls has looked whether the mesh is enabled.
#pragma once

#include <string_view>

#include "agent/rpc/intention_types.h"
#include "agent/rpc/method.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/store.h"

namespace proconsul::agent::rpc {

inline constexpr std::string_view kNoConnect = "Connect must be enabled in order to use this endpoint";

/// What holds where there is no intention; `policy` is default_intention_policy, empty: what ACLs say.
bool allows_without_intention(const tokens::Who& who, std::string_view policy);

/// Without the filter of the request.
base::Result<Found> list_intentions(const tokens::Who& who, const catalog::View& view, base::KeySet* watch,
                                    const IntentionListRequest& request, IndexedIntentions& reply);
base::Result<Found> get_intention(const tokens::Who& who, const catalog::View& view, base::KeySet* watch,
                                  const IntentionQueryRequest& request, IndexedIntentions& reply);
base::Result<Found> match_intentions(const tokens::Who& who, const catalog::View& view, base::KeySet* watch,
                                     const IntentionQueryRequest& request, IndexedIntentionMatches& reply);
/// `policy` as above.
base::Result<> check_intention(const tokens::Who& who, const catalog::View& view, std::string_view policy,
                               const IntentionQueryRequest& request, IntentionQueryCheckResponse& reply);

}  // namespace proconsul::agent::rpc
