// Requests and replies of the Intention methods, and of the one that gives services addresses of an operator's choice.
// Field lists: wire_schema.json of the wire reference.
#pragma once

#include <string>

#include "agent/rpc/types.h"
#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/intention.h"

namespace proconsul::agent::rpc {

struct IntentionMatchEntry {
  std::string Partition{};
  std::string Namespace{};
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(IntentionMatchEntry)

/// Type: source, destination.
struct IntentionQueryMatch {
  std::string Type{};
  base::List<IntentionMatchEntry> Entries{};
  bool WithSamenessGroups{};
};
PROCONSUL_DECLARE_TYPE(IntentionQueryMatch)

struct IntentionQueryCheck {
  std::string SourceNS{};
  std::string SourceName{};
  std::string DestinationNS{};
  std::string DestinationName{};
  std::string SourcePartition{};
  std::string DestinationPartition{};
  std::string SourceType{};
};
PROCONSUL_DECLARE_TYPE(IntentionQueryCheck)

struct IntentionQueryExact {
  std::string SourceNS{};
  std::string SourceName{};
  std::string DestinationNS{};
  std::string DestinationName{};
  std::string SourcePartition{};
  std::string DestinationPartition{};
  std::string SourcePeer{};
  std::string SourceSamenessGroup{};
};
PROCONSUL_DECLARE_TYPE(IntentionQueryExact)

/// Get looks at IntentionID, then at Exact; Match and Check at what is called so.
struct IntentionQueryRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string IntentionID{};
  base::Pointer<IntentionQueryMatch> Match{};
  base::Pointer<IntentionQueryCheck> Check{};
  base::Pointer<IntentionQueryExact> Exact{};
};
PROCONSUL_DECLARE_TYPE(IntentionQueryRequest)

struct IntentionListRequest : catalog::QueryOptions {
  std::string Datacenter{};
  bool Legacy{};  // those that are not in config entries
};
PROCONSUL_DECLARE_TYPE(IntentionListRequest)

struct IndexedIntentions : catalog::QueryMeta {
  catalog::Intentions Intentions{};
  std::string DataOrigin{};  // config, legacy: where they are kept
};
PROCONSUL_DECLARE_TYPE(IndexedIntentions)

struct IndexedIntentionMatches : catalog::QueryMeta {
  base::List<catalog::Intentions> Matches{};  // of each entry that was asked for
};
PROCONSUL_DECLARE_TYPE(IndexedIntentionMatches)

struct IntentionQueryCheckResponse {
  bool Allowed{};
};
PROCONSUL_DECLARE_TYPE(IntentionQueryCheckResponse)

struct AssignServiceManualVIPsRequest : DCSpecificRequest {
  std::string Service{};
  base::List<std::string> ManualVIPs{};
};
PROCONSUL_DECLARE_TYPE(AssignServiceManualVIPsRequest)

}  // namespace proconsul::agent::rpc
