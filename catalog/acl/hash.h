// The hashes by which servers compare tokens, policies and roles when they replicate them.
#pragma once

#include "base/type.h"
#include "catalog/types/acl.h"

namespace proconsul::catalog {

/// BLAKE2b-256 of what a person can change of it; names that links carry along do not count (wire/fsm.md).
base::Bytes hash_of(const ACLToken& token);
base::Bytes hash_of(const ACLPolicy& policy);
base::Bytes hash_of(const ACLRole& role);

}  // namespace proconsul::catalog
