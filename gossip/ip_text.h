// IP addresses as the bytes of a message and as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gossip/swim/membership.h"

namespace proconsul::gossip {

/// 4 or 16 raw bytes as Go's net.IP prints them: "10.0.0.1" (also for a mapped one), "fe80::1"; "?" and hex otherwise.
std::string ip_text(std::string_view raw);
/// The 4 or 16 bytes of a literal, nothing if it is none.
std::optional<std::string> ip_bytes(const std::string& text);
/// Whether two raw addresses are the same; mapped ones equal their short form.
bool same_ip(std::string_view a, std::string_view b);

/// "10.0.0.1:8301", "[::1]:8301"; nothing if it is no literal.
std::optional<swim::Address> parse_address(std::string_view text);

}  // namespace proconsul::gossip
