#include "agent/tokens/explain.h"

#include "base/quote.h"
#include "base/type_of.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Error;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(Explanation, "proconsul.Explanation") {
  type.field("Allow", &Explanation::Allow);
  type.field("AccessorID", &Explanation::AccessorID);
  type.field("Permission", &Explanation::Permission);
  type.field("Name", &Explanation::Name).omit_empty();
  type.field("Rule", &Explanation::Rule).omit_empty();
  type.field("Grants", &Explanation::Grants).omit_empty();
  type.field("Policy", &Explanation::Policy).omit_empty();
  type.field("Default", &Explanation::Default).omit_empty();
}

namespace {

std::optional<acl::Resource> resource_named(std::string_view name) {
  for (std::size_t i = 0; i < acl::kNamed + acl::kUnnamed; ++i) {
    if (const auto each = static_cast<acl::Resource>(i); to_string(each) == name) return each;
  }
  return std::nullopt;
}

acl::Access access_named(std::string_view name) {
  if (name == "read") return acl::Access::read;
  return name == "list" ? acl::Access::list : acl::Access::write;
}

bool takes(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

}  // namespace

Result<Explanation> explain(const Who& who, std::string_view permission, std::string_view name) {
  const std::size_t colon = permission.find(':');
  const std::string_view resource = permission.substr(0, colon);
  const std::string_view access = colon == std::string_view::npos ? std::string_view() : permission.substr(colon + 1);
  const acl::Authorizer& rules = who.permissions->rules;
  const Result<bool> allowed = acl::authorize(rules, resource, name, access);
  if (!allowed) return allowed.error();

  Explanation explanation{.Allow = *allowed, .AccessorID = who.accessor, .Permission = std::string(permission)};
  const acl::Resource asked = *resource_named(resource);
  if (is_named(asked)) explanation.Name = name;
  const acl::Verdict verdict = rules.explain(asked, name, access_named(access));
  if (verdict.rule.empty()) {
    explanation.Default = rules.fallback() == acl::Fallback::deny ? "deny" : "allow";
    return explanation;
  }
  explanation.Rule = verdict.rule;
  explanation.Grants = to_string(verdict.access);
  if (verdict.policy < who.permissions->policies.size()) explanation.Policy = who.permissions->policies[verdict.policy];
  return explanation;
}

std::optional<Missing> missing(std::string_view text) {
  constexpr std::size_t kLongest = 64 * 1024;
  constexpr std::string_view kLacks = " lacks permission '";
  if (text.size() > kLongest) return std::nullopt;
  const std::size_t start = text.find("Permission denied: ");
  if (start == std::string_view::npos) return std::nullopt;
  text.remove_prefix(start);
  takes(text, "Permission denied: ");
  Missing found;
  if (takes(text, "token with AccessorID '")) {
    const std::size_t end = text.find('\'');
    if (end == std::string_view::npos) return std::nullopt;
    found.accessor = text.substr(0, end);
    text.remove_prefix(end + 1);
  } else if (!takes(text, "anonymous token")) {
    return std::nullopt;
  }
  if (!takes(text, kLacks)) return std::nullopt;
  const std::size_t end = text.find('\'');
  if (end == std::string_view::npos) return std::nullopt;
  found.permission = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!takes(text, " on \"")) return found;
  // A name may have quotes in it: it ends at the last one.
  found.name = text.substr(0, text.rfind('"'));
  return found;
}

}  // namespace proconsul::agent::tokens
