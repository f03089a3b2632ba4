// Peerings with other clusters, as commands, snapshots and gRPC carry them: protobuf on every wire (peering/codec.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "catalog/types/node.h"

namespace proconsul::catalog {

/// google.protobuf.Timestamp
struct Timestamp {
  std::int64_t seconds{};  // since 1970
  std::int32_t nanos{};
  bool is_set() const { return seconds != 0 || nanos != 0; }
};
PROCONSUL_DECLARE_TYPE(Timestamp)

enum class PeeringState : std::int32_t {
  undefined = 0,
  pending = 1,       // a token was made, and nobody came with it yet
  establishing = 2,  // the other side is dialed
  active = 3,        // of answers alone: a stream stands
  failing = 4,       // likewise: it broke
  deleting = 5,      // by this side: what was imported is being removed
  terminated = 6,    // by the other side
};
/// "PENDING"
const char* peering_state_name(std::int32_t state);

/// Where the other side is.
struct RemoteInfo {
  std::string Partition{};
  std::string Datacenter{};
  base::Pointer<catalog::Locality> Locality{};
  bool empty() const { return Partition.empty() && Datacenter.empty() && !Locality; }
};
PROCONSUL_DECLARE_TYPE(RemoteInfo)

/// What the stream is like, computed where it is.
struct StreamStatus {
  base::List<std::string> ImportedServices{};
  base::List<std::string> ExportedServices{};
  base::Pointer<Timestamp> LastHeartbeat{};
  base::Pointer<Timestamp> LastReceive{};
  base::Pointer<Timestamp> LastSend{};
};
PROCONSUL_DECLARE_TYPE(StreamStatus)

/// One side of a peering. Who has addresses dials; the other side made the token.
struct Peering {
  std::string ID{};
  std::string Name{};
  std::string Partition{};
  base::Pointer<Timestamp> DeletedAt{};
  base::Map<std::string> Meta{};
  std::int32_t State{};  // PeeringState
  std::string PeerID{};  // what the other side calls it; of who dials
  base::List<std::string> PeerCAPems{};
  std::string PeerServerName{};
  base::List<std::string> PeerServerAddresses{};
  base::Pointer<catalog::StreamStatus> StreamStatus{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  base::Pointer<RemoteInfo> Remote{};
  base::List<std::string> ManualServerAddresses{};

  bool is(PeeringState state) const { return State == static_cast<std::int32_t>(state); }
  bool dials() const { return !PeerServerAddresses.empty() || !ManualServerAddresses.empty(); }
  const base::List<std::string>& addresses() const {
    return ManualServerAddresses.empty() ? PeerServerAddresses : ManualServerAddresses;
  }
  /// Neither deleted here nor by the other side.
  bool active() const { return !is(PeeringState::terminated) && !(DeletedAt && DeletedAt->is_set()); }
};
PROCONSUL_DECLARE_TYPE(Peering)

/// Whom services of a peer are signed by.
struct PeeringTrustBundle {
  std::string TrustDomain{};
  std::string PeerName{};
  std::string Partition{};
  base::List<std::string> RootPEMs{};
  std::string ExportedPartition{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(PeeringTrustBundle)

struct EstablishmentSecret {
  std::string SecretID{};
};
PROCONSUL_DECLARE_TYPE(EstablishmentSecret)
struct StreamSecrets {
  std::string ActiveSecretID{};
  std::string PendingSecretID{};
};
PROCONSUL_DECLARE_TYPE(StreamSecrets)

/// What both sides know: the token's, which is good for one exchange, and the stream's.
struct PeeringSecrets {
  std::string PeerID{};  // the ID of the peering here
  base::Pointer<EstablishmentSecret> establishment{};
  base::Pointer<StreamSecrets> stream{};
  std::string establishment_secret() const { return establishment ? establishment->SecretID : std::string(); }
  std::string active_secret() const { return stream ? stream->ActiveSecretID : std::string(); }
  std::string pending_secret() const { return stream ? stream->PendingSecretID : std::string(); }
};
PROCONSUL_DECLARE_TYPE(PeeringSecrets)

struct GenerateTokenSecrets {
  std::string establishment_secret{};
};
PROCONSUL_DECLARE_TYPE(GenerateTokenSecrets)
struct ExchangeSecrets {
  std::string establishment_secret{};
  std::string pending_stream_secret{};
};
PROCONSUL_DECLARE_TYPE(ExchangeSecrets)
struct ActiveSecrets {
  std::string active_stream_secret{};
};
PROCONSUL_DECLARE_TYPE(ActiveSecrets)

/// Command 40, and a part of 35. One of the pointers is set; none of them: it does nothing.
struct SecretsWriteRequest {
  std::string PeerID{};
  base::Pointer<GenerateTokenSecrets> generate_token{};
  base::Pointer<ExchangeSecrets> exchange_secret{};
  base::Pointer<ActiveSecrets> promote_pending{};
  base::Pointer<ActiveSecrets> establish{};
};
PROCONSUL_DECLARE_TYPE(SecretsWriteRequest)

/// Command 35.
struct PeeringWriteRequest {
  base::Pointer<catalog::Peering> Peering{};
  base::Pointer<SecretsWriteRequest> SecretsRequest{};
  base::Map<std::string> Meta{};
};
PROCONSUL_DECLARE_TYPE(PeeringWriteRequest)

/// Commands 36 and 39, and some requests by gRPC.
struct PeeringNameRequest {
  std::string Name{};
  std::string Partition{};
};
PROCONSUL_DECLARE_TYPE(PeeringNameRequest)

/// Command 37.
struct PeeringTerminateByIDRequest {
  std::string ID{};
};
PROCONSUL_DECLARE_TYPE(PeeringTerminateByIDRequest)

/// Command 38.
struct PeeringTrustBundleWriteRequest {
  base::Pointer<catalog::PeeringTrustBundle> PeeringTrustBundle{};
};
PROCONSUL_DECLARE_TYPE(PeeringTrustBundleWriteRequest)

}  // namespace proconsul::catalog
