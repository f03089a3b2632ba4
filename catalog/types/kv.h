// Keys, values and their tombstones, and the commands that change them.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

/// One key. A tombstone travels as one, too: only Key and ModifyIndex count then.
struct DirEntry : RaftIndex {
  std::uint64_t LockIndex{};  // how often the lock was taken
  std::string Key{};
  std::uint64_t Flags{};  // opaque to us
  base::Bytes Value{};
  std::string Session{};  // holder of the lock; empty: unlocked
};
PROCONSUL_DECLARE_TYPE(DirEntry)

/// Command 2. Ops: set, delete, delete-cas, delete-tree, cas, lock, unlock; in transactions also get, get-tree,
/// get-or-empty, check-session, check-index, check-not-exists. DirEnt.ModifyIndex is the index that cas compares.
struct KVSRequest : WriteRequest {
  std::string Datacenter{};
  std::string Op{};
  DirEntry DirEnt{};
};
PROCONSUL_DECLARE_TYPE(KVSRequest)

/// Command 5. Op "reap": forget the tombstones up to ReapIndex.
struct TombstoneRequest : WriteRequest {
  std::string Datacenter{};
  std::string Op{};
  std::uint64_t ReapIndex{};
};
PROCONSUL_DECLARE_TYPE(TombstoneRequest)

}  // namespace proconsul::catalog
