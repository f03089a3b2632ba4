// The hash of an entry's content, by which writes that change nothing are told, and datacenters compare what they
// replicate. Part of what the API answers.
#pragma once

#include <cstdint>

#include "base/type.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

/// Of everything but the raft indexes and the hash itself; the same number as the peer's. For a normalized entry.
std::uint64_t hash_config_entry(const ConfigEntry& entry);

/// Of any described object, in the same way.
std::uint64_t hash_content(const base::Type& type, const void* object);

}  // namespace proconsul::catalog
