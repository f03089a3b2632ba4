// Replicated settings of the servers themselves: autopilot, system metadata, table indexes, virtual IPs, usage counts.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// How the leader looks after the servers. (It carries its own indexes: its JSON has them as ordinary fields.)
struct AutopilotConfig {
  bool CleanupDeadServers{};
  base::Duration LastContactThreshold{};
  std::uint64_t MaxTrailingLogs{};
  base::Uint MinQuorum{};
  base::Duration ServerStabilizationTime{};
  std::string RedundancyZoneTag{};
  bool DisableUpgradeMigration{};
  std::string UpgradeVersionTag{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  bool operator==(const AutopilotConfig&) const = default;
};
PROCONSUL_DECLARE_TYPE(AutopilotConfig)

/// Command 9. With CAS, Config.ModifyIndex must be the current one.
struct AutopilotSetConfigRequest : WriteRequest {
  std::string Datacenter{};
  AutopilotConfig Config{};
  bool CAS{};
};
PROCONSUL_DECLARE_TYPE(AutopilotSetConfigRequest)

/// One fact that servers keep among themselves.
struct SystemMetadataEntry : RaftIndex {
  std::string Key{};
  std::string Value{};
};
PROCONSUL_DECLARE_TYPE(SystemMetadataEntry)

/// Command 31. Op: upsert, delete.
struct SystemMetadataRequest : WriteRequest {
  std::string Datacenter{};
  std::string Op{};
  base::Pointer<SystemMetadataEntry> Entry{};
};
PROCONSUL_DECLARE_TYPE(SystemMetadataRequest)

/// The last index of a table, as snapshots carry it.
struct IndexEntry {
  std::string Key{};
  std::uint64_t Value{};
};
PROCONSUL_DECLARE_TYPE(IndexEntry)

/// The address that stands for a whole mesh service. IP is the 16-byte offset from 240.0.0.0. Snapshot record 32, and
/// the body of command 43 (which sets ManualIPs).
struct ServiceVirtualIP : RaftIndex {
  PeeredServiceName Service{};
  base::Bytes IP{};
  base::List<std::string> ManualIPs{};
};
PROCONSUL_DECLARE_TYPE(ServiceVirtualIP)

/// An address given back, or (IsCounter) the highest one given out so far.
struct FreeVirtualIP {
  base::Bytes IP{};
  bool IsCounter{};
};
PROCONSUL_DECLARE_TYPE(FreeVirtualIP)

/// That there is, or was, a service of this name and kind. Follows from the registrations; in no snapshot.
struct KindServiceName : RaftIndex {
  std::string Kind{};
  std::string Service{};
};

/// That some proxy of Downstream has Upstream among its upstreams. Follows from the registrations; in no snapshot.
struct MeshLink : RaftIndex {
  std::string Upstream{};
  std::string Downstream{};
  std::string Proxy{};  // "node/service ID" of the proxy that registered it last: with it the link goes
};

/// A snapshot record of a kind that this version does not read: it goes into our snapshots as it came.
struct ForeignRecord {
  std::uint8_t type{};
  std::string body{};
};

/// What command 43 answers.
struct AssignServiceManualVIPsResponse {
  bool Found{};
  base::List<PeeredServiceName> UnassignedFrom{};
};
PROCONSUL_DECLARE_TYPE(AssignServiceManualVIPsResponse)

/// Counts of one datacenter: GET /v1/operator/usage.
struct ServiceUsage {
  base::Int Services{};
  base::Int ServiceInstances{};
  base::Map<base::Int> ConnectServiceInstances{};
  base::Int BillableServiceInstances{};
  base::Int Nodes{};
};
PROCONSUL_DECLARE_TYPE(ServiceUsage)

struct Usage : QueryMeta {
  base::Map<ServiceUsage> Usage{};
};
PROCONSUL_DECLARE_TYPE(Usage)

}  // namespace proconsul::catalog
