// The mesh's certificate authority as servers keep it among themselves.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

/// A root certificate that is trusted. One is active.
struct CARoot : RaftIndex {
  std::string ID{};
  std::string Name{};
  std::uint64_t SerialNumber{};
  std::string SigningKeyID{};
  std::string ExternalTrustDomain{};
  base::Time NotBefore{};
  base::Time NotAfter{};
  std::string RootCert{};
  base::List<std::string> IntermediateCerts{};
  std::string SigningCert{};
  std::string SigningKey{};
  bool Active{};
  base::Time RotatedOutAt{};
  std::string PrivateKeyType{};
  base::Int PrivateKeyBits{};
};
PROCONSUL_DECLARE_TYPE(CARoot)

struct CAConfiguration : RaftIndex {
  std::string ClusterID{};
  std::string Provider{};
  base::Map<base::Value> Config{};
  base::Map<std::string> State{};
  bool ForceWithoutCrossSigning{};
};
PROCONSUL_DECLARE_TYPE(CAConfiguration)

/// What the built-in provider keeps; with it the private key.
struct CAConsulProviderState : RaftIndex {
  std::string ID{};
  std::string PrivateKey{};
  std::string RootCert{};
  std::string IntermediateCert{};
};
PROCONSUL_DECLARE_TYPE(CAConsulProviderState)

/// Command 13. Op: set-roots, set-config, set-provider-state, delete-provider-state, set-roots-config,
/// increment-provider-serial. Index is what the roots' must be.
struct CARequest : WriteRequest {
  std::string Op{};
  std::string Datacenter{};
  std::uint64_t Index{};
  base::List<base::Pointer<CARoot>> Roots{};
  base::Pointer<CAConfiguration> Config{};
  base::Pointer<CAConsulProviderState> ProviderState{};
};
PROCONSUL_DECLARE_TYPE(CARequest)

/// Command 21. Op: increment-index.
struct CALeafRequest : WriteRequest {
  std::string Op{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(CALeafRequest)

}  // namespace proconsul::catalog
