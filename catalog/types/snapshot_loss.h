// What of a snapshot this version cannot restore.
#pragma once

#include <string>

#include "base/type.h"

namespace proconsul::catalog {

/// One kind of it.
struct SnapshotLoss {
  std::string Record{};  // kind of record: "KVS", "Unknown(64)"
  std::string Field{};   // one field of otherwise restored records; empty: the records themselves
  std::string Reason{};  // "the type is not known"
  base::Int Count{};     // records
};
PROCONSUL_DECLARE_TYPE(SnapshotLoss)

/// "3 records of kind Unknown(64): the type is not known", "field Ports of 2 records of kind Register: ...".
std::string text(const SnapshotLoss& loss);

}  // namespace proconsul::catalog
