#include "agent/server/acl_links.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/quote.h"
#include "catalog/acl/builtin.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Pointer;
using base::Result;
using catalog::ACLNodeIdentity;
using catalog::ACLServiceIdentity;
using catalog::ACLTemplatedPolicy;

namespace {

constexpr std::string_view kNameRule =
    " has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed";

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

}  // namespace

Result<> settle_service_identities(base::List<Pointer<ACLServiceIdentity>>& identities, std::string_view bearer,
                                   bool local) {
  base::List<Pointer<ACLServiceIdentity>> kept;
  for (auto& identity : identities) {
    if (!identity || identity->ServiceName.empty()) {
      return failed("Service identity is missing the service name field on this " + std::string(bearer));
    }
    if (local && !identity->Datacenters.empty()) {
      return failed("Service identity " + base::quote(identity->ServiceName) +
                    " cannot specify a list of datacenters on a local token");
    }
    if (!catalog::is_identity_name(identity->ServiceName)) {
      return failed("Service identity " + base::quote(identity->ServiceName) + std::string(kNameRule));
    }
    std::ranges::sort(identity->Datacenters);
    const auto same =
        std::ranges::find_if(kept, [&](const auto& other) { return other->ServiceName == identity->ServiceName; });
    if (same == kept.end()) {
      kept.push_back(std::move(identity));
      continue;
    }
    auto& datacenters = (*same)->Datacenters;
    base::List<std::string> both;  // what one of them has twice stays so
    std::ranges::set_union(datacenters, identity->Datacenters, std::back_inserter(both));
    datacenters = std::move(both);
  }
  if (!kept.empty()) identities = std::move(kept);
  return {};
}

Result<> settle_node_identities(base::List<Pointer<ACLNodeIdentity>>& identities, std::string_view bearer) {
  base::List<Pointer<ACLNodeIdentity>> kept;
  for (auto& identity : identities) {
    if (!identity || identity->NodeName.empty()) {
      return failed("Node identity is missing the node name field on this " + std::string(bearer));
    }
    if (identity->Datacenter.empty()) {
      return failed("Node identity is missing the datacenter field on this " + std::string(bearer));
    }
    if (!catalog::is_identity_name(identity->NodeName)) return failed("Node identity" + std::string(kNameRule));
    if (std::ranges::find(kept, identity) == kept.end()) kept.push_back(std::move(identity));
  }
  if (!kept.empty()) identities = std::move(kept);
  return {};
}

Result<> settle_templated_policies(base::List<Pointer<ACLTemplatedPolicy>>& policies, std::string_view bearer) {
  base::List<Pointer<ACLTemplatedPolicy>> kept;
  for (auto& policy : policies) {
    if (!policy || policy->TemplateName.empty()) {
      return failed("templated policy is missing the template name field on this " + std::string(bearer));
    }
    const catalog::PolicyTemplate* base = catalog::find_policy_template(policy->TemplateName);
    if (!base && bearer == "token") {
      return failed("no such ACL templated policy with Name " + base::quote(policy->TemplateName));
    }
    if (!base)
      return failed("templated policy with an invalid templated name: " + policy->TemplateName + " for this role");
    policy->TemplateID = base->id;
    if (Result<> valid = catalog::validate_templated_policy(*policy, *base); !valid) {
      return failed(bearer == "token" ? "validation error for templated policy " + base::quote(policy->TemplateName) +
                                            ": " + valid.error().detail
                                      : "encountered role with invalid templated policy: " + valid.error().detail);
    }
    // Datacenters do not make a difference, and without a blank to fill in nothing does.
    const bool is_twice = std::ranges::any_of(kept, [&](const auto& other) {
      return other->TemplateName == policy->TemplateName &&
             (base->schema.empty() || other->TemplateVariables == policy->TemplateVariables);
    });
    if (!is_twice) kept.push_back(std::move(policy));
  }
  if (!kept.empty()) policies = std::move(kept);
  return {};
}

}  // namespace proconsul::agent::server
