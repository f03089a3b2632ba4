#include "gossip/swim/membership.h"

#include <arpa/inet.h>

namespace proconsul::gossip::swim {

std::string to_string(const Address& address) {
  // Go shows an IPv4 address in IPv6's clothes as what it is.
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  std::string_view ip = address.ip;
  if (ip.size() == 16 && ip.starts_with(kMapped)) ip.remove_prefix(kMapped.size());
  const std::string port = std::to_string(address.port);
  char text[INET6_ADDRSTRLEN];
  if (ip.size() == 4) return std::string(inet_ntop(AF_INET, ip.data(), text, sizeof text)) + ":" + port;
  if (ip.size() == 16) return "[" + std::string(inet_ntop(AF_INET6, ip.data(), text, sizeof text)) + "]:" + port;
  return "?:" + port;
}

}  // namespace proconsul::gossip::swim
