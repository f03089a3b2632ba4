#include "catalog/peering/codec.h"

#include "base/msgpack.h"

namespace proconsul::catalog {
namespace {

using base::pb::Row;

constexpr Row kTimestamp[] = {{1, "seconds"}, {2, "nanos"}};
constexpr Row kLocality[] = {{1, "Region"}, {2, "Zone"}};
constexpr Row kRemoteInfo[] = {{1, "Partition"}, {2, "Datacenter"}, {3, "Locality"}};
constexpr Row kStreamStatus[] = {
    {1, "ImportedServices"}, {2, "ExportedServices"}, {3, "LastHeartbeat"}, {4, "LastReceive"}, {5, "LastSend"}};
constexpr Row kPeering[] = {{1, "ID"},
                            {2, "Name"},
                            {3, "Partition"},
                            {4, "DeletedAt"},
                            {5, "Meta"},
                            {6, "State"},
                            {7, "PeerID"},
                            {8, "PeerCAPems"},
                            {9, "PeerServerName"},
                            {10, "PeerServerAddresses"},
                            {11, "CreateIndex"},
                            {12, "ModifyIndex"},
                            {13, "StreamStatus"},
                            {17, "Remote"},
                            {18, "ManualServerAddresses"}};
constexpr Row kTrustBundle[] = {{1, "TrustDomain"},       {2, "PeerName"},    {3, "Partition"},  {4, "RootPEMs"},
                                {5, "ExportedPartition"}, {6, "CreateIndex"}, {7, "ModifyIndex"}};
constexpr Row kEstablishmentSecret[] = {{1, "SecretID"}};
constexpr Row kStreamSecrets[] = {{1, "ActiveSecretID"}, {2, "PendingSecretID"}};
constexpr Row kSecrets[] = {{1, "PeerID"}, {2, "establishment"}, {3, "stream"}};
constexpr Row kGenerateTokenSecrets[] = {{1, "establishment_secret"}};
constexpr Row kExchangeSecrets[] = {{1, "establishment_secret"}, {2, "pending_stream_secret"}};
constexpr Row kActiveSecrets[] = {{1, "active_stream_secret"}};
constexpr Row kSecretsWrite[] = {
    {1, "PeerID"}, {2, "generate_token"}, {3, "exchange_secret"}, {4, "promote_pending"}, {5, "establish"}};
constexpr Row kPeeringWrite[] = {{1, "Peering"}, {2, "SecretsRequest"}, {3, "Meta"}};
constexpr Row kNameRequest[] = {{1, "Name"}, {2, "Partition"}};
constexpr Row kTerminate[] = {{1, "ID"}};
constexpr Row kTrustBundleWrite[] = {{1, "PeeringTrustBundle"}};

}  // namespace

void add_peering_messages(base::pb::Schema& schema) {
  schema.add<Timestamp>(kTimestamp);
  schema.add<RemoteInfo>(kRemoteInfo);
  schema.add<StreamStatus>(kStreamStatus);
  schema.add<Peering>(kPeering);
  schema.add<PeeringTrustBundle>(kTrustBundle);
  schema.add<EstablishmentSecret>(kEstablishmentSecret);
  schema.add<StreamSecrets>(kStreamSecrets);
  schema.add<PeeringSecrets>(kSecrets);
  schema.add<GenerateTokenSecrets>(kGenerateTokenSecrets);
  schema.add<ExchangeSecrets>(kExchangeSecrets);
  schema.add<ActiveSecrets>(kActiveSecrets);
  schema.add<SecretsWriteRequest>(kSecretsWrite);
  schema.add<PeeringWriteRequest>(kPeeringWrite);
  schema.add<PeeringNameRequest>(kNameRequest);
  schema.add<PeeringTerminateByIDRequest>(kTerminate);
  schema.add<PeeringTrustBundleWriteRequest>(kTrustBundleWrite);
}

const base::pb::Schema& peering_schema() {
  static const base::pb::Schema& schema = *[] {
    auto* made = new base::pb::Schema;  // never destroyed: threads may still use it at exit
    made->add<Locality>(kLocality);
    add_peering_messages(*made);
    made->link();
    return made;
  }();
  return schema;
}

base::Result<std::string_view> peering_record(std::string_view body) {
  base::MsgpackReader reader(body);
  const std::string_view bytes = reader.string();
  if (base::Result<> status = reader.status(); !status) return status.error();
  return bytes;
}

}  // namespace proconsul::catalog
