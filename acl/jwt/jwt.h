// A JSON web token in its compact form, taken apart. Nothing in it is proven until a key has proven it (keys.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::acl::jwt {

/// More is refused unread: bytes of a token, and brackets in brackets in its JSON.
inline constexpr std::size_t kMaxSize = 256 * 1024;
inline constexpr unsigned kMaxNesting = 64;

struct Token {
  std::string algorithm{};    // "alg"
  std::string key_id{};       // "kid"; empty: it names none
  std::string signed_part{};  // what the signature is of
  std::string payload{};
  std::string signature{};
  bool critical = false;  // its header has "crit": extensions that must be understood, of which none is here
};

/// Errors: "go-jose/go-jose: compact JWS format must have three parts", "illegal base64 data at input byte 0" ...
base::Result<Token> parse(std::string_view text);

using Claims = base::Map<base::Value>;

/// The claims that rules look at; those that are not there are unset or empty. Times are seconds since 1970.
struct Registered {
  std::string issuer{};
  std::vector<std::string> audience{};
  std::optional<std::int64_t> expires{}, not_before{}, issued{};
};

/// The payload as an object.
base::Result<Claims> read_claims(std::string_view payload);
/// Errors: "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate" ...
base::Result<Registered> registered_claims(const Claims& claims);

/// Base64 with the URL's alphabet and without padding; Go's error text.
base::Result<std::string> from_base64_url(std::string_view text);

}  // namespace proconsul::acl::jwt
