// Requests and replies of the RPC methods that are no replicated commands. Field lists: wire_schema.json of the wire
// reference.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/health.h"
#include "catalog/types/kv.h"
#include "catalog/types/node.h"
#include "catalog/types/prepared_query.h"
#include "catalog/types/service.h"
#include "catalog/types/session.h"
#include "catalog/types/snapshot_loss.h"

namespace proconsul::agent::rpc {

/// Where a query comes from, and what its answer is to be near to.
struct QuerySource {
  std::string Datacenter{};
  std::string Segment{};
  std::string Node{};
  std::string NodePartition{};
  std::string Ip{};
  bool DisableNode{};
};
PROCONSUL_DECLARE_TYPE(QuerySource)

struct DCSpecificRequest : catalog::QueryOptions {
  std::string Datacenter{};
  base::Map<std::string> NodeMetaFilters{};
  QuerySource Source{};
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(DCSpecificRequest)

struct DatacentersRequest : catalog::QueryOptions {};
PROCONSUL_DECLARE_TYPE(DatacentersRequest)

struct ServiceSpecificRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string PeerName{};
  std::string SamenessGroup{};
  base::Map<std::string> NodeMetaFilters{};
  std::string ServiceName{};
  std::string ServiceKind{};
  std::string ServiceTag{};  // of old agents: counts when ServiceTags is empty
  base::List<std::string> ServiceTags{};
  std::string ServiceAddress{};
  bool TagFilter{};  // whether the tags count
  QuerySource Source{};
  bool Connect{};
  bool Ingress{};
  bool MergeCentralConfig{};
  std::int32_t HealthFilterType{};  // 0 all, 1 not critical, 2 only passing
};
PROCONSUL_DECLARE_TYPE(ServiceSpecificRequest)

struct NodeSpecificRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string Node{};
  std::string PeerName{};
  bool MergeCentralConfig{};
};
PROCONSUL_DECLARE_TYPE(NodeSpecificRequest)

struct ChecksInStateRequest : catalog::QueryOptions {
  std::string Datacenter{};
  base::Map<std::string> NodeMetaFilters{};
  std::string State{};
  QuerySource Source{};
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(ChecksInStateRequest)

struct KeyRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string Key{};
};
PROCONSUL_DECLARE_TYPE(KeyRequest)

struct KeyListRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string Prefix{};
  std::string Seperator{};  // the peer's spelling
};
PROCONSUL_DECLARE_TYPE(KeyListRequest)

struct SessionSpecificRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string SessionID{};
  std::string Session{};  // of old agents: counts when SessionID is empty
};
PROCONSUL_DECLARE_TYPE(SessionSpecificRequest)

struct PreparedQuerySpecificRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string QueryID{};
};
PROCONSUL_DECLARE_TYPE(PreparedQuerySpecificRequest)

struct PreparedQueryExecuteRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string QueryIDOrName{};
  base::Int Limit{};
  bool Connect{};
  QuerySource Source{};
  QuerySource Agent{};
};
PROCONSUL_DECLARE_TYPE(PreparedQueryExecuteRequest)

struct ServiceDumpRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string ServiceKind{};
  bool UseServiceKind{};
  QuerySource Source{};
  std::string PeerName{};
  bool NodesOnly{};
};
PROCONSUL_DECLARE_TYPE(ServiceDumpRequest)

struct OperatorUsageRequest : catalog::QueryOptions {
  std::string Datacenter{};
  base::Map<std::string> NodeMetaFilters{};
  QuerySource Source{};
  std::string PeerName{};
  bool Global{};  // of every datacenter
};
PROCONSUL_DECLARE_TYPE(OperatorUsageRequest)

struct RaftRemovePeerRequest : catalog::WriteRequest {
  std::string Datacenter{};
  std::string Address{};
  std::string ID{};
};
PROCONSUL_DECLARE_TYPE(RaftRemovePeerRequest)

struct IndexedDirEntries : catalog::QueryMeta {
  base::List<base::Pointer<catalog::DirEntry>> Entries{};
};
PROCONSUL_DECLARE_TYPE(IndexedDirEntries)

struct IndexedKeyList : catalog::QueryMeta {
  base::List<std::string> Keys{};
};
PROCONSUL_DECLARE_TYPE(IndexedKeyList)

struct IndexedNodes : catalog::QueryMeta {
  base::List<base::Pointer<catalog::Node>> Nodes{};
};
PROCONSUL_DECLARE_TYPE(IndexedNodes)

struct IndexedServices : catalog::QueryMeta {
  base::Map<base::List<std::string>> Services{};
};
PROCONSUL_DECLARE_TYPE(IndexedServices)

