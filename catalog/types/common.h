// What many replicated types share: raft indexes, the request envelope, the query envelope.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"

namespace proconsul::catalog {

/// The raft index of the entry that created a row, and of the last one that changed it.
struct RaftIndex {
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  bool operator==(const RaftIndex&) const = default;
};
PROCONSUL_DECLARE_TYPE(RaftIndex)

/// Embedded in every write: who asks.
struct WriteRequest {
  std::string Token{};
};
PROCONSUL_DECLARE_TYPE(WriteRequest)

/// Embedded in every read request.
struct QueryOptions {
  std::string Token{};
  std::uint64_t MinQueryIndex{};
  base::Duration MaxQueryTime{};
  bool AllowStale{};
  bool RequireConsistent{};
  bool UseCache{};
  base::Duration MaxStaleDuration{};
  base::Duration MaxAge{};
  bool MustRevalidate{};
  base::Duration StaleIfError{};
  std::string Filter{};
  bool AllowNotModifiedResponse{};
};
PROCONSUL_DECLARE_TYPE(QueryOptions)

/// Embedded in every read reply.
struct QueryMeta {
  std::uint64_t Index{};
  base::Duration LastContact{};
  bool KnownLeader{};
  std::string ConsistencyLevel{};
  bool NotModified{};
  base::Int Backend{};
  bool ResultsFilteredByACLs{};
};
PROCONSUL_DECLARE_TYPE(QueryMeta)

/// Where a service instance or a node runs.
struct Locality {
  std::string Region{};
  std::string Zone{};
  bool operator==(const Locality&) const = default;
};
PROCONSUL_DECLARE_TYPE(Locality)

}  // namespace proconsul::catalog
