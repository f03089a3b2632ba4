// A push/pull: everything that one member knows, on a stream (gossip.md A5).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gossip/swim/message.h"

namespace proconsul::gossip::swim {

/// More members than this are neither remembered nor read from one push/pull.
inline constexpr std::size_t kMostMembers = 262'144;

struct Exchange {
  bool join = false;
  std::vector<PushNodeState> nodes{};
  std::string user_state{};
};

/// The type byte and all of it.
std::string encode_exchange(const Exchange& exchange);
/// The body behind the type byte, whole.
base::Result<Exchange> decode_exchange(std::string_view body);
/// Whether a header's numbers can be meant.
base::Result<> check_header(const PushPullHeader& header);

}  // namespace proconsul::gossip::swim
