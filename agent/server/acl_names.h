// How policies, roles and auth methods may be called.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::server {

inline bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

inline base::Result<> check_policy_name(std::string_view name) {
  const std::string invalid = "Invalid Policy: invalid Name. ";
  const auto failed = [&](std::string_view why) {
    return base::Error{base::Errc::internal, invalid + std::string(why)};
  };
  if (name.empty() || name.size() > 128) return failed("Length must be greater than 0 and less than 128");
  if (name.starts_with('/') || name.starts_with("builtin/")) {
    return failed("Names cannot be prefixed with '/' or 'builtin/'");
  }
  if (std::ranges::count(name, '/') > 1 || !std::ranges::all_of(name, [](char c) { return is_word(c) || c == '/'; })) {
    return failed("Only alphanumeric characters, a single '/', '-' and '_' are allowed");
  }
  return {};
}
inline bool is_policy_name(std::string_view name) {
  return check_policy_name(name).has_value();
}
inline bool is_role_name(std::string_view name) {
  return !name.empty() && name.size() <= 256 && std::ranges::all_of(name, is_word);
}
inline bool is_auth_method_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, is_word);
}

}  // namespace proconsul::agent::server
