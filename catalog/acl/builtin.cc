#include "catalog/acl/builtin.h"

#include <algorithm>
#include <array>

#include "base/quote.h"
#include "catalog/acl/hash.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::Error;
using base::Result;

// Of every resource the same access. Tabs and all: servers refuse a policy of that ID with another text.
std::string global_rules(std::string_view access) {
  std::string rules = "\nacl = \"%\"\n";
  const auto block = [&](std::string_view resource, bool intentions = false) {
    rules.append(resource).append(" \"\" {\n\tpolicy = \"%\"\n");
    if (intentions) rules += "\tintentions = \"%\"\n";
    rules += "}\n";
  };
  for (const std::string_view resource : {"agent_prefix", "event_prefix", "key_prefix"}) block(resource);
  rules += "keyring = \"%\"\n";
  block("node_prefix");
  for (const std::string_view resource : {"operator", "mesh", "peering"}) rules.append(resource).append(" = \"%\"\n");
  block("query_prefix");
  block("service_prefix", true);
  block("session_prefix");
  rules.pop_back();
  std::string out;
  for (const char c : rules) {
    if (c == '%') {
      out += access;
    } else {
      out += c;
    }
  }
  return out;
}

std::array<ACLPolicy, 2> make_builtin_policies() {
  std::array<ACLPolicy, 2> policies;
  policies[0].ID = kGlobalManagementID;
  policies[0].Name = "global-management";
  policies[0].Description = "A built-in policy that grants read and write access to all Consul features";
  policies[0].Rules = global_rules("write");
  policies[1].ID = kGlobalReadOnlyID;
  policies[1].Name = "builtin/global-read-only";
  policies[1].Description = "A built-in policy that grants read-only access to all Consul features";
  policies[1].Rules = global_rules("read");
  return policies;
}

// What the templates with a name ask for. The text is part of the API.
constexpr std::string_view kNamedSchema =
    "{\n\t\"type\": \"object\",\n\t\"properties\": {\n\t\t\"name\": { \"type\": \"string\", \"$ref\": "
    "\"#/definitions/min-length-one\" }\n\t},\n\t\"required\": [\"name\"],\n\t\"definitions\": {\n\t\t"
    "\"min-length-one\": {\n\t\t\t\t\"type\": \"string\",\n\t\t\t\t\"minLength\": 1\n\t\t}\n\t}\n}";

constexpr std::string_view kNode = "builtin/node";

// Ordered by name. The texts are part of the API.
constexpr PolicyTemplate kTemplates[] = {
    {"builtin/api-gateway", "00000000-0000-0000-0000-000000000008", kNamedSchema,
     "mesh = \"read\"\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\n"
     "service \"{{.Name}}\" {\n\tpolicy = \"write\"\n}",
     "Gives the token or role permissions for a Consul api gateway"},
    {"builtin/dns", "00000000-0000-0000-0000-000000000005", "",
     "\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\n"
     "query_prefix \"\" {\n\tpolicy = \"read\"\n}",
     "Gives the token or role permissions for the Consul DNS to query services in the network."},
    {kNode, "00000000-0000-0000-0000-000000000004", kNamedSchema,
     "\nnode \"{{.Name}}\" {\n\tpolicy = \"write\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}",
     "Gives the token or role permissions for a register an agent/node into the catalog. A node is typically a consul "
     "agent but can also be a physical server, cloud instance or a container."},
    {"builtin/nomad-client", "00000000-0000-0000-0000-000000000009", "",
     "agent_prefix \"\" {\n  policy = \"read\"\n}\nnode_prefix \"\" {\n  policy = \"read\"\n}\n"
     "service_prefix \"\" {\n  policy = \"write\"\n}\nkey_prefix \"\" {\n  policy = \"read\"\n}",
     "Gives the token or role permissions required for integration with a nomad client."},
    {"builtin/nomad-server", "00000000-0000-0000-0000-000000000006", "",
     "\nacl = \"write\"\nagent_prefix \"\" {\n  policy = \"read\"\n}\nnode_prefix \"\" {\n  policy = \"read\"\n}\n"
     "service_prefix \"\" {\n  policy = \"write\"\n}",
     "Gives the token or role permissions required for integration with a nomad server."},
    {kServiceTemplate, "00000000-0000-0000-0000-000000000003", kNamedSchema,
     "\nservice \"{{.Name}}\" {\n\tpolicy = \"write\"\n}\nservice \"{{.Name}}-sidecar-proxy\" {\n\tpolicy = "
     "\"write\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}",
     "Gives the token or role permissions to register a service and discover services in the Consul catalog. It also "
     "gives the specified service's sidecar proxy the permission to discover and route traffic to other services."},
};

