#include "acl/authorizer.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"

namespace proconsul::acl {
namespace {

Decision enforce(Access rule, Access asked) {
  if (rule == Access::none) return Decision::none;
  return rule != Access::deny && rule >= asked ? Decision::allow : Decision::deny;
}

/// What a service's rule says of the intentions to it.
Access of_intentions(const Rule& rule) {
  if (rule.intentions != Access::none) return rule.intentions;
  return rule.access == Access::read || rule.access == Access::write ? Access::read : Access::deny;
}

}  // namespace

Authorizer::Table Authorizer::compile(const std::vector<Rule>& rules, bool intentions) {
  Table table;
  table.reserve(rules.size());
  for (const Rule& rule : rules) {
    Entry entry{.name = rule.name};
    (rule.prefix ? entry.prefix : entry.exact) = intentions ? of_intentions(rule) : rule.access;
    (rule.prefix ? entry.prefix_policy : entry.exact_policy) = rule.policy;
    table.push_back(std::move(entry));
  }
  std::ranges::sort(table, {}, &Entry::name);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < table.size(); ++i) {  // the exact rule and the prefix rule of one name become one entry
    if (table[i].name != table[kept].name) {
      if (++kept != i) table[kept] = std::move(table[i]);
      continue;
    }
    Entry& entry = table[kept];
    if (table[i].exact != Access::none) entry.exact = table[i].exact, entry.exact_policy = table[i].exact_policy;
    if (table[i].prefix != Access::none) entry.prefix = table[i].prefix, entry.prefix_policy = table[i].prefix_policy;
  }
  if (!table.empty()) table.resize(kept + 1);
  for (std::size_t i = 1; i < table.size(); ++i) {
    auto shorter = static_cast<std::int32_t>(i) - 1;
    while (shorter >= 0 && !table[i].name.starts_with(table[shorter].name)) shorter = table[shorter].shorter;
    table[i].shorter = shorter;
  }
  return table;
}

Authorizer::Authorizer(const Rules& merged, Fallback fallback)
    : unnamed_(merged.unnamed), unnamed_policy_(merged.unnamed_policy), fallback_(fallback) {
  for (std::size_t at = 0; at < kRuledByName; ++at) tables_[at] = compile(merged.named[at], false);
  tables_[std::to_underlying(Resource::intention)] = compile(merged.named[std::to_underlying(Resource::service)], true);
  for (const Table& table : tables_) ruleless_ = ruleless_ && table.empty();
  for (const Access access : unnamed_) ruleless_ = ruleless_ && access == Access::none;
}

std::shared_ptr<const Authorizer> Authorizer::without_rules(Fallback fallback) {
  static const std::array<std::shared_ptr<const Authorizer>, 3> all{
      std::make_shared<const Authorizer>(Rules{}, Fallback::deny),
      std::make_shared<const Authorizer>(Rules{}, Fallback::allow),
      std::make_shared<const Authorizer>(Rules{}, Fallback::manage)};
  return all[std::to_underlying(fallback)];
}

Authorizer::Found Authorizer::find(const Table& table, std::string_view name) {
  auto after = std::ranges::upper_bound(table, name, {}, &Entry::name);
  if (after == table.begin()) return {};
  const Entry* entry = &*std::prev(after);
  if (entry->exact != Access::none && entry->name == name) return {entry, true};
  while (entry->prefix == Access::none || !name.starts_with(entry->name)) {
    if (entry->shorter < 0) return {};
    entry = &table[entry->shorter];
  }
  return {entry, false};
}

const Authorizer::Entry* Authorizer::longest_prefix(const Table& table, std::string_view name) {
  auto after = std::ranges::upper_bound(table, name, {}, &Entry::name);
  if (after == table.begin()) return nullptr;
  const Entry* entry = &*std::prev(after);
  while (entry->prefix == Access::none || !name.starts_with(entry->name)) {
    if (entry->shorter < 0) return nullptr;
    entry = &table[entry->shorter];
  }
  return entry;
}

Decision Authorizer::below(const Table& table, std::string_view prefix, Access access) {
  const Entry* entry = longest_prefix(table, prefix);
  const Decision base = entry == nullptr ? Decision::none : enforce(entry->prefix, access);
  if (base == Decision::deny) return base;
  for (auto at = std::ranges::lower_bound(table, prefix, {}, &Entry::name);
       at != table.end() && at->name.starts_with(prefix); ++at) {
    if (enforce(at->prefix, access) == Decision::deny || enforce(at->exact, access) == Decision::deny) {
      return Decision::deny;
    }
  }
  return base;
}

