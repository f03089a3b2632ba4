// The claims that are asked for, under the names that they shall have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "acl/jwt/jwt.h"
#include "base/result.h"

namespace proconsul::acl::jwt {

/// From claims to names. A claim that begins with '/' is a JSON pointer: "/nested/role".
using Mapping = std::map<std::string, std::string>;

struct Picked {
  std::map<std::string, std::string> values{};
  std::map<std::string, std::vector<std::string>> lists{};
};

/// Claims that are not there, or null, are left out. Numbers become whole, as text. Errors: a claim that is no text,
/// number or boolean, or no list of such.
base::Result<Picked> pick_claims(const Claims& claims, const Mapping& values, const Mapping& lists);

}  // namespace proconsul::acl::jwt
