// What this cluster shows a peer: the services that the entry exported-services lets it use, their instances, the
// mesh's roots, and where its servers are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/type.h"
#include "base/watch.h"
#include "catalog/store/tables.h"
#include "catalog/types/peering.h"

namespace proconsul::agent::peering {

struct Exports {
  /// By kind of resource (its URL) and id: the resource in protobuf.
  std::map<std::pair<std::string, std::string>, std::string> resources{};
  base::List<std::string> services{};  // by name
};

/// `trust_domain` is empty while there is no mesh: then there are neither roots nor proxies. Adds what it depends on.
Exports exports_of(const catalog::Tables& tables, const catalog::Peering& peering, std::string_view datacenter,
                   std::string_view trust_domain, base::KeySet* watch);

}  // namespace proconsul::agent::peering
