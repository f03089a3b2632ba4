#include "acl/jwt/rules.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"

namespace proconsul::acl::jwt {
namespace {

using base::Duration;
using base::Errc;
using base::Error;
using base::Result;
using base::Time;

using Moment = __int128;  // nanoseconds since 1970: no sum of claims and leeways leaves it

constexpr Moment kSecond = 1'000'000'000;
constexpr Duration kDefaultLeeway = base::seconds(150);
constexpr Duration kDefaultSkew = base::seconds(60);
constexpr Moment kIdTokenSkew = 300 * kSecond;

Error wrong(std::string detail) {
  return {Errc::invalid_argument, std::move(detail)};
}
Error refused(std::string_view why) {
  return wrong("error validating claims: go-jose/go-jose/jwt: " + std::string(why));
}

Moment moment(const Time& time) {
  return Moment{base::unix_seconds(time)} * kSecond + time.nanoseconds;
}

/// Seconds, as the default and "none" say.
std::int64_t leeway(Duration set, Duration by_default) {
  if (set.nanoseconds < 0) return 0;
  return (set.nanoseconds == 0 ? by_default : set).nanoseconds / 1'000'000'000;
}

/// "2020-09-13 12:26:41 +0000 UTC"
std::string shown(std::int64_t seconds) {
  std::string text = base::to_rfc3339(base::from_unix(seconds));
  if (const std::size_t t = text.find('T'); t != text.npos) text[t] = ' ';
  if (text.ends_with('Z')) text.replace(text.size() - 1, 1, " +0000 UTC");
  return text;
}

}  // namespace

Result<> check_audience(std::span<const std::string> wanted, const Registered& claims, bool strict) {
  if (wanted.empty()) {
    if (!strict || claims.audience.empty()) return {};
    return wrong("error validating claims: audience claim found in JWT but no audiences are bound");
  }
  for (const std::string& audience : wanted) {
    if (std::ranges::find(claims.audience, audience) != claims.audience.end()) return {};
  }
  return wrong("error validating claims: aud claim does not match any bound audience");
}

Result<> check_claims(const Registered& claims, const Rules& rules, const Time& time) {
  // One of the times must be there; what is missing follows from the others.
  const std::int64_t issued = claims.issued.value_or(0);
  std::int64_t expires = claims.expires.value_or(0), not_before = claims.not_before.value_or(0);
  if (issued == 0 && expires == 0 && not_before == 0) {
    return wrong("no issue time, notbefore, or expiration time encoded in token");
  }
  if (expires == 0) expires = std::max(issued, not_before) + leeway(rules.leeways.expiration, kDefaultLeeway);
  if (not_before == 0) {
    not_before = issued != 0 ? issued : expires - leeway(rules.leeways.not_before, kDefaultLeeway);
  }

  if (!rules.issuer.empty() && rules.issuer != claims.issuer) {
    return refused("validation failed, invalid issuer claim (iss)");
  }
  const Duration set = rules.leeways.clock_skew;
  const Moment skew = set.nanoseconds < 0 ? 0 : (set.nanoseconds == 0 ? kDefaultSkew : set).nanoseconds;
  const Moment now = moment(time);
  if (now + skew < not_before * kSecond) return refused("validation failed, token not valid yet (nbf)");
  if (now - skew > expires * kSecond) return refused("validation failed, token is expired (exp)");
  if (now + skew < issued * kSecond) return refused("validation field, token issued in the future (iat)");
  return check_audience(rules.audiences, claims, true);
}

Result<> check_id_token(const Registered& claims, std::string_view issuer, const Time& time) {
  // Google leaves out the scheme at times.
  const bool is_google = issuer == "https://accounts.google.com" && claims.issuer == "accounts.google.com";
  if (claims.issuer != issuer && !is_google) {
    return wrong("oidc: id token issued by a different provider, expected " + base::quote(issuer) + " got " +
                 base::quote(claims.issuer));
  }
  const Moment now = moment(time);
  if (!claims.expires) return wrong("oidc: token is expired (Token Expiry: 0001-01-01 00:00:00 +0000 UTC)");
  if (*claims.expires * kSecond < now) {
    return wrong("oidc: token is expired (Token Expiry: " + shown(*claims.expires) + ")");
  }
  if (claims.not_before && now + kIdTokenSkew < *claims.not_before * kSecond) {
    return wrong("oidc: current time " + shown(base::unix_seconds(time)) +
                 " before the nbf (not before) time: " + shown(*claims.not_before));
  }
  return {};
}

}  // namespace proconsul::acl::jwt
