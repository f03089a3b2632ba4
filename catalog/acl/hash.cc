#include "catalog/acl/hash.h"

#include <sodium.h>

namespace proconsul::catalog {
namespace {

class Hash {
 public:
  Hash() { crypto_generichash_blake2b_init(&state_, nullptr, 0, kBytes); }

  void add(std::string_view text) {
    crypto_generichash_blake2b_update(&state_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  template <class Link>
  void add_ids(const base::List<Link>& links) {
    for (const Link& link : links) add(link.ID);
  }
  void add(const base::List<std::string>& texts) {
    for (const std::string& text : texts) add(text);
  }
  /// The identities that tokens and roles have in common.
  template <class Bearer>
  void add_identities(const Bearer& bearer) {
    for (const auto& identity : bearer.ServiceIdentities) {
      if (!identity) continue;
      add(identity->ServiceName);
      add(identity->Datacenters);
    }
    for (const auto& identity : bearer.NodeIdentities) {
      if (!identity) continue;
      add(identity->NodeName);
      add(identity->Datacenter);
    }
    for (const auto& policy : bearer.TemplatedPolicies) {
      if (!policy) continue;
      add(policy->TemplateID);
      add(policy->TemplateName);
      if (policy->TemplateVariables) add(policy->TemplateVariables->Name);
      add(policy->Datacenters);
    }
  }
  base::Bytes sum() {
    base::Bytes out{std::string(kBytes, '\0')};
    crypto_generichash_blake2b_final(&state_, reinterpret_cast<unsigned char*>(out.data()), kBytes);
    return out;
  }

 private:
  static constexpr std::size_t kBytes = 32;
  crypto_generichash_blake2b_state state_{};
};

}  // namespace

base::Bytes hash_of(const ACLToken& token) {
  Hash hash;
  hash.add(token.Description);
  hash.add(token.Local ? "local" : "global");
  hash.add_ids(token.Policies);
  hash.add_ids(token.Roles);
  hash.add_identities(token);
  return hash.sum();
}

base::Bytes hash_of(const ACLPolicy& policy) {
  Hash hash;
  hash.add(policy.Name);
  hash.add(policy.Description);
  hash.add(policy.Rules);
  hash.add(policy.Datacenters);
  return hash.sum();
}

base::Bytes hash_of(const ACLRole& role) {
  Hash hash;
  hash.add(role.Name);
  hash.add(role.Description);
  hash.add_ids(role.Policies);
  hash.add_identities(role);
  return hash.sum();
}

}  // namespace proconsul::catalog
