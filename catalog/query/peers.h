// Which peers a service is exported to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/watch.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

/// By the entry that names the service, or else by the wildcard's; sorted, each once.
std::vector<std::string> peers_of_service(const Tables& tables, std::string_view service, base::KeySet* watch);

}  // namespace proconsul::catalog
