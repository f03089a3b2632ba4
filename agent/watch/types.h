// What watches hand to their handlers, as Consul's Go client decodes it; services and checks are
// agent/http's, events agent/event's.
#pragma once

#include <cstdint>
#include <string>

#include "agent/http/agent_types.h"
#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::agent::watch {

/// A node of the catalog.
struct ApiNode {
  std::string ID{};
  std::string Node{};
  std::string Address{};
  std::string Datacenter{};
  base::Map<std::string> TaggedAddresses{};
  base::Map<std::string> Meta{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  std::string Partition{};
  std::string PeerName{};
  base::Pointer<catalog::Locality> Locality{};
};
PROCONSUL_DECLARE_TYPE(ApiNode)

/// A service instance with its node and checks.
struct ServiceEntry {
  base::Pointer<ApiNode> Node{};
  base::Pointer<http::AgentService> Service{};
  base::List<http::AgentCheck> Checks{};
};
PROCONSUL_DECLARE_TYPE(ServiceEntry)

struct CaRoot {
  std::string ID{};
  std::string Name{};
  std::string RootCertPEM{};
  bool Active{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(CaRoot)

struct CaRootList {
  std::string ActiveRootID{};
  std::string TrustDomain{};
  base::List<CaRoot> Roots{};
};
PROCONSUL_DECLARE_TYPE(CaRootList)

/// A service's certificate with its private key.
struct LeafCert {
  std::string SerialNumber{};
  std::string CertPEM{};
  std::string PrivateKeyPEM{};
  std::string Service{};
  std::string ServiceURI{};
  base::Time ValidAfter{};
  base::Time ValidBefore{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(LeafCert)

}  // namespace proconsul::agent::watch
