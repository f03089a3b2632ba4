// What tokens and roles have in common before they are written: links by name become links by ID, identities are
// checked, and what stands twice stands once.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "base/random.h"
#include "base/result.h"
#include "base/uuid.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/links.h"
#include "catalog/store/tables.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::server {

/// "token" or "role", for error texts.
base::Result<> settle_service_identities(base::List<base::Pointer<catalog::ACLServiceIdentity>>& identities,
                                         std::string_view bearer, bool local);
base::Result<> settle_node_identities(base::List<base::Pointer<catalog::ACLNodeIdentity>>& identities,
                                      std::string_view bearer);
base::Result<> settle_templated_policies(base::List<base::Pointer<catalog::ACLTemplatedPolicy>>& policies,
                                         std::string_view bearer);

/// A new id that is neither reserved nor taken.
template <class IsTaken>
std::string new_id(IsTaken is_taken) {
  for (;;) {
    std::string id = base::generate_uuid(base::system_random());
    if (!id.starts_with(catalog::kReservedIDPrefix) && !is_taken(id)) return id;
  }
}

/// Links by name become links by ID, without names; each stands once. `by_id` and `by_name` find what is linked to,
/// null if it is not there. `must_exist`: IDs are looked up too. `kind` is "policy" or "role", for error texts.
template <class Link, class ById, class ByName>
base::Result<> settle_links(base::List<Link>& links, std::string_view kind, bool must_exist, ById by_id,
                            ByName by_name) {
  base::List<Link> kept;
  for (Link& link : links) {
    const auto* target = link.ID.empty() ? by_name(link.Name) : by_id(link.ID);
    if (!target && (link.ID.empty() || must_exist)) {
      const bool named = link.ID.empty();
      const base::Result<> valid = named ? base::Result<>() : catalog::check_id(link.ID, kind);
      if (!valid) {
        return base::Error{base::Errc::internal, "Error looking up " + std::string(kind) +
                                                     " for ID: " + base::quote(link.ID) + ": " + valid.error().detail};
      }
      return base::Error{base::Errc::internal, "No such ACL " + std::string(kind) + " with " +
                                                   (named ? "name " : "ID ") +
                                                   base::quote(named ? link.Name : link.ID)};
    }
    if (link.ID.empty()) link.ID = target->ID;
    link.Name.clear();
    if (std::ranges::find(kept, link.ID, &Link::ID) == kept.end()) kept.push_back(std::move(link));
  }
  if (!kept.empty()) links = std::move(kept);
  return {};
}

}  // namespace proconsul::agent::server
