// The messages of the services of peering (pbpeering, pbpeerstream), beside those of catalog/types/peering.h.
#pragma once

#include <cstdint>
#include <string>

#include "base/protobuf.h"
#include "base/type.h"
#include "catalog/types/peering.h"
#include "catalog/types/service.h"

namespace proconsul::agent::peering {

struct GenerateTokenRequest {
  std::string PeerName{};
  std::string Partition{};
  base::Map<std::string> Meta{};
  base::List<std::string> ServerExternalAddresses{};
};
PROCONSUL_DECLARE_TYPE(GenerateTokenRequest)

struct GenerateTokenResponse {
  std::string PeeringToken{};
};
PROCONSUL_DECLARE_TYPE(GenerateTokenResponse)

struct EstablishRequest {
  std::string PeerName{};
  std::string PeeringToken{};
  std::string Partition{};
  base::Map<std::string> Meta{};
};
PROCONSUL_DECLARE_TYPE(EstablishRequest)

struct PeeringReadResponse {
  base::Pointer<catalog::Peering> Peering{};
};
PROCONSUL_DECLARE_TYPE(PeeringReadResponse)

struct PeeringListRequest {
  std::string Partition{};
};
PROCONSUL_DECLARE_TYPE(PeeringListRequest)

struct PeeringListResponse {
  base::List<catalog::Peering> Peerings{};
  std::uint64_t OBSOLETE_Index{};
};
PROCONSUL_DECLARE_TYPE(PeeringListResponse)

struct TrustBundleListByServiceRequest {
  std::string ServiceName{};
  std::string Namespace{};
  std::string Partition{};
  std::string Kind{};
};
PROCONSUL_DECLARE_TYPE(TrustBundleListByServiceRequest)

struct TrustBundleListByServiceResponse {
  std::uint64_t OBSOLETE_Index{};
  base::List<catalog::PeeringTrustBundle> Bundles{};
};
PROCONSUL_DECLARE_TYPE(TrustBundleListByServiceResponse)

struct TrustBundleReadResponse {
  std::uint64_t OBSOLETE_Index{};
  base::Pointer<catalog::PeeringTrustBundle> Bundle{};
};
PROCONSUL_DECLARE_TYPE(TrustBundleReadResponse)

/// All answers without content.
struct Empty {};
PROCONSUL_DECLARE_TYPE(Empty)

struct ExchangeSecretRequest {
  std::string PeerID{};
  std::string EstablishmentSecret{};
};
PROCONSUL_DECLARE_TYPE(ExchangeSecretRequest)

struct ExchangeSecretResponse {
  std::string StreamSecret{};
};
PROCONSUL_DECLARE_TYPE(ExchangeSecretResponse)

/// google.rpc.Status
struct StatusDetail {
  std::int32_t code{};
  std::string message{};
};
PROCONSUL_DECLARE_TYPE(StatusDetail)

struct Any {
  std::string type_url{};
  base::Bytes value{};
};
PROCONSUL_DECLARE_TYPE(Any)

/// Begins a stream; of who dials.
struct Open {
  std::string PeerID{};
  std::string StreamSecretID{};
  base::Pointer<catalog::RemoteInfo> Remote{};
};
PROCONSUL_DECLARE_TYPE(Open)

/// Asks for a kind of resource or, with a nonce, says what became of a response.
struct Request {
  std::string PeerID{};
  std::string ResponseNonce{};
  std::string ResourceURL{};
  base::Pointer<StatusDetail> Error{};
};
PROCONSUL_DECLARE_TYPE(Request)

/// A resource.
struct Response {
  std::string Nonce{};
  std::string ResourceURL{};
  std::string ResourceID{};
  base::Pointer<Any> Resource{};
  std::int32_t operation{};
};
PROCONSUL_DECLARE_TYPE(Response)

/// One of them is set.
struct ReplicationMessage {
  base::Pointer<Open> open{};
  base::Pointer<Request> request{};
  base::Pointer<Response> response{};
  base::Pointer<Empty> terminated{};
  base::Pointer<Empty> heartbeat{};
};
PROCONSUL_DECLARE_TYPE(ReplicationMessage)

/// All instances of a service; none: it is gone.
struct ExportedService {
  base::List<catalog::CheckServiceNode> Nodes{};
};
PROCONSUL_DECLARE_TYPE(ExportedService)

struct ExportedServiceList {
  base::List<std::string> Services{};
};
PROCONSUL_DECLARE_TYPE(ExportedServiceList)

struct PeeringServerAddresses {
  base::List<std::string> Addresses{};
};
PROCONSUL_DECLARE_TYPE(PeeringServerAddresses)

inline constexpr std::int32_t kUpsert = 1;  // Response::operation

// Kinds of resource.
inline constexpr const char* kExportedServiceUrl =
    "type.googleapis.com/hashicorp.consul.internal.peerstream.ExportedService";
inline constexpr const char* kExportedServiceListUrl =
    "type.googleapis.com/hashicorp.consul.internal.peerstream.ExportedServiceList";
inline constexpr const char* kTrustBundleUrl =
    "type.googleapis.com/hashicorp.consul.internal.peering.PeeringTrustBundle";
inline constexpr const char* kServerAddressesUrl =
    "type.googleapis.com/hashicorp.consul.internal.peering.PeeringServerAddresses";
bool is_known_url(const std::string& url);

/// All of them, those of the catalog, and those that they are made of.
const base::pb::Schema& schema();

template <class Message>
std::string encoded(const Message& message) {
  std::string out;
  schema().append(out, message);
  return out;
}

}  // namespace proconsul::agent::peering
