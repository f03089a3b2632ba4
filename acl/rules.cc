#include "acl/rules.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "acl/rules_reader.h"
#include "base/quote.h"

namespace proconsul::acl {
namespace {

using base::quote;

constexpr std::array<std::string_view, 5> kAccess{"unknown", "deny", "read", "list", "write"};
constexpr std::array<std::string_view, kNamed + kUnnamed> kResource{
    "agent",     "event", "key",     "node",     "query", "service", "session",
    "intention", "acl",   "keyring", "operator", "mesh",  "peering"};

bool takes_precedence(Access one, Access other) {
  const auto rank = [](Access access) { return access == Access::deny ? 5 : static_cast<int>(access); };
  return rank(one) > rank(other);
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_valid(std::string_view policy, bool may_list) {
  const Access access = parse_access(policy);
  return access != Access::none && (access != Access::list || may_list);
}

/// The rule as Go's %#v shows it, which is what clients see of a wrong one.
std::string shown(Resource resource, const WrittenRule& rule) {
  struct Kind {
    std::string_view type, name;
    bool enterprise;
  };
  static constexpr std::array<Kind, kRuledByName> kinds{{{"AgentRule", "Node", false},
                                                         {"EventRule", "Event", false},
                                                         {"KeyRule", "Prefix", true},
                                                         {"NodeRule", "Name", true},
                                                         {"PreparedQueryRule", "Prefix", false},
                                                         {"ServiceRule", "Name", true},
                                                         {"SessionRule", "Node", false}}};
  const Kind& kind = kinds[std::to_underlying(resource)];
  std::string text = "&acl." + std::string(kind.type) + "{" + std::string(kind.name) + ":" + quote(rule.name) +
                     ", Policy:" + quote(rule.policy);
  if (resource == Resource::service) text += ", Intentions:" + quote(rule.intentions);
  return text + (kind.enterprise ? ", EnterpriseRule:acl.EnterpriseRule{}}" : "}");
}

Error invalid(std::string_view what, const std::string& shown) {
  return {Errc::invalid_argument, "Invalid " + std::string(what) + " policy: " + shown};
}

Result<> add(Resource resource, bool prefix, const std::vector<WrittenRule>& written, Rules& rules) {
  const std::string what = std::string(to_string(resource)) + (prefix ? "_prefix" : "");
  for (const WrittenRule& rule : written) {
    if (!is_valid(rule.policy, resource == Resource::key)) return invalid(what, shown(resource, rule));
    if (!rule.intentions.empty() && !is_valid(rule.intentions, false)) {
      return invalid(what + " intentions", shown(resource, rule));
    }
    rules.named[std::to_underlying(resource)].push_back({.name = rule.name,
                                                         .prefix = prefix,
                                                         .access = parse_access(rule.policy),
                                                         .intentions = parse_access(rule.intentions)});
  }
  return {};
}

}  // namespace

std::string_view to_string(Access access) {
  return kAccess[std::to_underlying(access)];
}

Access parse_access(std::string_view text) {
  for (std::size_t i = 1; i < kAccess.size(); ++i) {
    if (same_letters(text, kAccess[i])) return static_cast<Access>(i);
  }
  return Access::none;
}

std::string_view to_string(Resource resource) {
  return kResource[std::to_underlying(resource)];
}

Result<Rules> parse_rules(std::string_view text, Duplicates duplicates) {
  Result<WrittenRules> read = read_rules(text, duplicates);
  if (!read) return Error{Errc::invalid_argument, "Failed to parse ACL rules: " + read.error().detail};
  Rules rules;
  const auto unnamed = [&](Resource resource) -> Result<> {
    const std::size_t at = std::to_underlying(resource) - kNamed;
    const std::string& policy = read->unnamed[at];
    if (policy.empty()) return {};
    if (!is_valid(policy, false)) return invalid(to_string(resource), quote(policy));
    rules.unnamed[at] = parse_access(policy);
    return {};
  };
  // In the order in which Consul finds the first mistake.
  if (Result<> ok = unnamed(Resource::acl); !ok) return ok.error();
  for (Resource resource : {Resource::agent, Resource::key, Resource::node, Resource::service, Resource::session,
                            Resource::event, Resource::query}) {
    const std::size_t at = std::to_underlying(resource);
    if (Result<> ok = add(resource, false, read->exact[at], rules); !ok) return ok.error();
    if (Result<> ok = add(resource, true, read->prefix[at], rules); !ok) return ok.error();
  }
  for (Resource resource : {Resource::keyring, Resource::operator_, Resource::mesh, Resource::peering}) {
    if (Result<> ok = unnamed(resource); !ok) return ok.error();
  }
  return rules;
}

Rules merge(const std::vector<const Rules*>& policies) {
  Rules merged;
  std::array<std::map<std::pair<std::string_view, bool>, Rule>, kRuledByName> by_name;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const auto policy = static_cast<std::uint16_t>(i);
    for (std::size_t at = 0; at < kUnnamed; ++at) {
      if (!takes_precedence(policies[i]->unnamed[at], merged.unnamed[at])) continue;
      merged.unnamed[at] = policies[i]->unnamed[at];
      merged.unnamed_policy[at] = policy;
    }
    for (std::size_t at = 0; at < kRuledByName; ++at) {
      for (const Rule& rule : policies[i]->named[at]) {
        auto [found, is_new] = by_name[at].try_emplace({rule.name, rule.prefix}, rule);
        Rule& kept = found->second;
        if (is_new || takes_precedence(rule.access, kept.access)) {
          kept.access = rule.access;
          kept.policy = policy;
        }
        if (takes_precedence(rule.intentions, kept.intentions)) kept.intentions = rule.intentions;
      }
    }
  }
  for (std::size_t at = 0; at < kRuledByName; ++at) {
    merged.named[at].reserve(by_name[at].size());
    for (auto& [name, rule] : by_name[at]) merged.named[at].push_back(std::move(rule));
  }
  return merged;
}

}  // namespace proconsul::acl
