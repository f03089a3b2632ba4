// Tokens of invitations: any bytes are refused with a text, or read as something whose every part may go into a
// configuration, and which is written as it was read. The first byte tells whether the rest gets a right frame.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/invite/token.h"
#include "base/msgpack.h"

namespace {

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::agent::invite;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string text(bytes);
  if (data[0] % 2 == 1) {
    Token framed;
    if (!proconsul::base::read_msgpack(bytes, framed)) return 0;
    text = to_text(framed);
  }
  const auto token = parse_token(text);
  if (!token) {
    demand(!token.error().detail.empty());
    return 0;
  }
  demand(is_datacenter_name(token->Primary) && !token->Gateways.empty() && token->Gateways.size() <= kMostGateways);
  for (const std::string& name : token->Datacenters) demand(is_datacenter_name(name));
  for (const std::string& gateway : token->Gateways) demand(is_gateway_address(gateway));
  const auto again = parse_token(to_text(*token));
  demand(again && to_text(*again) == to_text(*token));
  return 0;
}
