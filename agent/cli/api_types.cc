#include "agent/cli/api_types.h"

namespace proconsul::agent::cli {

PROCONSUL_DESCRIBE_TYPE(KvPair, "api.KVPair") {
  type.field("Key", &KvPair::Key);
  type.field("CreateIndex", &KvPair::CreateIndex);
  type.field("ModifyIndex", &KvPair::ModifyIndex);
  type.field("LockIndex", &KvPair::LockIndex);
  type.field("Flags", &KvPair::Flags);
  type.field("Value", &KvPair::Value);
  type.field("Session", &KvPair::Session);
  type.field("Namespace", &KvPair::Namespace).omit_empty();
  type.field("Partition", &KvPair::Partition).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(KvEntry, "impexp.Entry") {
  type.field("Key", &KvEntry::key).json("key");
  type.field("Flags", &KvEntry::flags).json("flags");
  type.field("Value", &KvEntry::value).json("value");
  type.field("Namespace", &KvEntry::name_space).json("namespace").omit_empty();
  type.field("Partition", &KvEntry::partition).json("partition").omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(SessionId, "api.SessionEntry") {
  type.field("ID", &SessionId::ID);
  type.field("TTL", &SessionId::TTL);
}

PROCONSUL_DESCRIBE_TYPE(SessionRequest, "api.SessionEntry") {
  type.field("Name", &SessionRequest::Name).omit_empty();
  type.field("Node", &SessionRequest::Node).omit_empty();
  type.field("TTL", &SessionRequest::TTL).omit_empty();
  type.field("Behavior", &SessionRequest::Behavior).omit_empty();
  type.field("NodeChecks", &SessionRequest::NodeChecks).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(CatalogNode, "api.Node") {
  type.field("ID", &CatalogNode::ID);
  type.field("Node", &CatalogNode::Node);
  type.field("Address", &CatalogNode::Address);
  type.field("Datacenter", &CatalogNode::Datacenter);
  type.field("TaggedAddresses", &CatalogNode::TaggedAddresses);
  type.field("Meta", &CatalogNode::Meta);
  type.field("NodeMeta", &CatalogNode::NodeMeta);
}

PROCONSUL_DESCRIBE_TYPE(CatalogNodeServices::Instance, "api.AgentService") {
  type.field("Service", &CatalogNodeServices::Instance::Service);
  type.field("Tags", &CatalogNodeServices::Instance::Tags);
}

PROCONSUL_DESCRIBE_TYPE(CatalogNodeServices, "api.CatalogNode") {
  type.field("Services", &CatalogNodeServices::Services);
}

PROCONSUL_DESCRIBE_TYPE(AgentMember, "api.AgentMember") {
  type.field("Name", &AgentMember::Name);
  type.field("Addr", &AgentMember::Addr);
  type.field("Port", &AgentMember::Port);
  type.field("Tags", &AgentMember::Tags);
  type.field("Status", &AgentMember::Status);
}

PROCONSUL_DESCRIBE_TYPE(AgentCheck, "api.AgentCheck") {
  type.field("CheckID", &AgentCheck::CheckID);
  type.field("ServiceID", &AgentCheck::ServiceID);
  type.field("Notes", &AgentCheck::Notes);
}

PROCONSUL_DESCRIBE_TYPE(AgentSelf::Configuration, "api.AgentConfig") {
  type.field("NodeName", &AgentSelf::Configuration::NodeName);
  type.field("Datacenter", &AgentSelf::Configuration::Datacenter);
}

PROCONSUL_DESCRIBE_TYPE(AgentSelf, "api.AgentSelf") {
  type.field("Config", &AgentSelf::Config);
}

PROCONSUL_DESCRIBE_TYPE(RaftServer, "api.RaftServer") {
  type.field("ID", &RaftServer::ID);
  type.field("Node", &RaftServer::Node);
  type.field("Address", &RaftServer::Address);
  type.field("Leader", &RaftServer::Leader);
  type.field("ProtocolVersion", &RaftServer::ProtocolVersion);
  type.field("Voter", &RaftServer::Voter);
  type.field("LastIndex", &RaftServer::LastIndex);
}

PROCONSUL_DESCRIBE_TYPE(RaftConfiguration, "api.RaftConfiguration") {
  type.field("Servers", &RaftConfiguration::Servers);
}

PROCONSUL_DESCRIBE_TYPE(TransferLeader, "api.TransferLeaderResponse") {
  type.field("Success", &TransferLeader::Success);
}

PROCONSUL_DESCRIBE_TYPE(VersionReport::Protocols, "version.RPCVersionInfo") {
  using Protocols = VersionReport::Protocols;
  type.field("Default", &Protocols::Default);
  type.field("Min", &Protocols::Min);
  type.field("Max", &Protocols::Max);
}

PROCONSUL_DESCRIBE_TYPE(VersionReport, "version.VersionInfo") {
  type.field("Version", &VersionReport::Version);
  type.field("Revision", &VersionReport::Revision);
  type.field("Prerelease", &VersionReport::Prerelease);
  type.field("Build", &VersionReport::Build);
  type.field("BuildDate", &VersionReport::BuildDate);
  type.field("RPC", &VersionReport::RPC);
}

PROCONSUL_DESCRIBE_TYPE(KeyringResponse, "api.KeyringResponse") {
  type.field("WAN", &KeyringResponse::WAN);
  type.field("Datacenter", &KeyringResponse::Datacenter);
  type.field("Segment", &KeyringResponse::Segment);
  type.field("Partition", &KeyringResponse::Partition);
  type.field("Messages", &KeyringResponse::Messages);
  type.field("Keys", &KeyringResponse::Keys);
  type.field("PrimaryKeys", &KeyringResponse::PrimaryKeys);
  type.field("NumNodes", &KeyringResponse::NumNodes);
}

}  // namespace proconsul::agent::cli
