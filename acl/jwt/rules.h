// Whether claims that are proven count: who issued them, for whom, and when.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acl/jwt/jwt.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::acl::jwt {

/// How far clocks may be apart, and how long a token lives that does not say so. 0: the default (150, 150 and 60
/// seconds); below 0: none.
struct Leeways {
  base::Duration expiration{};
  base::Duration not_before{};
  base::Duration clock_skew{};
};

/// Of tokens that anybody may have issued whose keys are trusted.
struct Rules {
  std::string issuer{};  // empty: any
  std::vector<std::string> audiences{};
  Leeways leeways{};
};

/// Errors: "no issue time, notbefore, or expiration time encoded in token", "error validating claims: ...". Without
/// audiences a token must name none.
base::Result<> check_claims(const Registered& claims, const Rules& rules, const base::Time& now);

/// Of tokens of an OpenID provider: it must be the issuer, and they must say when they end. Errors: "oidc: ..."
base::Result<> check_id_token(const Registered& claims, std::string_view issuer, const base::Time& now);

/// Whether the token is for one of the audiences; without any it is for everybody, unless `strict`.
base::Result<> check_audience(std::span<const std::string> wanted, const Registered& claims, bool strict);

}  // namespace proconsul::acl::jwt
