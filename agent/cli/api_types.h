// What the commands read from and send to the agent's HTTP API; only the fields that a command shows or must keep.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"

namespace proconsul::agent::cli {

struct KvPair {
  std::string Key{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  std::uint64_t LockIndex{};
  std::uint64_t Flags{};
  base::Bytes Value{};
  std::string Session{};
  std::string Namespace{};
  std::string Partition{};
};
PROCONSUL_DECLARE_TYPE(KvPair)

/// One element of `kv export`'s list.
struct KvEntry {
  std::string key{};
  std::uint64_t flags{};
  std::string value{};  // base64
  std::string name_space{};
  std::string partition{};
};
PROCONSUL_DECLARE_TYPE(KvEntry)

/// What sessions are known by: answers of /v1/session/create and renew.
struct SessionId {
  std::string ID{};
  std::string TTL{};
};
PROCONSUL_DECLARE_TYPE(SessionId)

/// Body of PUT /v1/session/create.
struct SessionRequest {
  std::string Name{};
  std::string Node{};
  std::string TTL{};
  std::string Behavior{};
  base::Pointer<base::List<std::string>> NodeChecks{};  // a null pointer leaves the default
};
PROCONSUL_DECLARE_TYPE(SessionRequest)

/// A node of the catalog, or the node's part of a service instance.
struct CatalogNode {
  std::string ID{};
  std::string Node{};
  std::string Address{};
  std::string Datacenter{};
  base::Map<std::string> TaggedAddresses{};
  base::Map<std::string> Meta{};
  base::Map<std::string> NodeMeta{};  // of a service instance
};
PROCONSUL_DECLARE_TYPE(CatalogNode)

/// GET /v1/catalog/node/NODE.
struct CatalogNodeServices {
  struct Instance {
    std::string Service{};
    base::List<std::string> Tags{};
  };
  base::Map<Instance> Services{};
};
PROCONSUL_DECLARE_TYPE(CatalogNodeServices::Instance)
PROCONSUL_DECLARE_TYPE(CatalogNodeServices)

struct AgentMember {
  std::string Name{};
  std::string Addr{};
  std::uint16_t Port{};
  base::Map<std::string> Tags{};
  base::Int Status{};
};
PROCONSUL_DECLARE_TYPE(AgentMember)

struct AgentCheck {
  std::string CheckID{};
  std::string ServiceID{};
  std::string Notes{};
};
PROCONSUL_DECLARE_TYPE(AgentCheck)

/// GET /v1/agent/self.
struct AgentSelf {
  struct Configuration {
    std::string NodeName{};
    std::string Datacenter{};
  } Config{};
};
PROCONSUL_DECLARE_TYPE(AgentSelf::Configuration)
PROCONSUL_DECLARE_TYPE(AgentSelf)

/// GET /v1/operator/raft/configuration.
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
struct RaftConfiguration {
  base::List<RaftServer> Servers{};
};
PROCONSUL_DECLARE_TYPE(RaftConfiguration)

/// POST /v1/operator/raft/transfer-leader.
struct TransferLeader {
  bool Success{};
};
PROCONSUL_DECLARE_TYPE(TransferLeader)

/// version -format=json.
struct VersionReport {
  std::string Version{};
  std::string Revision{};
  std::string Prerelease{};
  std::string Build{};  // ours; Consul has no such key
  std::string BuildDate{};
  struct Protocols {
    base::Int Default{};
    base::Int Min{};
    base::Int Max{};
  } RPC{};
};
PROCONSUL_DECLARE_TYPE(VersionReport::Protocols)
PROCONSUL_DECLARE_TYPE(VersionReport)

/// What a keyring operation came to in one pool.
struct KeyringResponse {
  bool WAN{};
  std::string Datacenter{};
  std::string Segment{};
  std::string Partition{};
  base::Map<std::string> Messages{};
  base::Map<base::Int> Keys{};
  base::Map<base::Int> PrimaryKeys{};
  base::Int NumNodes{};
};
PROCONSUL_DECLARE_TYPE(KeyringResponse)

}  // namespace proconsul::agent::cli
