// Requests and replies of the methods of the mesh's authority. Field lists: wire_schema.json of the wire reference.
#pragma once

#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/connect_ca.h"

namespace proconsul::agent::rpc {

/// The roots that are trusted, without anything that only servers may know.
struct TrustedRoots {
  std::string ActiveRootID{};
  std::string TrustDomain{};
  base::List<base::Pointer<catalog::CARoot>> Roots{};
};
PROCONSUL_DECLARE_TYPE(TrustedRoots)

struct IndexedCARoots : TrustedRoots, catalog::QueryMeta {};
PROCONSUL_DECLARE_TYPE(IndexedCARoots)

struct CASignRequest : catalog::WriteRequest {
  std::string Datacenter{};
  std::string CSR{};  // PEM
};
PROCONSUL_DECLARE_TYPE(CASignRequest)

/// A certificate for a service, an agent, a server or a mesh gateway.
struct IssuedCert : catalog::RaftIndex {
  std::string SerialNumber{};
  std::string CertPEM{};        // and behind it the intermediates up to the root
  std::string PrivateKeyPEM{};  // put in by who asked for it: servers do not have it
  std::string Service{}, ServiceURI{};
  std::string Agent{}, AgentURI{};
  std::string ServerURI{};
  std::string Kind{}, KindURI{};
  base::Time ValidAfter{}, ValidBefore{};
};
PROCONSUL_DECLARE_TYPE(IssuedCert)

/// What a client agent gets that has no certificate yet.
struct SignedResponse {
  rpc::IssuedCert IssuedCert{};
  IndexedCARoots ConnectCARoots{};
  base::List<std::string> ManualCARoots{};  // of the servers' tls.internal_rpc, PEM
  std::string GossipKey{};
  bool VerifyServerHostname{};
};
PROCONSUL_DECLARE_TYPE(SignedResponse)

}  // namespace proconsul::agent::rpc
