// What must hold for services and checks that an agent is told of, wherever they come from: configuration
// files or the agent API. Texts as Consul's. (Metadata and weights: catalog/registry/same.h.)
#pragma once

#include <string>
#include <string_view>
#include <vector>

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
/// A service's own address is also its tagged address of that family, unless it was given. The error is a given one of
/// the wrong family.
base::Result<> tag_addresses(catalog::NodeService& service);
/// All that must hold for a service from a file: itself, and each of its checks.
base::Result<> validate_service(const catalog::ServiceDefinition& definition);

catalog::CheckType to_check_type(const catalog::CheckDefinition& definition);
/// The check as it stands before it has run. Its Type stays empty: the API fills it in, a file's check never gets one.
catalog::HealthCheck to_health_check(const catalog::CheckDefinition& definition, const std::string& node);
/// The checks that come with a service: its single one, if anything is said of it, and the list.
std::vector<catalog::CheckType> check_types(const catalog::ServiceDefinition& definition);

}  // namespace proconsul::agent::local
