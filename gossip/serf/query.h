// Queries: a question to all or some members, and what comes back (gossip.md B6).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/time.h"
#include "gossip/serf/message.h"

namespace proconsul::gossip::serf {

struct QueryParams {
  std::vector<std::string> filter_nodes{};  // empty: all
  base::Map<std::string> filter_tags{};     // tag to regular expression; all must match
  bool request_ack = false;                 // of everybody that passes the filters
  std::uint8_t relay_factor = 0;            // answers also come through so many others
  base::Duration timeout{};                 // 0: what serf reckons for the size of the pool
};

/// What the asker is told; each may be empty. `finished` is the last, at the timeout or when the query is closed.
struct QuerySinks {
  std::move_only_function<void(const std::string& from)> acked{};
  std::move_only_function<void(const std::string& from, const base::Bytes& payload)> answered{};
  std::move_only_function<void()> finished{};
};

struct QueryHandle {
  LamportTime time{};
  std::uint32_t id{};
};

/// gossip interval x multiplier x ceil(log10(members + 1)).
base::Duration default_query_timeout(base::Duration gossip_interval, int multiplier, std::size_t members);

base::List<base::Bytes> encode_filters(const QueryParams& params);
/// Whether this node is meant. A filter that cannot be read, or whose expression is wrong, matches nobody.
bool passes_filters(const base::List<base::Bytes>& filters, const std::string& node,
                    const base::Map<std::string>& tags);

}  // namespace proconsul::gossip::serf
