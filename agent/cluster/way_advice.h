// What the log says of a call, mostly to another datacenter, that failed: how loud, and what an operator is told to do.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace proconsul::agent::cluster {

/// Of a call of the primary or of servers, by who goes on without until it is answered. Merely waiting is no error;
/// while no server of the primary is known at all, whoever routes calls complains.
base::log::Level level_of(const base::Error& error);

/// For servers of the datacenter, whose certificates must be for `server_name`, called through mesh gateways.
std::string advice_on_way(std::string_view error, const std::string& datacenter, const std::string& server_name);

/// For what needs the replication token; empty if the error says nothing of it.
std::string advice_on_replication(std::string_view error);

}  // namespace proconsul::agent::cluster
