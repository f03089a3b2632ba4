#include "catalog/types/config_routes.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(ResourceReference, "structs.ResourceReference") {
  type.field("Kind", &ResourceReference::Kind);
  type.field("Name", &ResourceReference::Name);
  type.field("SectionName", &ResourceReference::SectionName);
}

PROCONSUL_DESCRIBE_TYPE(EntryCondition, "structs.Condition") {
  type.field("Type", &EntryCondition::Type);
  type.field("Status", &EntryCondition::Status);
  type.field("Reason", &EntryCondition::Reason);
  type.field("Message", &EntryCondition::Message);
  type.field("Resource", &EntryCondition::Resource);
  type.field("LastTransitionTime", &EntryCondition::LastTransitionTime);
}

PROCONSUL_DESCRIBE_TYPE(EntryStatus, "structs.Status") {
  type.field("Conditions", &EntryStatus::Conditions);
}

PROCONSUL_DESCRIBE_TYPE(HTTPHeaderMatch, "structs.HTTPHeaderMatch") {
  type.field("Match", &HTTPHeaderMatch::Match).go_type("structs.HTTPHeaderMatchType");
  type.field("Name", &HTTPHeaderMatch::Name);
  type.field("Value", &HTTPHeaderMatch::Value);
}

PROCONSUL_DESCRIBE_TYPE(HTTPPathMatch, "structs.HTTPPathMatch") {
  type.field("Match", &HTTPPathMatch::Match).go_type("structs.HTTPPathMatchType");
  type.field("Value", &HTTPPathMatch::Value);
}

PROCONSUL_DESCRIBE_TYPE(HTTPQueryMatch, "structs.HTTPQueryMatch") {
  type.field("Match", &HTTPQueryMatch::Match).go_type("structs.HTTPQueryMatchType");
  type.field("Name", &HTTPQueryMatch::Name);
  type.field("Value", &HTTPQueryMatch::Value);
}

PROCONSUL_DESCRIBE_TYPE(HTTPMatch, "structs.HTTPMatch") {
  type.field("Headers", &HTTPMatch::Headers);
  type.field("Method", &HTTPMatch::Method).go_type("structs.HTTPMatchMethod");
  type.field("Path", &HTTPMatch::Path);
  type.field("Query", &HTTPMatch::Query);
}

PROCONSUL_DESCRIBE_TYPE(HTTPHeaderFilter, "structs.HTTPHeaderFilter") {
  type.field("Add", &HTTPHeaderFilter::Add);
  type.field("Remove", &HTTPHeaderFilter::Remove);
  type.field("Set", &HTTPHeaderFilter::Set);
}

PROCONSUL_DESCRIBE_TYPE(URLRewrite, "structs.URLRewrite") {
  type.field("Path", &URLRewrite::Path);
}

PROCONSUL_DESCRIBE_TYPE(RetryFilter, "structs.RetryFilter") {
  type.field("NumRetries", &RetryFilter::NumRetries);
  type.field("RetryOn", &RetryFilter::RetryOn);
  type.field("RetryOnStatusCodes", &RetryFilter::RetryOnStatusCodes);
  type.field("RetryOnConnectFailure", &RetryFilter::RetryOnConnectFailure);
}

PROCONSUL_DESCRIBE_TYPE(TimeoutFilter, "structs.TimeoutFilter") {
  type.field("RequestTimeout", &TimeoutFilter::RequestTimeout);
  type.field("IdleTimeout", &TimeoutFilter::IdleTimeout);
}

PROCONSUL_DESCRIBE_TYPE(JWTFilter, "structs.JWTFilter") {}

PROCONSUL_DESCRIBE_TYPE(HTTPFilters, "structs.HTTPFilters") {
  type.field("Headers", &HTTPFilters::Headers);
  type.field("URLRewrite", &HTTPFilters::URLRewrite);
  type.field("RetryFilter", &HTTPFilters::RetryFilter);
  type.field("TimeoutFilter", &HTTPFilters::TimeoutFilter);
  type.field("JWT", &HTTPFilters::JWT);
}

PROCONSUL_DESCRIBE_TYPE(HTTPResponseFilters, "structs.HTTPResponseFilters") {
  type.field("Headers", &HTTPResponseFilters::Headers);
}

PROCONSUL_DESCRIBE_TYPE(HTTPService, "structs.HTTPService") {
  type.field("Name", &HTTPService::Name);
  type.field("Weight", &HTTPService::Weight);
  type.field("Filters", &HTTPService::Filters);
  type.field("ResponseFilters", &HTTPService::ResponseFilters);
}

PROCONSUL_DESCRIBE_TYPE(HTTPRouteRule, "structs.HTTPRouteRule") {
  type.field("Filters", &HTTPRouteRule::Filters);
  type.field("ResponseFilters", &HTTPRouteRule::ResponseFilters);
  type.field("Matches", &HTTPRouteRule::Matches);
  type.field("Services", &HTTPRouteRule::Services);
}

PROCONSUL_DESCRIBE_TYPE(HTTPRouteConfigEntry, "structs.HTTPRouteConfigEntry") {
  type.field("Kind", &HTTPRouteConfigEntry::Kind);
  type.field("Name", &HTTPRouteConfigEntry::Name);
  type.field("Parents", &HTTPRouteConfigEntry::Parents);
  type.field("Rules", &HTTPRouteConfigEntry::Rules);
  type.field("Hostnames", &HTTPRouteConfigEntry::Hostnames);
  type.field("Meta", &HTTPRouteConfigEntry::Meta).omit_empty();
  type.field("Status", &HTTPRouteConfigEntry::Status);
  type.field("Hash", &HTTPRouteConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(TCPService, "structs.TCPService") {
  type.field("Name", &TCPService::Name);
}

PROCONSUL_DESCRIBE_TYPE(TCPRouteConfigEntry, "structs.TCPRouteConfigEntry") {
  type.field("Kind", &TCPRouteConfigEntry::Kind);
  type.field("Name", &TCPRouteConfigEntry::Name);
  type.field("Parents", &TCPRouteConfigEntry::Parents);
  type.field("Services", &TCPRouteConfigEntry::Services);
  type.field("Meta", &TCPRouteConfigEntry::Meta).omit_empty();
  type.field("Status", &TCPRouteConfigEntry::Status);
  type.field("Hash", &TCPRouteConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
