// What a token must allow for a config entry, by its kind.
#pragma once

#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/types/config_entry.h"

namespace proconsul::agent::tokens {

base::Result<> may_read(const Who& who, const catalog::ConfigEntry& entry);
/// Routers, splitters and resolvers also need to read the services that they lead to.
base::Result<> may_write(const Who& who, const catalog::ConfigEntry& entry);

}  // namespace proconsul::agent::tokens