/// A service, in Consul with its namespace.
struct ServiceName {
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(ServiceName)

struct IndexedServiceList : catalog::QueryMeta {
  base::List<ServiceName> Services{};
};
PROCONSUL_DECLARE_TYPE(IndexedServiceList)

struct IndexedServiceNodes : catalog::QueryMeta {
  base::List<base::Pointer<catalog::ServiceNode>> ServiceNodes{};
};
PROCONSUL_DECLARE_TYPE(IndexedServiceNodes)

struct IndexedNodeServices : catalog::QueryMeta {
  base::Pointer<catalog::NodeServices> NodeServices{};
};
PROCONSUL_DECLARE_TYPE(IndexedNodeServices)

struct IndexedNodeServiceList : catalog::QueryMeta {
  catalog::NodeServiceList NodeServices{};
};
PROCONSUL_DECLARE_TYPE(IndexedNodeServiceList)

struct IndexedHealthChecks : catalog::QueryMeta {
  base::List<base::Pointer<catalog::HealthCheck>> HealthChecks{};
};
PROCONSUL_DECLARE_TYPE(IndexedHealthChecks)

struct IndexedCheckServiceNodes : catalog::QueryMeta {
  base::List<catalog::CheckServiceNode> Nodes{};
};
PROCONSUL_DECLARE_TYPE(IndexedCheckServiceNodes)

struct IndexedSessions : catalog::QueryMeta {
  base::List<base::Pointer<catalog::Session>> Sessions{};
};
PROCONSUL_DECLARE_TYPE(IndexedSessions)

struct IndexedCoordinates : catalog::QueryMeta {
  base::List<base::Pointer<catalog::Coordinate>> Coordinates{};
};
PROCONSUL_DECLARE_TYPE(IndexedCoordinates)

struct IndexedPreparedQueries : catalog::QueryMeta {
  base::List<base::Pointer<catalog::PreparedQuery>> Queries{};
};
PROCONSUL_DECLARE_TYPE(IndexedPreparedQueries)

struct IndexedNodeDump : catalog::QueryMeta {
  base::List<base::Pointer<catalog::NodeInfo>> ImportedDump{};
  base::List<base::Pointer<catalog::NodeInfo>> Dump{};
};
PROCONSUL_DECLARE_TYPE(IndexedNodeDump)

struct IndexedNodesWithGateways : catalog::QueryMeta {
  base::List<catalog::CheckServiceNode> ImportedNodes{};
  base::List<catalog::CheckServiceNode> Nodes{};
  base::List<base::Pointer<catalog::GatewayService>> Gateways{};
};
PROCONSUL_DECLARE_TYPE(IndexedNodesWithGateways)

struct EventFireRequest : catalog::QueryOptions {
  std::string Datacenter{};
  std::string Name{};
  base::Bytes Payload{};
};
PROCONSUL_DECLARE_TYPE(EventFireRequest)

struct EventFireResponse : catalog::QueryMeta {};
PROCONSUL_DECLARE_TYPE(EventFireResponse)

struct KeyringRequest : catalog::QueryOptions {
  std::string Operation{};  // "list", "install", "use", "remove"
  std::string Key{};        // base64
  std::string Datacenter{};
  bool Forwarded{};  // by a server of another datacenter: of the LAN alone
  std::uint8_t RelayFactor{};
  bool LocalOnly{};
};
PROCONSUL_DECLARE_TYPE(KeyringRequest)

/// What an operation came to in one pool.
struct KeyringResponse {
  bool WAN{};
  std::string Datacenter{};
  std::string Segment{};
  std::string Partition{};
  base::Map<std::string> Messages{};  // by node
  base::Map<base::Int> Keys{};
  base::Map<base::Int> PrimaryKeys{};
  base::Int NumNodes{};
  std::string Error{};
};
PROCONSUL_DECLARE_TYPE(KeyringResponse)

struct KeyringResponses : catalog::QueryMeta {
  base::List<base::Pointer<KeyringResponse>> Responses{};
};
PROCONSUL_DECLARE_TYPE(KeyringResponses)

struct SnapshotRequest {
  std::string Datacenter{};
  std::string Token{};
  bool AllowStale{};
  base::Int Op{};  // 0 save, 1 restore
};
PROCONSUL_DECLARE_TYPE(SnapshotRequest)

struct SnapshotResponse : catalog::QueryMeta {
  std::string Error{};                          // empty: it worked
  base::List<catalog::SnapshotLoss> LeftOut{};  // ours alone, and only if there is any: what a restore left out
};
PROCONSUL_DECLARE_TYPE(SnapshotResponse)

/// A server's word on its own log, for autopilot.
struct RaftStats {
  std::string LastContact{};  // "15ms", or "never"
  std::uint64_t LastTerm{};
  std::uint64_t LastIndex{};
};
PROCONSUL_DECLARE_TYPE(RaftStats)

struct RaftServer {
  std::string ID{};
  std::string Node{};
  std::string Address{};
  bool Leader{};
  std::string ProtocolVersion{};
  bool Voter{};
  std::uint64_t LastIndex{};
};
PROCONSUL_DECLARE_TYPE(RaftServer)

struct RaftConfigurationResponse {
  base::List<base::Pointer<RaftServer>> Servers{};
  std::uint64_t Index{};
};
PROCONSUL_DECLARE_TYPE(RaftConfigurationResponse)

struct AutopilotServerHealth {
  std::string ID{};
  std::string Name{};
  std::string Address{};
  base::Int SerfStatus{};  // 1 alive, 4 failed
  std::string Version{};
  bool Leader{};
  base::Duration LastContact{};
  std::uint64_t LastTerm{};
  std::uint64_t LastIndex{};
  bool Healthy{};
  bool Voter{};
  base::Time StableSince{};
};
PROCONSUL_DECLARE_TYPE(AutopilotServerHealth)

struct AutopilotHealthReply {
  bool Healthy{};
  base::Int FailureTolerance{};
  base::List<AutopilotServerHealth> Servers{};
};
PROCONSUL_DECLARE_TYPE(AutopilotHealthReply)

}  // namespace proconsul::agent::rpc
