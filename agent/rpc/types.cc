#include "agent/rpc/types.h"

#include "base/type_of.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(QuerySource, "structs.QuerySource") {
  type.field("Datacenter", &QuerySource::Datacenter);
  type.field("Segment", &QuerySource::Segment);
  type.field("Node", &QuerySource::Node);
  type.field("NodePartition", &QuerySource::NodePartition);
  type.field("Ip", &QuerySource::Ip);
  type.field("DisableNode", &QuerySource::DisableNode);
}

PROCONSUL_DESCRIBE_TYPE(DCSpecificRequest, "structs.DCSpecificRequest") {
  type.field("Datacenter", &DCSpecificRequest::Datacenter);
  type.field("NodeMetaFilters", &DCSpecificRequest::NodeMetaFilters);
  type.field("Source", &DCSpecificRequest::Source);
  type.field("PeerName", &DCSpecificRequest::PeerName);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(DatacentersRequest, "structs.DatacentersRequest") {
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceSpecificRequest, "structs.ServiceSpecificRequest") {
  type.field("Datacenter", &ServiceSpecificRequest::Datacenter);
  type.field("PeerName", &ServiceSpecificRequest::PeerName);
  type.field("SamenessGroup", &ServiceSpecificRequest::SamenessGroup);
  type.field("NodeMetaFilters", &ServiceSpecificRequest::NodeMetaFilters);
  type.field("ServiceName", &ServiceSpecificRequest::ServiceName);
  type.field("ServiceKind", &ServiceSpecificRequest::ServiceKind);
  type.field("ServiceTag", &ServiceSpecificRequest::ServiceTag);
  type.field("ServiceTags", &ServiceSpecificRequest::ServiceTags);
  type.field("ServiceAddress", &ServiceSpecificRequest::ServiceAddress);
  type.field("TagFilter", &ServiceSpecificRequest::TagFilter);
  type.field("Source", &ServiceSpecificRequest::Source);
  type.field("Connect", &ServiceSpecificRequest::Connect);
  type.field("Ingress", &ServiceSpecificRequest::Ingress);
  type.field("MergeCentralConfig", &ServiceSpecificRequest::MergeCentralConfig);
  type.field("HealthFilterType", &ServiceSpecificRequest::HealthFilterType);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(NodeSpecificRequest, "structs.NodeSpecificRequest") {
  type.field("Datacenter", &NodeSpecificRequest::Datacenter);
  type.field("Node", &NodeSpecificRequest::Node);
  type.field("PeerName", &NodeSpecificRequest::PeerName);
  type.field("MergeCentralConfig", &NodeSpecificRequest::MergeCentralConfig);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ChecksInStateRequest, "structs.ChecksInStateRequest") {
  type.field("Datacenter", &ChecksInStateRequest::Datacenter);
  type.field("NodeMetaFilters", &ChecksInStateRequest::NodeMetaFilters);
  type.field("State", &ChecksInStateRequest::State);
  type.field("Source", &ChecksInStateRequest::Source);
  type.field("PeerName", &ChecksInStateRequest::PeerName);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(KeyRequest, "structs.KeyRequest") {
  type.field("Datacenter", &KeyRequest::Datacenter);
  type.field("Key", &KeyRequest::Key);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(KeyListRequest, "structs.KeyListRequest") {
  type.field("Datacenter", &KeyListRequest::Datacenter);
  type.field("Prefix", &KeyListRequest::Prefix);
  type.field("Seperator", &KeyListRequest::Seperator);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(SessionSpecificRequest, "structs.SessionSpecificRequest") {
  type.field("Datacenter", &SessionSpecificRequest::Datacenter);
  type.field("SessionID", &SessionSpecificRequest::SessionID);
  type.field("Session", &SessionSpecificRequest::Session);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(PreparedQuerySpecificRequest, "structs.PreparedQuerySpecificRequest") {
  type.field("Datacenter", &PreparedQuerySpecificRequest::Datacenter);
  type.field("QueryID", &PreparedQuerySpecificRequest::QueryID);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(PreparedQueryExecuteRequest, "structs.PreparedQueryExecuteRequest") {
  type.field("Datacenter", &PreparedQueryExecuteRequest::Datacenter);
  type.field("QueryIDOrName", &PreparedQueryExecuteRequest::QueryIDOrName);
  type.field("Limit", &PreparedQueryExecuteRequest::Limit);
  type.field("Connect", &PreparedQueryExecuteRequest::Connect);
  type.field("Source", &PreparedQueryExecuteRequest::Source);
  type.field("Agent", &PreparedQueryExecuteRequest::Agent);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceDumpRequest, "structs.ServiceDumpRequest") {
  type.field("Datacenter", &ServiceDumpRequest::Datacenter);
  type.field("ServiceKind", &ServiceDumpRequest::ServiceKind);
  type.field("UseServiceKind", &ServiceDumpRequest::UseServiceKind);
  type.field("Source", &ServiceDumpRequest::Source);
  type.field("PeerName", &ServiceDumpRequest::PeerName);
  type.field("NodesOnly", &ServiceDumpRequest::NodesOnly);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(OperatorUsageRequest, "structs.OperatorUsageRequest") {
  type.field("Datacenter", &OperatorUsageRequest::Datacenter);
  type.field("NodeMetaFilters", &OperatorUsageRequest::NodeMetaFilters);
  type.field("Source", &OperatorUsageRequest::Source);
  type.field("PeerName", &OperatorUsageRequest::PeerName);
  type.field("Global", &OperatorUsageRequest::Global);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(RaftRemovePeerRequest, "structs.RaftRemovePeerRequest") {
  type.field("Datacenter", &RaftRemovePeerRequest::Datacenter);
  type.field("Address", &RaftRemovePeerRequest::Address);
  type.field("ID", &RaftRemovePeerRequest::ID);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedDirEntries, "structs.IndexedDirEntries") {
  type.field("Entries", &IndexedDirEntries::Entries);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedKeyList, "structs.IndexedKeyList") {
  type.field("Keys", &IndexedKeyList::Keys);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedNodes, "structs.IndexedNodes") {
  type.field("Nodes", &IndexedNodes::Nodes);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedServices, "structs.IndexedServices") {
  type.field("Services", &IndexedServices::Services);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceName, "structs.ServiceName") {
  type.field("Name", &ServiceName::Name);
}

PROCONSUL_DESCRIBE_TYPE(IndexedServiceList, "structs.IndexedServiceList") {
  type.field("Services", &IndexedServiceList::Services);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedServiceNodes, "structs.IndexedServiceNodes") {
  type.field("ServiceNodes", &IndexedServiceNodes::ServiceNodes);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedNodeServices, "structs.IndexedNodeServices") {
  type.field("NodeServices", &IndexedNodeServices::NodeServices);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedNodeServiceList, "structs.IndexedNodeServiceList") {
  type.field("NodeServices", &IndexedNodeServiceList::NodeServices);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedHealthChecks, "structs.IndexedHealthChecks") {
  type.field("HealthChecks", &IndexedHealthChecks::HealthChecks);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedCheckServiceNodes, "structs.IndexedCheckServiceNodes") {
  type.field("Nodes", &IndexedCheckServiceNodes::Nodes);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedSessions, "structs.IndexedSessions") {
  type.field("Sessions", &IndexedSessions::Sessions);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedCoordinates, "structs.IndexedCoordinates") {
  type.field("Coordinates", &IndexedCoordinates::Coordinates);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedPreparedQueries, "structs.IndexedPreparedQueries") {
  type.field("Queries", &IndexedPreparedQueries::Queries);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedNodeDump, "structs.IndexedNodeDump") {
  type.field("ImportedDump", &IndexedNodeDump::ImportedDump);
  type.field("Dump", &IndexedNodeDump::Dump);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedNodesWithGateways, "structs.IndexedNodesWithGateways") {
  type.field("ImportedNodes", &IndexedNodesWithGateways::ImportedNodes);
  type.field("Nodes", &IndexedNodesWithGateways::Nodes);
  type.field("Gateways", &IndexedNodesWithGateways::Gateways);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(EventFireRequest, "structs.EventFireRequest") {
  type.field("Datacenter", &EventFireRequest::Datacenter);
  type.field("Name", &EventFireRequest::Name);
  type.field("Payload", &EventFireRequest::Payload);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(EventFireResponse, "structs.EventFireResponse") {
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(KeyringRequest, "structs.KeyringRequest") {
  type.field("Operation", &KeyringRequest::Operation);
  type.field("Key", &KeyringRequest::Key);
  type.field("Datacenter", &KeyringRequest::Datacenter);
  type.field("Forwarded", &KeyringRequest::Forwarded);
  type.field("RelayFactor", &KeyringRequest::RelayFactor);
  type.field("LocalOnly", &KeyringRequest::LocalOnly);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(KeyringResponse, "structs.KeyringResponse") {
  type.field("WAN", &KeyringResponse::WAN);
  type.field("Datacenter", &KeyringResponse::Datacenter);
  type.field("Segment", &KeyringResponse::Segment);
  type.field("Partition", &KeyringResponse::Partition);
  type.field("Messages", &KeyringResponse::Messages);
  type.field("Keys", &KeyringResponse::Keys);
  type.field("PrimaryKeys", &KeyringResponse::PrimaryKeys);
  type.field("NumNodes", &KeyringResponse::NumNodes);
  type.field("Error", &KeyringResponse::Error);
}

PROCONSUL_DESCRIBE_TYPE(KeyringResponses, "structs.KeyringResponses") {
  type.field("Responses", &KeyringResponses::Responses);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(SnapshotRequest, "structs.SnapshotRequest") {
  type.field("Datacenter", &SnapshotRequest::Datacenter);
  type.field("Token", &SnapshotRequest::Token);
  type.field("AllowStale", &SnapshotRequest::AllowStale);
  type.field("Op", &SnapshotRequest::Op);
}

PROCONSUL_DESCRIBE_TYPE(SnapshotResponse, "structs.SnapshotResponse") {
  type.field("Error", &SnapshotResponse::Error);
  type.field("LeftOut", &SnapshotResponse::LeftOut).omit_empty().wire_omit_empty();
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(RaftStats, "structs.RaftStats") {
  type.field("LastContact", &RaftStats::LastContact);
  type.field("LastTerm", &RaftStats::LastTerm);
  type.field("LastIndex", &RaftStats::LastIndex);
}

PROCONSUL_DESCRIBE_TYPE(RaftServer, "structs.RaftServer") {
  type.field("ID", &RaftServer::ID);
  type.field("Node", &RaftServer::Node);
  type.field("Address", &RaftServer::Address);
  type.field("Leader", &RaftServer::Leader);
  type.field("ProtocolVersion", &RaftServer::ProtocolVersion);
  type.field("Voter", &RaftServer::Voter);
  type.field("LastIndex", &RaftServer::LastIndex);
}

PROCONSUL_DESCRIBE_TYPE(RaftConfigurationResponse, "structs.RaftConfigurationResponse") {
  type.field("Servers", &RaftConfigurationResponse::Servers);
  type.field("Index", &RaftConfigurationResponse::Index);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotServerHealth, "structs.AutopilotServerHealth") {
  type.field("ID", &AutopilotServerHealth::ID);
  type.field("Name", &AutopilotServerHealth::Name);
  type.field("Address", &AutopilotServerHealth::Address);
  type.field("SerfStatus", &AutopilotServerHealth::SerfStatus);
  type.field("Version", &AutopilotServerHealth::Version);
  type.field("Leader", &AutopilotServerHealth::Leader);
  type.field("LastContact", &AutopilotServerHealth::LastContact);
  type.field("LastTerm", &AutopilotServerHealth::LastTerm);
  type.field("LastIndex", &AutopilotServerHealth::LastIndex);
  type.field("Healthy", &AutopilotServerHealth::Healthy);
  type.field("Voter", &AutopilotServerHealth::Voter);
  type.field("StableSince", &AutopilotServerHealth::StableSince);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotHealthReply, "structs.AutopilotHealthReply") {
  type.field("Healthy", &AutopilotHealthReply::Healthy);
  type.field("FailureTolerance", &AutopilotHealthReply::FailureTolerance);
  type.field("Servers", &AutopilotHealthReply::Servers);
}

}  // namespace proconsul::agent::rpc
