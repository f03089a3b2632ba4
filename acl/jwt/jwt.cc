#include "acl/jwt/jwt.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/quote.h"

namespace proconsul::acl::jwt {
namespace {

using base::Errc;
using base::Error;
using base::List;
using base::Result;
using base::Value;

Error wrong(std::string detail) {
  return {Errc::invalid_argument, std::move(detail)};
}

int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/// Recursive readers and copies come after this one, which is not.
Result<> check_nesting(std::string_view json) {
  unsigned depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxNesting) return wrong("JSON of the token is nested too deeply");
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return {};
}

Result<std::string> text_of(const Claims& header, const char* key, const char* what) {
  const auto found = header.find(key);
  if (found == header.end() || found->second.is_nil()) return std::string();
  if (const std::string* text = found->second.as_string()) return *text;
  const Value& other = found->second;
  const std::string_view kind = other.as_map()    ? "object"
                                : other.as_list() ? "array"
                                : other.as_bool() ? "bool"
                                                  : "number";
  return wrong("failed to unmarshal " + std::string(what) + ": json: cannot unmarshal " + std::string(kind) +
               " into Go value of type string: " + base::quote(base::to_json(other)));
}

/// Seconds; a double holds every one of them that has a meaning. Unset: there is none, or it is null.
Result<std::optional<std::int64_t>> date_of(const Claims& claims, const char* key) {
  constexpr double kMost = 9.0e15;  // beyond, a double cannot tell one second from the next
  const auto found = claims.find(key);
  if (found == claims.end() || found->second.is_nil()) return std::optional<std::int64_t>();
  const double seconds = found->second.number();
  if (!found->second.is_number() || !(seconds >= -kMost && seconds <= kMost)) {
    return wrong("go-jose/go-jose/jwt: expected number value to unmarshal NumericDate");
  }
  return std::optional(static_cast<std::int64_t>(seconds));
}

}  // namespace

Result<std::string> from_base64_url(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = digit_of(text[i]);
    if (digit < 0) return wrong("illegal base64 data at input byte " + std::to_string(i));
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  if (count == 6) return wrong("illegal base64 data at input byte " + std::to_string(text.size() - 1));
  return out;
}

Result<Token> parse(std::string_view text) {
  if (text.size() > kMaxSize) return wrong("the token is larger than " + std::to_string(kMaxSize) + " bytes");
  std::string compact;
  compact.reserve(text.size());
  for (const char c : text) {
    if (c != ' ' && (c < '\t' || c > '\r')) compact += c;
  }
  if (std::ranges::count(compact, '.') != 2) {
    return wrong("go-jose/go-jose: compact JWS format must have three parts");
  }
  const std::string_view whole = compact;
  const std::size_t first = whole.find('.'), second = whole.find('.', first + 1);
  const auto part = [](std::string_view piece) {
    while (piece.ends_with('=')) piece.remove_suffix(1);
    return from_base64_url(piece);
  };
  Result<std::string> header = part(whole.substr(0, first));
  if (!header) return header.error();
  Result<std::string> payload = part(whole.substr(first + 1, second - first - 1));
  if (!payload) return payload.error();
  Result<std::string> signature = part(whole.substr(second + 1));
  if (!signature) return signature.error();

  Result<Claims> fields = read_claims(*header);
  if (!fields) return fields.error();
  Result<std::string> algorithm = text_of(*fields, "alg", "algorithm");
  if (!algorithm) return algorithm.error();
  Result<std::string> key_id = text_of(*fields, "kid", "key ID");
  if (!key_id) return key_id.error();
  return Token{.algorithm = std::move(*algorithm),
               .key_id = std::move(*key_id),
               .signed_part = std::string(whole.substr(0, second)),
               .payload = std::move(*payload),
               .signature = std::move(*signature),
               .critical = fields->find("crit") != fields->end() || fields->find("b64") != fields->end()};
}

Result<Claims> read_claims(std::string_view payload) {
  if (Result<> checked = check_nesting(payload); !checked) return checked.error();
  Result<Claims> claims = base::from_json<Claims>(payload);
  if (claims && claims->is_nil()) claims->make_present();
  return claims;
}

Result<Registered> registered_claims(const Claims& claims) {
  Registered found;
  Result<std::string> issuer = text_of(claims, "iss", "issuer");
  if (!issuer) return issuer.error();
  found.issuer = std::move(*issuer);
  for (const auto& [key, to] : {std::pair("exp", &Registered::expires), std::pair("nbf", &Registered::not_before),
                                std::pair("iat", &Registered::issued)}) {
    Result<std::optional<std::int64_t>> date = date_of(claims, key);
    if (!date) return date.error();
    found.*to = *date;
  }
  const auto audience = claims.find("aud");
  if (audience == claims.end()) return found;
  if (const std::string* one = audience->second.as_string()) {
    found.audience.push_back(*one);
    return found;
  }
  const List<Value>* several = audience->second.as_list();
  if (!several) return wrong("go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience");
  for (const Value& each : *several) {
    const std::string* name = each.as_string();
    if (!name) return wrong("go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience");
    found.audience.push_back(*name);
  }
  return found;
}

}  // namespace proconsul::acl::jwt
