#include "agent/tokens/config_entries.h"

#include <string>
#include <string_view>

#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::agent::tokens {

using acl::Access;
using acl::Resource;
using base::Result;
using catalog::ConfigEntry;
namespace kind = catalog::kind;

namespace {

bool is_chain(std::string_view name) {
  return name == kind::kServiceRouter || name == kind::kServiceSplitter || name == kind::kServiceResolver;
}

}  // namespace

Result<> may_read(const Who& who, const ConfigEntry& entry) {
  const std::string_view name = entry.kind->name;
  if (name == kind::kProxyDefaults || name == kind::kMesh || name == kind::kSamenessGroup) return {};
  if (name == kind::kServiceIntentions) return require(who, Resource::intention, entry.Name, Access::read);
  const bool of_service = is_chain(name) || name == kind::kServiceDefaults || name == kind::kIngressGateway ||
                          name == kind::kTerminatingGateway || name == kind::kApiGateway ||
                          name == kind::kBoundApiGateway;
  if (of_service) return require(who, Resource::service, entry.Name, Access::read);
  // Whoever runs a sidecar must know by what it checks tokens.
  if (name == kind::kJwtProvider && who->allows_any(Resource::service, Access::write)) return {};
  return require(who, Resource::mesh, Access::read);
}

Result<> may_write(const Who& who, const ConfigEntry& entry) {
  const std::string_view name = entry.kind->name;
  if (name == kind::kBoundApiGateway) {
    return base::Error{base::Errc::permission_denied, "Permission denied: only writeable by controller"};
  }
  if (name == kind::kServiceIntentions) return require(who, Resource::intention, entry.Name, Access::write);
  if (name == kind::kServiceDefaults) return require(who, Resource::service, entry.Name, Access::write);
  if (!is_chain(name)) return require(who, Resource::mesh, Access::write);
  if (Result<> own = require(who, Resource::service, entry.Name, Access::write); !own) return own;
  for (const std::string& other : catalog::related_services(entry)) {
    if (other == entry.Name) continue;
    if (Result<> led_to = require(who, Resource::service, other, Access::read); !led_to) return led_to;
  }
  return {};
}

}  // namespace proconsul::agent::tokens
