// What an error of a call says of the way to a server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace proconsul::agent::doctor {

enum class Trouble : std::uint8_t {
  none,
  refused,      // nobody listens at the address
  unreachable,  // no route leads there
  silent,       // neither an answer nor a refusal
  no_tls,       // what answers speaks something else
  closed,       // the connection was ended without a word
  authority,    // a certificate of another authority
  expired,      // a certificate whose time is over, or has not come
  name,         // a certificate for somebody else
  ours,         // our certificate was refused
  protocol,     // TLS, but nothing of what servers speak
  other,
};
/// Of base::net::connect, and of a call that follows.
Trouble trouble_of(std::string_view error);

/// The names of "certificate is valid for a, b, not c".
std::vector<std::string> names_in(std::string_view error);
/// Whether a certificate for `pattern` ("*.example.com" too) is one for `name`.
bool covers(std::string_view pattern, std::string_view name);

/// Whether it says that a token is unknown, or may not.
bool is_denial(std::string_view error);
bool is_unknown_token(std::string_view error);

}  // namespace proconsul::agent::doctor
