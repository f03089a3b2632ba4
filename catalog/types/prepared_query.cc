#include "catalog/types/prepared_query.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(QueryFailoverTarget, "structs.QueryFailoverTarget") {
  type.field("Peer", &QueryFailoverTarget::Peer);
  type.field("Datacenter", &QueryFailoverTarget::Datacenter);
}

PROCONSUL_DESCRIBE_TYPE(QueryFailoverOptions, "structs.QueryFailoverOptions") {
  type.field("NearestN", &QueryFailoverOptions::NearestN);
  type.field("Datacenters", &QueryFailoverOptions::Datacenters);
  type.field("Targets", &QueryFailoverOptions::Targets);
}

PROCONSUL_DESCRIBE_TYPE(QueryDNSOptions, "structs.QueryDNSOptions") {
  type.field("TTL", &QueryDNSOptions::TTL);
}

PROCONSUL_DESCRIBE_TYPE(ServiceQuery, "structs.ServiceQuery") {
  type.field("Service", &ServiceQuery::Service);
  type.field("SamenessGroup", &ServiceQuery::SamenessGroup);
  type.field("Failover", &ServiceQuery::Failover);
  type.field("OnlyPassing", &ServiceQuery::OnlyPassing);
  type.field("IgnoreCheckIDs", &ServiceQuery::IgnoreCheckIDs).go_type("[]types.CheckID");
  type.field("Near", &ServiceQuery::Near);
  type.field("Tags", &ServiceQuery::Tags);
  type.field("NodeMeta", &ServiceQuery::NodeMeta);
  type.field("ServiceMeta", &ServiceQuery::ServiceMeta);
  type.field("Connect", &ServiceQuery::Connect);
  type.field("Peer", &ServiceQuery::Peer);
}

PROCONSUL_DESCRIBE_TYPE(QueryTemplateOptions, "structs.QueryTemplateOptions") {
  type.field("Type", &QueryTemplateOptions::Type);
  type.field("Regexp", &QueryTemplateOptions::Regexp);
  type.field("RemoveEmptyTags", &QueryTemplateOptions::RemoveEmptyTags);
}

PROCONSUL_DESCRIBE_TYPE(PreparedQuery, "structs.PreparedQuery") {
  type.field("ID", &PreparedQuery::ID);
  type.field("Name", &PreparedQuery::Name);
  type.field("Session", &PreparedQuery::Session);
  type.field("Token", &PreparedQuery::Token);
  type.field("Template", &PreparedQuery::Template);
  type.field("Service", &PreparedQuery::Service);
  type.field("DNS", &PreparedQuery::DNS);
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(PreparedQueryRequest, "structs.PreparedQueryRequest") {
  type.field("Datacenter", &PreparedQueryRequest::Datacenter);
  type.field("Op", &PreparedQueryRequest::Op).go_type("structs.PreparedQueryOp");
  type.field("Query", &PreparedQueryRequest::Query);
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(PreparedQueryExecuteRemoteRequest, "structs.PreparedQueryExecuteRemoteRequest") {
  type.field("Datacenter", &PreparedQueryExecuteRemoteRequest::Datacenter);
  type.field("Query", &PreparedQueryExecuteRemoteRequest::Query);
  type.field("Limit", &PreparedQueryExecuteRemoteRequest::Limit);
  type.field("Connect", &PreparedQueryExecuteRemoteRequest::Connect);
  type.embed<QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(PreparedQueryExecuteResponse, "structs.PreparedQueryExecuteResponse") {
  type.field("Service", &PreparedQueryExecuteResponse::Service);
  type.field("Nodes", &PreparedQueryExecuteResponse::Nodes);
  type.field("DNS", &PreparedQueryExecuteResponse::DNS);
  type.field("Datacenter", &PreparedQueryExecuteResponse::Datacenter);
  type.field("PeerName", &PreparedQueryExecuteResponse::PeerName);
  type.field("Failovers", &PreparedQueryExecuteResponse::Failovers);
  type.embed<QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(PreparedQueryExplainResponse, "structs.PreparedQueryExplainResponse") {
  type.field("Query", &PreparedQueryExplainResponse::Query);
  type.embed<QueryMeta>();
}

}  // namespace proconsul::catalog
