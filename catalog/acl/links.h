// Links from tokens and roles to policies and roles: kept by ID, shown with the name of today.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/store/key.h"
#include "catalog/store/tables.h"
#include "catalog/store/uuid_key.h"

namespace proconsul::catalog {

/// The present name of what an ID links to; null if it is gone.
inline const std::string* policy_name(const Tables& tables, std::string_view id) {
  const ACLPolicy* policy = tables.acl_policies.get(index_key({id}));
  return policy ? &policy->Name : nullptr;
}
inline const std::string* role_name(const Tables& tables, std::string_view id) {
  const ACLRole* role = tables.acl_roles.get(index_key({id}));
  return role ? &role->Name : nullptr;
}
using LinkName = const std::string* (*)(const Tables& tables, std::string_view id);

/// Of an ID that is looked for, whether it is one at all; `kind` is for error texts ("policy").
inline base::Result<> check_id(std::string_view id, std::string_view kind) {
  const base::Result<std::string> key = uuid_key(id);
  if (key) return {};
  return base::Error{base::Errc::internal,
                     "failed acl " + std::string(kind) + " lookup: index error: " + key.error().detail};
}

/// For error texts: who links to what ("Token", "policies", "policy").
struct LinkWords {
  std::string_view from, many, one;
};

/// Sets the names of links; how many of them lead anywhere. A link without an ID, or to nothing unless that is allowed,
/// is an error.
template <class Links>
base::Result<std::size_t> name_links(Links& links, LinkName name_of, bool allow_missing, const Tables& tables,
                                     LinkWords words) {
  std::size_t alive = 0;
  for (auto& link : links) {
    if (link.ID.empty()) {
      return base::Error{base::Errc::internal, "Encountered a " + std::string(words.from) + " with " +
                                                   std::string(words.many) + " linked by Name in the state store"};
    }
    if (const std::string* name = name_of(tables, link.ID)) {
      link.Name = *name;
      ++alive;
    } else if (!allow_missing) {
      if (base::Result<> valid = check_id(link.ID, words.one); !valid) return valid.error();
      return base::Error{base::Errc::internal, "No such " + std::string(words.one) + " with ID: " + link.ID};
    }
  }
  return alive;
}

template <class Links>
void drop_dead_links(Links& links, LinkName name_of, const Tables& tables) {
  std::erase_if(links, [&](auto& link) {
    const std::string* name = name_of(tables, link.ID);
    if (name) link.Name = *name;
    return name == nullptr;
  });
}

}  // namespace proconsul::catalog
