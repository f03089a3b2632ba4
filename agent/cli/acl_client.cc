#include "agent/cli/acl_client.h"

#include <algorithm>

#include "agent/cli/files.h"
#include "base/hcl/hcl.h"
#include "base/quote.h"
#include "catalog/acl/builtin.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using base::Value;

constexpr std::size_t kWholeID = 36;  // of a UUID

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

struct PartialID {
  std::string_view list;  // the path that lists what there is
  std::string_view not_unique;
  std::string_view none;  // said before the part that fits nothing
  std::string_view none_tail{};
};

template <class T>
Result<std::string> whole_id(const Context& context, ApiClient& client, const std::string& part, const PartialID& kind,
                             std::string T::* id) {
  if (part.size() == kWholeID) return part;
  const auto objects = read_acl<base::List<T>>(context, client, std::string(kind.list));
  if (!objects) return objects.error();
  const T* found = nullptr;
  for (const T& object : *objects) {
    if (!(object.*id).starts_with(part)) continue;
    if (found != nullptr) return {Errc::invalid_argument, std::string(kind.not_unique)};
    found = &object;
  }
  if (found == nullptr) {
    return {Errc::not_found, std::string(kind.none) + ": " + part + std::string(kind.none_tail)};
  }
  return found->*id;
}

Result<AclTemplateVariables> variables_of(const std::vector<std::string>& texts) {
  AclTemplateVariables variables;
  bool exact = false;
  for (const std::string& text : texts) {
    const std::vector<std::string> parts = split(text, ':');
    if (parts.size() != 2) {
      return {Errc::invalid_argument,
              "malformed -var argument: " + base::quote(text) + ", expecting VariableName:Value"};
    }
    // There is but one variable, in any letter case; "Name" itself wins.
    if (!same_word(parts[0], "Name") || (exact && parts[0] != "Name")) continue;
    exact = parts[0] == "Name";
    variables.Name = parts[1];
  }
  return variables;
}

const std::string* name_in(const Value& block) {
  const Value::MapType* map = block.as_map();
  if (map == nullptr) return nullptr;
  for (const auto& [key, value] : *map) {
    if (same_word(key, "Name")) return value.as_string();
  }
  return nullptr;
}

// A block, or a list of its repetitions.
template <class Each>
void each_block(const Value& value, const Each& each) {
  if (value.as_map() != nullptr) each(value);
  if (value.as_list() == nullptr) return;
  for (const Value& one : *value.as_list()) each_block(one, each);
}

// TemplatedPolicy "builtin/service" { Name = "web" }, in HCL or JSON.
Result<> read_templates(const std::string& file, base::List<AclTemplatedPolicy>& policies) {
  const Result<std::string> text = read_file(file);
  if (!text) return {text.error().code, "Failed to read file: " + text.error().detail};
  const Result<Value::MapType> config = base::hcl::decode(*text);
  if (!config) return config.error();
  const auto templates = config->find("TemplatedPolicy");
  if (templates == config->end()) return {};
  each_block(templates->second, [&](const Value& block) {
    for (const auto& [name, uses] : *block.as_map()) {
      each_block(uses, [&](const Value& use) {
        AclTemplatedPolicy policy{.TemplateName = name};
        const std::string* variable = name_in(use);
        policy.TemplateVariables.emplace().Name = variable == nullptr ? "" : *variable;
        policies.push_back(std::move(policy));
      });
    }
  });
  return {};
}

}  // namespace

bool format_known(const Context& context) {
  const std::string& format = context.flags.text("format");
  if (format == "pretty" || format == "json") return true;
  fail(context, "Unknown format: " + format);
  return false;
}

Result<> delete_acl(ApiClient& client, const std::string& path) {
  const Result<ApiResponse> done = client.call(client.request("DELETE", path));
  if (!done) return done.error();
  return {};
}

Result<std::string> token_accessor(const Context& context, ApiClient& client, const std::string& part) {
  if (part == "anonymous") return std::string(catalog::kAnonymousAccessor);
  return whole_id(context, client, part,
                  {.list = "/v1/acl/tokens",
                   .not_unique = "Partial token ID is not unique",
                   .none = "No such token ID with prefix"},
                  &AclToken::AccessorID);
}

Result<std::string> policy_id(const Context& context, ApiClient& client, const std::string& part) {
  for (const catalog::ACLPolicy& policy : catalog::builtin_policies()) {
    if (part == policy.Name) return policy.ID;
  }
  return whole_id(context, client, part,
                  {.list = "/v1/acl/policies",
                   .not_unique = "Partial policy ID is not unique",
                   .none = "No such policy ID with prefix"},
                  &AclPolicy::ID);
}

Result<std::string> role_id(const Context& context, ApiClient& client, const std::string& part) {
  return whole_id(
      context, client, part,
      {.list = "/v1/acl/roles", .not_unique = "Partial role ID is not unique", .none = "No such role ID with prefix"},
      &AclRole::ID);
}

