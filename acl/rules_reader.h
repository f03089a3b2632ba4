// Rules as they are written: from HCL or JSON to texts, with nothing judged yet.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "acl/rules.h"

namespace proconsul::acl {

struct WrittenRule {
  std::string name{}, policy{}, intentions{};
};

struct WrittenRules {
  std::array<std::vector<WrittenRule>, kRuledByName> exact{}, prefix{};  // by Resource
  std::array<std::string, kUnnamed> unnamed{};                           // by Resource - kNamed; "": none
};

/// Text that begins with `{` is JSON. Errors as the published HCL decoder words them.
Result<WrittenRules> read_rules(std::string_view text, Duplicates duplicates);

}  // namespace proconsul::acl
