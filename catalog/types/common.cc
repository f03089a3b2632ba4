#include "catalog/types/common.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(RaftIndex, "structs.RaftIndex") {
  type.field("CreateIndex", &RaftIndex::CreateIndex).no_filter();
  type.field("ModifyIndex", &RaftIndex::ModifyIndex).no_filter();
}

PROCONSUL_DESCRIBE_TYPE(WriteRequest, "structs.WriteRequest") {
  type.field("Token", &WriteRequest::Token);
}

PROCONSUL_DESCRIBE_TYPE(QueryOptions, "structs.QueryOptions") {
  type.field("Token", &QueryOptions::Token);
  type.field("MinQueryIndex", &QueryOptions::MinQueryIndex);
  type.field("MaxQueryTime", &QueryOptions::MaxQueryTime);
  type.field("AllowStale", &QueryOptions::AllowStale);
  type.field("RequireConsistent", &QueryOptions::RequireConsistent);
  type.field("UseCache", &QueryOptions::UseCache);
  type.field("MaxStaleDuration", &QueryOptions::MaxStaleDuration);
  type.field("MaxAge", &QueryOptions::MaxAge);
  type.field("MustRevalidate", &QueryOptions::MustRevalidate);
  type.field("StaleIfError", &QueryOptions::StaleIfError);
  type.field("Filter", &QueryOptions::Filter);
  type.field("AllowNotModifiedResponse", &QueryOptions::AllowNotModifiedResponse);
}

PROCONSUL_DESCRIBE_TYPE(QueryMeta, "structs.QueryMeta") {
  type.field("Index", &QueryMeta::Index);
  type.field("LastContact", &QueryMeta::LastContact);
  type.field("KnownLeader", &QueryMeta::KnownLeader);
  type.field("ConsistencyLevel", &QueryMeta::ConsistencyLevel);
  type.field("NotModified", &QueryMeta::NotModified);
  type.field("Backend", &QueryMeta::Backend);
  type.field("ResultsFilteredByACLs", &QueryMeta::ResultsFilteredByACLs);
}

PROCONSUL_DESCRIBE_TYPE(Locality, "structs.Locality") {
  type.field("Region", &Locality::Region).omit_empty();
  type.field("Zone", &Locality::Zone).omit_empty();
}

}  // namespace proconsul::catalog