Decision Authorizer::all(const Table& table, Access access) {
  Decision decision = Decision::none;
  for (const Entry& entry : table) {
    const Decision prefix = enforce(entry.prefix, access);
    if (prefix == Decision::deny || enforce(entry.exact, access) == Decision::deny) return Decision::deny;
    if (entry.name.empty()) decision = prefix;
  }
  return decision;
}

Decision Authorizer::any(const Table& table, Access access) {
  Decision decision = Decision::none;
  for (const Entry& entry : table) {
    const Decision prefix = enforce(entry.prefix, access);
    if (prefix == Decision::allow || enforce(entry.exact, access) == Decision::allow) return Decision::allow;
    if (entry.name.empty()) decision = prefix;
  }
  return decision;
}

Decision Authorizer::decide(Resource resource, Access access) const {
  const Decision decision = enforce(unnamed_[std::to_underlying(resource) - kNamed], access);
  if (decision != Decision::none || (resource != Resource::mesh && resource != Resource::peering)) return decision;
  return decide(Resource::operator_, access);
}

Decision Authorizer::decide(Resource resource, std::string_view name, Access access) const {
  if (!is_named(resource)) return decide(resource, access);
  if (resource == Resource::intention && name == "*") {
    return access == Access::write ? decide_all(resource, access) : decide_any(resource, access);
  }
  const Found found = find(table(resource), name);
  if (found.entry == nullptr) return Decision::none;
  return enforce(found.exact ? found.entry->exact : found.entry->prefix, access);
}

bool Authorizer::may_write_keys_below(std::string_view prefix) const {
  return settle(below(table(Resource::key), prefix, Access::write), Resource::key);
}

bool Authorizer::may_read_services_below(std::string_view prefix) const {
  return settle(below(table(Resource::service), prefix, Access::read), Resource::service);
}

bool Authorizer::may_read_imported(Resource resource) const {
  return decide_any(Resource::service, Access::write) == Decision::allow || allows_all(resource, Access::read);
}

Verdict Authorizer::explain(Resource resource, std::string_view name, Access access) const {
  if (!is_named(resource)) {
    Resource ruling = resource;
    if (unnamed_[std::to_underlying(ruling) - kNamed] == Access::none &&
        (ruling == Resource::mesh || ruling == Resource::peering)) {
      ruling = Resource::operator_;
    }
    const std::size_t at = std::to_underlying(ruling) - kNamed;
    Verdict verdict{.allowed = allows(resource, access)};
    if (unnamed_[at] == Access::none) return verdict;
    verdict.rule = to_string(ruling);
    verdict.access = unnamed_[at];
    verdict.policy = unnamed_policy_[at];
    return verdict;
  }
  Verdict verdict{.allowed = allows(resource, name, access)};
  const Found found = find(table(resource), name);
  if (found.entry == nullptr) return verdict;
  const std::string_view ruled = resource == Resource::intention ? "service" : to_string(resource);
  verdict.rule = std::string(ruled) + (found.exact ? " " : "_prefix ") + base::quote(found.entry->name);
  verdict.access = found.exact ? found.entry->exact : found.entry->prefix;
  verdict.policy = found.exact ? found.entry->exact_policy : found.entry->prefix_policy;
  return verdict;
}

Result<bool> authorize(const Authorizer& authorizer, std::string_view resource, std::string_view name,
                       std::string_view access) {
  for (std::size_t i = 0; i < kNamed + kUnnamed; ++i) {
    const auto asked = static_cast<Resource>(i);
    if (to_string(asked) != resource) continue;
    if (access == "read") return authorizer.allows(asked, name, Access::read);
    if (access == "write") return authorizer.allows(asked, name, Access::write);
    if (asked == Resource::key && access == "list") return authorizer.allows(asked, name, Access::list);
    if (asked == Resource::key && access == "write-prefix") return authorizer.may_write_keys_below(name);
    return Error{Errc::invalid_argument,
                 "Invalid access level for " + std::string(resource) + " resource: " + std::string(access)};
  }
  return Error{Errc::invalid_argument, "Invalid ACL resource requested: " + base::quote(resource)};
}

}  // namespace proconsul::acl
