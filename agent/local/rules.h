// What must hold for services and checks that an agent is told of, wherever they come from: configuration
// files or the agent API. Texts as Consul's. (Metadata and weights: catalog/registry/same.h.)
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/type.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/service.h"

namespace proconsul::agent::local {

/// "ttl", "http", "script", ...; empty for a check that runs nothing.
std::string_view check_type(const catalog::CheckSettings& check);
bool is_alias(const catalog::CheckSettings& check);
base::Result<> validate_check(const catalog::CheckSettings& check);

/// The service without what only its registration needs.
catalog::NodeService to_node_service(const catalog::ServiceDefinition& definition);
/// All that must hold for a service from a file: itself, and each of its checks.
base::Result<> validate_service(const catalog::ServiceDefinition& definition);

catalog::CheckType to_check_type(const catalog::CheckDefinition& definition);

}  // namespace proconsul::agent::local
