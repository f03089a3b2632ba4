#include "gossip/ip_text.h"

#include <arpa/inet.h>

#include <utility>

#include "base/base64.h"
#include "base/strconv.h"

namespace proconsul::gossip {
namespace {

constexpr std::string_view kMappedPrefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

std::string_view shortened(std::string_view raw) {
  return raw.size() == 16 && raw.starts_with(kMappedPrefix) ? raw.substr(kMappedPrefix.size()) : raw;
}

}  // namespace

std::string ip_text(std::string_view raw) {
  raw = shortened(raw);
  if (raw.empty()) return "<nil>";
  if (raw.size() != 4 && raw.size() != 16) return "?" + base::to_hex(raw);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(raw.size() == 4 ? AF_INET : AF_INET6, raw.data(), text, sizeof text);
  return text;
}

std::optional<std::string> ip_bytes(const std::string& text) {
  char raw[16];
  if (inet_pton(AF_INET, text.c_str(), raw) == 1) return std::string(raw, 4);
  if (inet_pton(AF_INET6, text.c_str(), raw) == 1) return std::string(raw, 16);
  return {};
}

bool same_ip(std::string_view a, std::string_view b) {
  return shortened(a) == shortened(b);
}

std::optional<swim::Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  const base::Result<std::uint64_t> port = base::parse_uint(text.substr(colon + 1), 10, 16);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::optional<std::string> ip = ip_bytes(std::string(host));
  if (!port || !ip || bracketed != (ip->size() == 16)) return {};
  return swim::Address{.ip = std::move(*ip), .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace proconsul::gossip
