#include "agent/rpc/intention_types.h"

#include "base/type_of.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(IntentionMatchEntry, "structs.IntentionMatchEntry") {
  type.field("Partition", &IntentionMatchEntry::Partition).omit_empty();
  type.field("Namespace", &IntentionMatchEntry::Namespace);
  type.field("Name", &IntentionMatchEntry::Name);
}

PROCONSUL_DESCRIBE_TYPE(IntentionQueryMatch, "structs.IntentionQueryMatch") {
  type.field("Type", &IntentionQueryMatch::Type);
  type.field("Entries", &IntentionQueryMatch::Entries);
  type.field("WithSamenessGroups", &IntentionQueryMatch::WithSamenessGroups);
}

PROCONSUL_DESCRIBE_TYPE(IntentionQueryCheck, "structs.IntentionQueryCheck") {
  type.field("SourceNS", &IntentionQueryCheck::SourceNS);
  type.field("SourceName", &IntentionQueryCheck::SourceName);
  type.field("DestinationNS", &IntentionQueryCheck::DestinationNS);
  type.field("DestinationName", &IntentionQueryCheck::DestinationName);
  type.field("SourcePartition", &IntentionQueryCheck::SourcePartition).omit_empty();
  type.field("DestinationPartition", &IntentionQueryCheck::DestinationPartition).omit_empty();
  type.field("SourceType", &IntentionQueryCheck::SourceType);
}

PROCONSUL_DESCRIBE_TYPE(IntentionQueryExact, "structs.IntentionQueryExact") {
  type.field("SourceNS", &IntentionQueryExact::SourceNS);
  type.field("SourceName", &IntentionQueryExact::SourceName);
  type.field("DestinationNS", &IntentionQueryExact::DestinationNS);
  type.field("DestinationName", &IntentionQueryExact::DestinationName);
  type.field("SourcePartition", &IntentionQueryExact::SourcePartition).omit_empty();
  type.field("DestinationPartition", &IntentionQueryExact::DestinationPartition).omit_empty();
  type.field("SourcePeer", &IntentionQueryExact::SourcePeer).omit_empty();
  type.field("SourceSamenessGroup", &IntentionQueryExact::SourceSamenessGroup).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(IntentionQueryRequest, "structs.IntentionQueryRequest") {
  type.field("Datacenter", &IntentionQueryRequest::Datacenter);
  type.field("IntentionID", &IntentionQueryRequest::IntentionID);
  type.field("Match", &IntentionQueryRequest::Match);
  type.field("Check", &IntentionQueryRequest::Check);
  type.field("Exact", &IntentionQueryRequest::Exact);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(IntentionListRequest, "structs.IntentionListRequest") {
  type.field("Datacenter", &IntentionListRequest::Datacenter);
  type.field("Legacy", &IntentionListRequest::Legacy).no_json();
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedIntentions, "structs.IndexedIntentions") {
  type.field("Intentions", &IndexedIntentions::Intentions);
  type.field("DataOrigin", &IndexedIntentions::DataOrigin).no_json();
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedIntentionMatches, "structs.IndexedIntentionMatches") {
  type.field("Matches", &IndexedIntentionMatches::Matches);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IntentionQueryCheckResponse, "structs.IntentionQueryCheckResponse") {
  type.field("Allowed", &IntentionQueryCheckResponse::Allowed);
}

PROCONSUL_DESCRIBE_TYPE(AssignServiceManualVIPsRequest, "structs.AssignServiceManualVIPsRequest") {
  type.field("Service", &AssignServiceManualVIPsRequest::Service);
  type.field("ManualVIPs", &AssignServiceManualVIPsRequest::ManualVIPs);
  type.embed<DCSpecificRequest>();
}

}  // namespace proconsul::agent::rpc
