#include "catalog/types/peering.h"

#include <array>
#include <cstddef>

#include "base/type_of.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(Timestamp, "pbpeering.Timestamp") {
  type.field("seconds", &Timestamp::seconds);
  type.field("nanos", &Timestamp::nanos);
}

PROCONSUL_DESCRIBE_TYPE(RemoteInfo, "pbpeering.RemoteInfo") {
  type.field("Partition", &RemoteInfo::Partition);
  type.field("Datacenter", &RemoteInfo::Datacenter);
  type.field("Locality", &RemoteInfo::Locality);
}

PROCONSUL_DESCRIBE_TYPE(StreamStatus, "pbpeering.StreamStatus") {
  type.field("ImportedServices", &StreamStatus::ImportedServices);
  type.field("ExportedServices", &StreamStatus::ExportedServices);
  type.field("LastHeartbeat", &StreamStatus::LastHeartbeat);
  type.field("LastReceive", &StreamStatus::LastReceive);
  type.field("LastSend", &StreamStatus::LastSend);
}

PROCONSUL_DESCRIBE_TYPE(Peering, "pbpeering.Peering") {
  type.field("ID", &Peering::ID);
  type.field("Name", &Peering::Name);
  type.field("Partition", &Peering::Partition);
  type.field("DeletedAt", &Peering::DeletedAt);
  type.field("Meta", &Peering::Meta);
  type.field("State", &Peering::State);
  type.field("PeerID", &Peering::PeerID);
  type.field("PeerCAPems", &Peering::PeerCAPems);
  type.field("PeerServerName", &Peering::PeerServerName);
  type.field("PeerServerAddresses", &Peering::PeerServerAddresses);
  type.field("StreamStatus", &Peering::StreamStatus);
  type.field("CreateIndex", &Peering::CreateIndex);
  type.field("ModifyIndex", &Peering::ModifyIndex);
  type.field("Remote", &Peering::Remote);
  type.field("ManualServerAddresses", &Peering::ManualServerAddresses);
}

PROCONSUL_DESCRIBE_TYPE(PeeringTrustBundle, "pbpeering.PeeringTrustBundle") {
  type.field("TrustDomain", &PeeringTrustBundle::TrustDomain);
  type.field("PeerName", &PeeringTrustBundle::PeerName);
  type.field("Partition", &PeeringTrustBundle::Partition);
  type.field("RootPEMs", &PeeringTrustBundle::RootPEMs);
  type.field("ExportedPartition", &PeeringTrustBundle::ExportedPartition);
  type.field("CreateIndex", &PeeringTrustBundle::CreateIndex);
  type.field("ModifyIndex", &PeeringTrustBundle::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(EstablishmentSecret, "pbpeering.EstablishmentSecret") {
  type.field("SecretID", &EstablishmentSecret::SecretID);
}

PROCONSUL_DESCRIBE_TYPE(StreamSecrets, "pbpeering.StreamSecrets") {
  type.field("ActiveSecretID", &StreamSecrets::ActiveSecretID);
  type.field("PendingSecretID", &StreamSecrets::PendingSecretID);
}

PROCONSUL_DESCRIBE_TYPE(PeeringSecrets, "pbpeering.PeeringSecrets") {
  type.field("PeerID", &PeeringSecrets::PeerID);
  type.field("establishment", &PeeringSecrets::establishment);
  type.field("stream", &PeeringSecrets::stream);
}

PROCONSUL_DESCRIBE_TYPE(GenerateTokenSecrets, "pbpeering.GenerateTokenSecrets") {
  type.field("establishment_secret", &GenerateTokenSecrets::establishment_secret);
}

PROCONSUL_DESCRIBE_TYPE(ExchangeSecrets, "pbpeering.ExchangeSecrets") {
  type.field("establishment_secret", &ExchangeSecrets::establishment_secret);
  type.field("pending_stream_secret", &ExchangeSecrets::pending_stream_secret);
}

PROCONSUL_DESCRIBE_TYPE(ActiveSecrets, "pbpeering.ActiveSecrets") {
  type.field("active_stream_secret", &ActiveSecrets::active_stream_secret);
}

PROCONSUL_DESCRIBE_TYPE(SecretsWriteRequest, "pbpeering.SecretsWriteRequest") {
  type.field("PeerID", &SecretsWriteRequest::PeerID);
  type.field("generate_token", &SecretsWriteRequest::generate_token);
  type.field("exchange_secret", &SecretsWriteRequest::exchange_secret);
  type.field("promote_pending", &SecretsWriteRequest::promote_pending);
  type.field("establish", &SecretsWriteRequest::establish);
}

PROCONSUL_DESCRIBE_TYPE(PeeringWriteRequest, "pbpeering.PeeringWriteRequest") {
  type.field("Peering", &PeeringWriteRequest::Peering);
  type.field("SecretsRequest", &PeeringWriteRequest::SecretsRequest);
  type.field("Meta", &PeeringWriteRequest::Meta);
}

PROCONSUL_DESCRIBE_TYPE(PeeringNameRequest, "pbpeering.PeeringNameRequest") {
  type.field("Name", &PeeringNameRequest::Name);
  type.field("Partition", &PeeringNameRequest::Partition);
}

PROCONSUL_DESCRIBE_TYPE(PeeringTerminateByIDRequest, "pbpeering.PeeringTerminateByIDRequest") {
  type.field("ID", &PeeringTerminateByIDRequest::ID);
}

PROCONSUL_DESCRIBE_TYPE(PeeringTrustBundleWriteRequest, "pbpeering.PeeringTrustBundleWriteRequest") {
  type.field("PeeringTrustBundle", &PeeringTrustBundleWriteRequest::PeeringTrustBundle);
}

const char* peering_state_name(std::int32_t state) {
  static constexpr std::array kNames = {"UNDEFINED", "PENDING",  "ESTABLISHING", "ACTIVE",
                                        "FAILING",   "DELETING", "TERMINATED"};
  return state > 0 && static_cast<std::size_t>(state) < kNames.size() ? kNames[static_cast<std::size_t>(state)]
                                                                      : kNames[0];
}

}  // namespace proconsul::catalog