Result<std::string> binding_rule_id(const Context& context, ApiClient& client, const std::string& part) {
  return whole_id(context, client, part,
                  {.list = "/v1/acl/binding-rules",
                   .not_unique = "Partial rule ID is not unique",
                   .none = "no such rule ID with prefix",
                   .none_tail = ": ACL not found"},
                  &AclBindingRule::ID);
}

std::string by_name(std::string_view path, std::string_view name) {
  return std::string(path) + escape_query(name);
}

Result<base::List<AclServiceIdentity>> service_identities(const std::vector<std::string>& texts) {
  base::List<AclServiceIdentity> identities;
  for (const std::string& text : texts) {
    std::vector<std::string> parts = split(text, ':');
    if (parts.size() > 2) {
      return {Errc::invalid_argument, "Malformed -service-identity argument: " + base::quote(text)};
    }
    AclServiceIdentity identity{.ServiceName = parts[0]};
    if (parts.size() == 2) identity.Datacenters = split(parts[1], ',');
    identities.push_back(std::move(identity));
  }
  return identities;
}

Result<base::List<AclNodeIdentity>> node_identities(const std::vector<std::string>& texts) {
  base::List<AclNodeIdentity> identities;
  for (const std::string& text : texts) {
    const std::vector<std::string> parts = split(text, ':');
    if (parts.size() != 2) {
      return {Errc::invalid_argument, "Malformed -node-identity argument: " + base::quote(text)};
    }
    identities.push_back({.NodeName = parts[0], .Datacenter = parts[1]});
  }
  return identities;
}

Result<base::List<AclTemplatedPolicy>> templated_policies(const std::string& name, const std::string& file,
                                                          const std::vector<std::string>& variables) {
  base::List<AclTemplatedPolicy> policies;
  if (!name.empty()) {
    AclTemplatedPolicy policy{.TemplateName = name};
    if (!variables.empty()) {
      Result<AclTemplateVariables> given = variables_of(variables);
      if (!given) return given.error();
      policy.TemplateVariables = std::move(*given);
    }
    policies.push_back(std::move(policy));
  }
  if (!file.empty()) {
    if (const Result<> read = read_templates(file, policies); !read) return read.error();
  }
  return policies;
}

Result<TemplateChange> changed_templates(const FlagValues& flags, std::string_view conflict) {
  const auto given = [&](const char* name) { return !flags.text(name).empty(); };
  const bool append = given("append-templated-policy") || given("append-templated-policy-file");
  const bool replace = given("replace-templated-policy") || given("replace-templated-policy-file");
  if (append && replace) {
    return {Errc::invalid_argument,
            std::string(conflict) +
                " To set or overwrite existing templated policies, use -replace-templated-policy or "
                "-replace-templated-policy-file. To append to existing templated policies, use "
                "-append-templated-policy or -append-templated-policy-file."};
  }
  const std::string flag = append ? "append-templated-policy" : "replace-templated-policy";
  auto policies = templated_policies(flags.text(flag), flags.text(flag + "-file"), flags.list("var"));
  if (!policies) return policies.error();
  return TemplateChange{.policies = std::move(*policies), .replace = replace};
}

void apply(TemplateChange change, base::List<AclTemplatedPolicy>& policies) {
  if (change.replace) policies.clear();
  policies.insert(policies.end(), change.policies.begin(), change.policies.end());
}

void merge(base::List<AclServiceIdentity>& into, const base::List<AclServiceIdentity>& more) {
  for (const AclServiceIdentity& identity : more) {
    const auto known = std::ranges::find(into, identity.ServiceName, &AclServiceIdentity::ServiceName);
    if (known == into.end()) {
      into.push_back(identity);
    } else {
      *known = identity;
    }
  }
}

void merge(base::List<AclNodeIdentity>& into, const base::List<AclNodeIdentity>& more) {
  for (const AclNodeIdentity& identity : more) {
    const bool known = std::ranges::any_of(into, [&](const AclNodeIdentity& one) {
      return one.NodeName == identity.NodeName && one.Datacenter == identity.Datacenter;
    });
    if (!known) into.push_back(identity);
  }
}

Result<> add_links(const Context& context, ApiClient& client, LinkKind kind, const LinkFlags& flags, LinkMode mode,
                   base::List<AclLink>& links) {
  const auto add = [&](AclLink link, std::string AclLink::* by) {
    if (mode == LinkMode::merge && std::ranges::find(links, link.*by, by) != links.end()) return;
    links.push_back(std::move(link));
  };
  // The agent knows the IDs of names.
  for (const std::string& name : flags.names) add({.Name = name}, &AclLink::Name);
  for (const std::string& part : flags.ids) {
    Result<std::string> id =
        kind == LinkKind::policy ? policy_id(context, client, part) : role_id(context, client, part);
    if (!id) {
      return {id.error().code, std::string("Error resolving ") + (kind == LinkKind::policy ? "policy" : "role") +
                                   " ID : " + id.error().detail};
    }
    add({.ID = std::move(*id)}, &AclLink::ID);
  }
  return {};
}

}  // namespace proconsul::agent::cli
