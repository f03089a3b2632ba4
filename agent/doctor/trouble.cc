#include "agent/doctor/trouble.h"

#include <algorithm>

namespace proconsul::agent::doctor {
namespace {

struct Sign {
  const char* text;
  Trouble trouble;
};
// The first that is found counts.
constexpr Sign kSigns[] = {
    {"connection refused", Trouble::refused},
    {"no route to host", Trouble::unreachable},
    {"network is unreachable", Trouble::unreachable},
    {"host is unreachable", Trouble::unreachable},
    {"i/o timeout", Trouble::silent},
    {"first record does not look like a TLS handshake", Trouble::no_tls},
    {"unknown authority", Trouble::authority},
    {"certificate has expired", Trouble::expired},
    {"certificate is valid for", Trouble::name},
    {"certificate is not valid for", Trouble::name},
    {"no application protocol", Trouble::protocol},
    {"remote error: tls: bad certificate", Trouble::ours},
    {"remote error: tls: unknown certificate", Trouble::ours},
    {"remote error: tls: expired certificate", Trouble::ours},
    {"remote error: tls: certificate required", Trouble::ours},
    {"remote error: tls: unrecognized name", Trouble::closed},
    {"reset by peer", Trouble::closed},
    {"broken pipe", Trouble::closed},
    {"EOF", Trouble::closed},
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

/// In any letter case, as TLS compares names of hosts.
bool is_same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

Trouble trouble_of(std::string_view error) {
  if (error.empty()) return Trouble::none;
  const auto* found = std::ranges::find_if(kSigns, [error](const Sign& sign) { return has(error, sign.text); });
  return found == std::end(kSigns) ? Trouble::other : found->trouble;
}

std::vector<std::string> names_in(std::string_view error) {
  constexpr std::string_view kHead = "certificate is valid for ";
  std::vector<std::string> names;
  const std::size_t from = error.find(kHead);
  if (from == error.npos) return names;
  std::string_view rest = error.substr(from + kHead.size());
  rest = rest.substr(0, rest.rfind(", not "));
  while (!rest.empty()) {
    const std::size_t end = rest.find(", ");
    names.emplace_back(rest.substr(0, end));
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 2);
  }
  return names;
}

bool covers(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return is_same_name(pattern, name);
  const std::size_t dot = name.find('.');
  return dot != name.npos && dot > 0 && is_same_name(name.substr(dot), pattern.substr(1));
}

bool is_unknown_token(std::string_view error) {
  return has(error, "ACL not found") || has(error, "token does not exist");
}

bool is_denial(std::string_view error) {
  return is_unknown_token(error) || has(error, "Permission denied");
}

}  // namespace proconsul::agent::doctor
