#include "gossip/swim/exchange.h"

#include "base/msgpack.h"
#include "gossip/swim/stream.h"

namespace proconsul::gossip::swim {

using base::Errc;
using base::Result;

std::string encode_exchange(const Exchange& exchange) {
  std::string out =
      encode(MessageType::push_pull, PushPullHeader{.Nodes = static_cast<int>(exchange.nodes.size()),
                                                    .UserStateLen = static_cast<int>(exchange.user_state.size()),
                                                    .Join = exchange.join});
  for (const PushNodeState& node : exchange.nodes) base::append_msgpack(out, node, base::MsgpackHandle::plain);
  return out += exchange.user_state;
}

Result<> check_header(const PushPullHeader& header) {
  if (header.Nodes < 0 || static_cast<std::size_t>(header.Nodes) > kMostMembers) {
    return {Errc::too_large, "push/pull of " + std::to_string(header.Nodes) + " nodes, at most " +
                                 std::to_string(kMostMembers) + " are read"};
  }
  if (header.UserStateLen < 0 || static_cast<std::size_t>(header.UserStateLen) > kMostStreamBytes) {
    return {Errc::too_large, "user state of " + std::to_string(header.UserStateLen) + " bytes, at most " +
                                 std::to_string(kMostStreamBytes) + " are read"};
  }
  return {};
}

Result<Exchange> decode_exchange(std::string_view body) {
  base::MsgpackReader reader(body, base::MsgpackHandle::plain);
  PushPullHeader header;
  reader.object(header);
  if (Result<> read = reader.status(); !read) return read.error();
  if (Result<> sane = check_header(header); !sane) return sane.error();

  Exchange exchange;
  exchange.join = header.Join;
  for (std::int64_t i = 0; i < header.Nodes; ++i) {  // grows with what was read, not with what the header says
    reader.object(exchange.nodes.emplace_back());
    if (Result<> read = reader.status(); !read) return read.error();
    if (exchange.nodes.back().Name.empty()) return {Errc::invalid_argument, "push/pull has a node without a name"};
    const base::Int state = exchange.nodes.back().State;
    if (state < 0 || state > static_cast<base::Int>(NodeState::left)) exchange.nodes.pop_back();  // of times to come
  }
  const auto wanted = static_cast<std::size_t>(header.UserStateLen);
  const std::string_view rest = reader.rest();
  if (rest.size() < wanted) {
    return {Errc::invalid_argument,
            "Failed to read full user state (" + std::to_string(rest.size()) + " / " + std::to_string(wanted) + ")"};
  }
  exchange.user_state = rest.substr(0, wanted);
  return exchange;
}

}  // namespace proconsul::gossip::swim
