// Who may do what: rules compiled for answering.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "acl/rules.h"

namespace proconsul::acl {

enum class Decision : std::uint8_t { deny, allow, none };

/// What holds where no rule says anything: `acl.default_policy`, or everything while ACLs are off. Only `manage` lets
/// anybody at the ACLs themselves and at snapshots.
enum class Fallback : std::uint8_t { deny, allow, manage };

/// What decided a question. `rule` is empty if no rule did; `policy` counts as in Authorizer's policies.
struct Verdict {
  bool allowed{};
  std::string rule{};  // as it would be written: key_prefix "app/", operator
  Access access{};     // what that rule grants
  std::uint16_t policy{};
};

/// Immutable and shared by every token with the same rules; safe from any thread. Names are compared byte by byte. An
/// exact rule decides before prefixes, a longer prefix before a shorter one.
class Authorizer {
 public:
  Authorizer(const Rules& merged, Fallback fallback);
  static std::shared_ptr<const Authorizer> without_rules(Fallback fallback);

  /// Of acl, keyring, operator, mesh and peering; mesh and peering without a rule follow operator.
  bool allows(Resource resource, Access access) const { return settle(decide(resource, access), resource); }
  /// Of a named resource. An intention's name may be "*": any to read, all to write.
  bool allows(Resource resource, std::string_view name, Access access) const {
    return settle(decide(resource, name, access), resource);
  }
  /// Whether every name of a resource may be read (nodes, services).
  bool allows_all(Resource resource, Access access) const { return settle(decide_all(resource, access), resource); }
  /// Whether any name of a resource may be written (services).
  bool allows_any(Resource resource, Access access) const { return settle(decide_any(resource, access), resource); }
  /// Whether all keys below a prefix may be written: nothing below it is held back by a rule of its own.
  bool may_write_keys_below(std::string_view prefix) const;
  /// Whether all services below a prefix may be read.
  bool may_read_services_below(std::string_view prefix) const;
  /// What a peer exported is readable by whoever may write some service, or read everything of that kind.
  bool may_read_imported(Resource resource) const;
  /// Taking and restoring snapshots: acl:write.
  bool may_snapshot() const { return allows(Resource::acl, Access::write); }
  /// What connections without an intention are allowed to do.
  bool intention_default_allow() const { return fallback_ != Fallback::deny; }

  /// There is no rule, and nothing is held back.
  bool allows_everything() const { return fallback_ == Fallback::manage && ruleless_; }

  Verdict explain(Resource resource, std::string_view name, Access access) const;
  Fallback fallback() const { return fallback_; }

 private:
  /// One name with its exact rule, its prefix rule or both; `shorter` is the next shorter name that begins it.
  struct Entry {
    std::string name{};
    Access exact{}, prefix{};
    std::uint16_t exact_policy{}, prefix_policy{};
    std::int32_t shorter = -1;
  };
  /// Sorted by name, so that all prefixes of a name lie on the way of `shorter` from its place.
  using Table = std::vector<Entry>;
  struct Found {
    const Entry* entry{};
    bool exact{};
  };

  static Table compile(const std::vector<Rule>& rules, bool intentions);
  static Found find(const Table& table, std::string_view name);
  static const Entry* longest_prefix(const Table& table, std::string_view name);
  static Decision below(const Table& table, std::string_view prefix, Access access);
  static Decision all(const Table& table, Access access);
  static Decision any(const Table& table, Access access);
  Decision decide(Resource resource, Access access) const;
  Decision decide(Resource resource, std::string_view name, Access access) const;
  Decision decide_all(Resource resource, Access access) const { return all(table(resource), access); }
  Decision decide_any(Resource resource, Access access) const { return any(table(resource), access); }
  const Table& table(Resource resource) const { return tables_[static_cast<std::size_t>(resource)]; }
  bool settle(Decision decision, Resource resource) const {
    if (decision != Decision::none) return decision == Decision::allow;
    return resource == Resource::acl ? fallback_ == Fallback::manage : fallback_ != Fallback::deny;
  }

  std::array<Table, kNamed> tables_{};
  std::array<Access, kUnnamed> unnamed_{};
  std::array<std::uint16_t, kUnnamed> unnamed_policy_{};
  Fallback fallback_;
  bool ruleless_ = true;
};

/// A question as /v1/internal/acl/authorize and the like put it in words. Errors in Consul's words for what is no
/// resource or no access of it.
Result<bool> authorize(const Authorizer& authorizer, std::string_view resource, std::string_view name,
                       std::string_view access);

}  // namespace proconsul::acl
