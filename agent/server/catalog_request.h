// What a registration must look like before it may enter the log.
#pragma once

#include "base/result.h"
#include "catalog/store/tables.h"
#include "catalog/types/register.h"

namespace proconsul::agent::server {

/// Checks the request against itself and the state, moves the single check into the list, and fills in what may be left
/// out. Errors have Consul's texts and its status 500.
base::Result<> prepare(catalog::RegisterRequest& request, const catalog::Tables& tables);
base::Result<> prepare(const catalog::DeregisterRequest& request);

/// "http", "ttl", "script" ...: the kind of a check, from how it is defined; empty if nothing says so.
std::string_view check_type(const catalog::HealthCheckDefinition& definition);

}  // namespace proconsul::agent::server
