// Config entries as clients show them: what servers answer, with other fields left out and some in another order.
#pragma once

#include <string>

#include "catalog/types/config_entry.h"

namespace proconsul::agent::cli {

/// Compact JSON.
std::string client_json(const catalog::ConfigEntry& entry);

}  // namespace proconsul::agent::cli
