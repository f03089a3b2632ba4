// What may not be registered, before it enters the log: the texts are those that clients of the API see.
#pragma once

#include "base/result.h"
#include "catalog/types/health.h"
#include "catalog/types/node.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// A service in the catalog's form, which must say where it listens. All faults are named in one text.
base::Result<> validate_service(const NodeService& service);
/// The same for a local agent, which can still fill in a proxy's port.
base::Result<> validate_service_for_agent(const NodeService& service);

// What leader and agent check of a registration's parts, whichever way it comes; what may be left out is filled in.
base::Result<> prepare_node(std::string_view name, std::string_view id);
base::Result<> prepare_service(NodeService& service);
void prepare_check(HealthCheck& check);

}  // namespace proconsul::catalog
