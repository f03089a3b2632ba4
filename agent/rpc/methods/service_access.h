// Who may be told about a service.
#pragma once

#include <string>

#include "agent/rpc/asking.h"

namespace proconsul::agent::rpc {

/// Who asks; an error unless he may read the service.
inline base::Result<tokens::Who> may_read_service(const Services& services, const catalog::View& view,
                                                  const std::string& token, const std::string& service) {
  base::Result<tokens::Who> who = asking(services, view, token);
  if (!who) return who;
  base::Result<> may = tokens::require(*who, acl::Resource::service, service, acl::Access::read);
  if (!may) return may.error();
  return who;
}

}  // namespace proconsul::agent::rpc
