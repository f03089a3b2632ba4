// The text that invites servers of another datacenter: what they must know to reach the primary, once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/type.h"

namespace proconsul::agent::invite {

inline constexpr std::string_view kTokenPrefix = "proconsul-invitation-1-";  // the digit is the version
inline constexpr std::size_t kMostTokenText = 64 * 1024;
inline constexpr std::size_t kMostDatacenters = 16;
inline constexpr std::size_t kMostServers = 32;  // of all datacenters together
inline constexpr std::size_t kMostGateways = 64;
inline constexpr std::string_view kDatacenterNames = "lower-case letters, digits, - and _";

struct Token {
  std::string ID{};      // of the invitation, a UUID
  base::Bytes Secret{};  // kSecretSize bytes
  std::string Primary{};
  std::string Domain{};
  base::List<std::string> Datacenters{};  // that may join; none: any
  base::Int Servers{};                    // of each
  base::List<std::string> Gateways{};     // of the primary, "host:port"
  std::string Authority{};                // PEM; empty: whoever joins knows it
  std::string Certificate{};              // PEM, of a client, as long as the invitation; empty: he brings his own
  std::string Key{};
  std::int64_t Expires{};  // seconds since 1970

  bool may_join(std::string_view datacenter) const;
};
PROCONSUL_DECLARE_TYPE(Token)

/// In letters that need no quoting anywhere.
std::string to_text(const Token& token);
/// Blanks and line breaks are passed over. Errors say what is wrong: no token at all, one of another version, not the
/// whole text, or content that makes no sense.
base::Result<Token> parse_token(std::string_view text);

/// What a datacenter may be called: kDatacenterNames. An agent makes small letters of capitals, and would not be whom
/// its certificate and its tokens name.
bool is_datacenter_name(std::string_view name);
/// "10.0.0.1:8443", "gateway.example.com:443", "[::1]:8443".
bool is_gateway_address(std::string_view address);

}  // namespace proconsul::agent::invite
