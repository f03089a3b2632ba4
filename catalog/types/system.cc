#include "catalog/types/system.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(AutopilotConfig, "structs.AutopilotConfig") {
  type.field("CleanupDeadServers", &AutopilotConfig::CleanupDeadServers);
  type.field("LastContactThreshold", &AutopilotConfig::LastContactThreshold);
  type.field("MaxTrailingLogs", &AutopilotConfig::MaxTrailingLogs);
  type.field("MinQuorum", &AutopilotConfig::MinQuorum);
  type.field("ServerStabilizationTime", &AutopilotConfig::ServerStabilizationTime);
  type.field("RedundancyZoneTag", &AutopilotConfig::RedundancyZoneTag);
  type.field("DisableUpgradeMigration", &AutopilotConfig::DisableUpgradeMigration);
  type.field("UpgradeVersionTag", &AutopilotConfig::UpgradeVersionTag);
  type.field("CreateIndex", &AutopilotConfig::CreateIndex);
  type.field("ModifyIndex", &AutopilotConfig::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(AutopilotSetConfigRequest, "structs.AutopilotSetConfigRequest") {
  type.field("Datacenter", &AutopilotSetConfigRequest::Datacenter);
  type.field("Config", &AutopilotSetConfigRequest::Config);
  type.field("CAS", &AutopilotSetConfigRequest::CAS);
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(SystemMetadataEntry, "structs.SystemMetadataEntry") {
  type.field("Key", &SystemMetadataEntry::Key);
  type.field("Value", &SystemMetadataEntry::Value).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(SystemMetadataRequest, "structs.SystemMetadataRequest") {
  type.field("Datacenter", &SystemMetadataRequest::Datacenter);
  type.field("Op", &SystemMetadataRequest::Op);
  type.field("Entry", &SystemMetadataRequest::Entry);
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(IndexEntry, "state.IndexEntry") {
  type.field("Key", &IndexEntry::Key);
  type.field("Value", &IndexEntry::Value);
}

PROCONSUL_DESCRIBE_TYPE(ServiceVirtualIP, "state.ServiceVirtualIP") {
  type.field("Service", &ServiceVirtualIP::Service);
  type.field("IP", &ServiceVirtualIP::IP);
  type.field("ManualIPs", &ServiceVirtualIP::ManualIPs);
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(FreeVirtualIP, "state.FreeVirtualIP") {
  type.field("IP", &FreeVirtualIP::IP);
  type.field("IsCounter", &FreeVirtualIP::IsCounter);
}

PROCONSUL_DESCRIBE_TYPE(AssignServiceManualVIPsResponse, "structs.AssignServiceManualVIPsResponse") {
  type.field("Found", &AssignServiceManualVIPsResponse::Found);
  type.field("UnassignedFrom", &AssignServiceManualVIPsResponse::UnassignedFrom);
}

PROCONSUL_DESCRIBE_TYPE(ServiceUsage, "structs.ServiceUsage") {
  type.field("Services", &ServiceUsage::Services);
  type.field("ServiceInstances", &ServiceUsage::ServiceInstances);
  type.field("ConnectServiceInstances", &ServiceUsage::ConnectServiceInstances);
  type.field("BillableServiceInstances", &ServiceUsage::BillableServiceInstances);
  type.field("Nodes", &ServiceUsage::Nodes);
}

PROCONSUL_DESCRIBE_TYPE(Usage, "structs.Usage") {
  type.field("Usage", &Usage::Usage);
  type.embed<QueryMeta>();
}

}  // namespace proconsul::catalog
