// The rule language of ACL policies: text (HCL or JSON) to rules, and many policies' rules to one set.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::acl {

using base::Errc;
using base::Error;
using base::Result;

/// What a rule grants and what a question asks for, each with what is before it, from `read` on; a rule of `none` does
/// not exist.
enum class Access : std::uint8_t { none, deny, read, list, write };
std::string_view to_string(Access access);  // "unknown" for none
/// In any letter case; none for anything else.
Access parse_access(std::string_view text);

/// What is protected. Rules of the first group have a name or a prefix of names, those of the second have neither.
enum class Resource : std::uint8_t {
  agent,
  event,
  key,
  node,
  query,
  service,
  session,
  intention,  // no rule of its own: what the rules of a service say of its intentions
  acl,
  keyring,
  operator_,
  mesh,
  peering,
};
inline constexpr std::size_t kRuledByName = 7;
inline constexpr std::size_t kNamed = 8;
inline constexpr std::size_t kUnnamed = 5;
std::string_view to_string(Resource resource);
inline bool is_named(Resource resource) {
  return static_cast<std::size_t>(resource) < kNamed;
}

/// One rule of a named resource.
struct Rule {
  std::string name{};  // or prefix of names
  bool prefix{};
  Access access{};
  Access intentions{};     // of a service, none: follows from `access`
  std::uint16_t policy{};  // which of the merged policies it came from
};

/// The rules of one policy, or of several merged ones.
struct Rules {
  std::array<std::vector<Rule>, kRuledByName> named{};   // by Resource
  std::array<Access, kUnnamed> unnamed{};                // by Resource - kNamed
  std::array<std::uint16_t, kUnnamed> unnamed_policy{};  // which of the merged policies each came from
};

/// The same `name = ...` twice in one object: what is stored may be older than the rule that refuses it.
enum class Duplicates : std::uint8_t { refused, last_wins };

/// Reads the rules of one policy. Unknown names are passed over, as `sentinel` and what later versions know. Errors in
/// Consul's words: "Failed to parse ACL rules: ..." and "Invalid key policy: ...".
Result<Rules> parse_rules(std::string_view text, Duplicates duplicates = Duplicates::refused);

/// One set of rules in which each name and prefix has one rule: deny before write before list before read, whatever the
/// order of the policies. At most 65,536 policies.
Rules merge(const std::vector<const Rules*>& policies);

}  // namespace proconsul::acl