std::string filled(std::string_view text, std::string_view name) {
  constexpr std::string_view kBlank = "{{.Name}}";
  std::string out;
  for (;;) {
    const std::size_t at = text.find(kBlank);
    out += text.substr(0, at);
    if (at == text.npos) return out;
    out += name;
    text.remove_prefix(at + kBlank.size());
  }
}

// The ID is what Go's hash.Sum(rules) gives: the rules themselves and the basis of FNV-1a in 128 bits, in hex. Clients
// see it in expanded tokens.
std::string synthetic_id(std::string_view rules) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  id.reserve(2 * rules.size() + 32);
  for (const char c : rules) {
    id += kDigits[static_cast<unsigned char>(c) >> 4];
    id += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return id + "6c62272e07bb014262b821756295c58d";
}

ACLPolicy synthesize(const PolicyTemplate& base, std::string_view name, base::List<std::string> datacenters) {
  ACLPolicy policy;
  policy.Rules = filled(base.text, name);
  policy.ID = synthetic_id(policy.Rules);
  policy.Name = "synthetic-policy-" + policy.ID;
  policy.Description = "synthetic policy generated from templated policy: " + std::string(base.name);
  policy.Datacenters = std::move(datacenters);
  policy.Hash = hash_of(policy);
  return policy;
}

Error listed(const std::string& why) {
  return {Errc::invalid_argument, "1 error occurred:\n\t* " + why + "\n\n"};
}

}  // namespace

std::span<const ACLPolicy> builtin_policies() {
  static const std::array<ACLPolicy, 2> policies = make_builtin_policies();
  return policies;
}

const ACLPolicy* builtin_policy(std::string_view id) {
  for (const ACLPolicy& policy : builtin_policies()) {
    if (policy.ID == id) return &policy;
  }
  return nullptr;
}

std::span<const PolicyTemplate> policy_templates() {
  return kTemplates;
}

const PolicyTemplate* find_policy_template(std::string_view name) {
  const auto* found = std::ranges::find(kTemplates, name, &PolicyTemplate::name);
  return found == std::end(kTemplates) ? nullptr : found;
}

Result<> validate_templated_policy(const ACLTemplatedPolicy& policy, const PolicyTemplate& base) {
  if (base.schema.empty()) return {};
  if (!policy.TemplateVariables) return listed("Invalid type. Expected: object, given: null");
  const std::string& name = policy.TemplateVariables->Name;
  const bool fits = is_identity_name(name);
  constexpr std::string_view kRule =
      " has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed";
  if (base.name == kServiceTemplate && !fits) {
    return Error{Errc::invalid_argument, "service identity " + base::quote(name) + std::string(kRule)};
  }
  if (base.name == kNode && !fits) {
    return Error{Errc::invalid_argument, "node identity " + base::quote(name) + " " + std::string(kRule)};
  }
  if (name.empty()) return listed("name is required");
  return {};
}

Result<ACLPolicy> synthetic_policy(const ACLTemplatedPolicy& policy) {
  const PolicyTemplate* base = find_policy_template(policy.TemplateName);
  if (!base) return Error{Errc::internal, "acl templated policy does not exist: " + policy.TemplateName};
  return synthesize(*base, policy.TemplateVariables ? policy.TemplateVariables->Name : "", policy.Datacenters);
}

ACLPolicy synthetic_policy(const ACLServiceIdentity& identity) {
  return synthesize(*find_policy_template(kServiceTemplate), identity.ServiceName, identity.Datacenters);
}

ACLPolicy synthetic_policy(const ACLNodeIdentity& identity) {
  base::List<std::string> datacenters;
  datacenters.push_back(identity.Datacenter);
  return synthesize(*find_policy_template(kNode), identity.NodeName, std::move(datacenters));
}

bool is_identity_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 256 && plain(name.front()) && plain(name.back()) &&
         std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-' || c == '_'; });
}

}  // namespace proconsul::catalog
