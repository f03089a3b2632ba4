#include "agent/peering/messages.h"

#include "agent/grpc/messages.h"
#include "base/type_of.h"
#include "catalog/peering/codec.h"

namespace proconsul::agent::peering {

PROCONSUL_DESCRIBE_TYPE(GenerateTokenRequest, "pbpeering.GenerateTokenRequest") {
  type.field("PeerName", &GenerateTokenRequest::PeerName);
  type.field("Partition", &GenerateTokenRequest::Partition);
  type.field("Meta", &GenerateTokenRequest::Meta);
  type.field("ServerExternalAddresses", &GenerateTokenRequest::ServerExternalAddresses);
}
PROCONSUL_DESCRIBE_TYPE(GenerateTokenResponse, "pbpeering.GenerateTokenResponse") {
  type.field("PeeringToken", &GenerateTokenResponse::PeeringToken);
}
PROCONSUL_DESCRIBE_TYPE(EstablishRequest, "pbpeering.EstablishRequest") {
  type.field("PeerName", &EstablishRequest::PeerName);
  type.field("PeeringToken", &EstablishRequest::PeeringToken);
  type.field("Partition", &EstablishRequest::Partition);
  type.field("Meta", &EstablishRequest::Meta);
}
PROCONSUL_DESCRIBE_TYPE(PeeringReadResponse, "pbpeering.PeeringReadResponse") {
  type.field("Peering", &PeeringReadResponse::Peering);
}
PROCONSUL_DESCRIBE_TYPE(PeeringListRequest, "pbpeering.PeeringListRequest") {
  type.field("Partition", &PeeringListRequest::Partition);
}
PROCONSUL_DESCRIBE_TYPE(PeeringListResponse, "pbpeering.PeeringListResponse") {
  type.field("Peerings", &PeeringListResponse::Peerings);
  type.field("OBSOLETE_Index", &PeeringListResponse::OBSOLETE_Index);
}
PROCONSUL_DESCRIBE_TYPE(TrustBundleListByServiceRequest, "pbpeering.TrustBundleListByServiceRequest") {
  type.field("ServiceName", &TrustBundleListByServiceRequest::ServiceName);
  type.field("Namespace", &TrustBundleListByServiceRequest::Namespace);
  type.field("Partition", &TrustBundleListByServiceRequest::Partition);
  type.field("Kind", &TrustBundleListByServiceRequest::Kind);
}
PROCONSUL_DESCRIBE_TYPE(TrustBundleListByServiceResponse, "pbpeering.TrustBundleListByServiceResponse") {
  type.field("OBSOLETE_Index", &TrustBundleListByServiceResponse::OBSOLETE_Index);
  type.field("Bundles", &TrustBundleListByServiceResponse::Bundles);
}
PROCONSUL_DESCRIBE_TYPE(TrustBundleReadResponse, "pbpeering.TrustBundleReadResponse") {
  type.field("OBSOLETE_Index", &TrustBundleReadResponse::OBSOLETE_Index);
  type.field("Bundle", &TrustBundleReadResponse::Bundle);
}
PROCONSUL_DESCRIBE_TYPE(Empty, "pbpeering.Empty") {
  (void)type;
}
PROCONSUL_DESCRIBE_TYPE(ExchangeSecretRequest, "pbpeering.ExchangeSecretRequest") {
  type.field("PeerID", &ExchangeSecretRequest::PeerID);
  type.field("EstablishmentSecret", &ExchangeSecretRequest::EstablishmentSecret);
}
PROCONSUL_DESCRIBE_TYPE(ExchangeSecretResponse, "pbpeering.ExchangeSecretResponse") {
  type.field("StreamSecret", &ExchangeSecretResponse::StreamSecret);
}
PROCONSUL_DESCRIBE_TYPE(StatusDetail, "pbpeering.StatusDetail") {
  type.field("code", &StatusDetail::code);
  type.field("message", &StatusDetail::message);
}
PROCONSUL_DESCRIBE_TYPE(Any, "pbpeering.Any") {
  type.field("type_url", &Any::type_url);
  type.field("value", &Any::value);
}
PROCONSUL_DESCRIBE_TYPE(Open, "pbpeering.Open") {
  type.field("PeerID", &Open::PeerID);
  type.field("StreamSecretID", &Open::StreamSecretID);
  type.field("Remote", &Open::Remote);
}
PROCONSUL_DESCRIBE_TYPE(Request, "pbpeering.Request") {
  type.field("PeerID", &Request::PeerID);
  type.field("ResponseNonce", &Request::ResponseNonce);
  type.field("ResourceURL", &Request::ResourceURL);
  type.field("Error", &Request::Error);
}
PROCONSUL_DESCRIBE_TYPE(Response, "pbpeering.Response") {
  type.field("Nonce", &Response::Nonce);
  type.field("ResourceURL", &Response::ResourceURL);
  type.field("ResourceID", &Response::ResourceID);
  type.field("Resource", &Response::Resource);
  type.field("operation", &Response::operation);
}
PROCONSUL_DESCRIBE_TYPE(ReplicationMessage, "pbpeering.ReplicationMessage") {
  type.field("open", &ReplicationMessage::open);
  type.field("request", &ReplicationMessage::request);
  type.field("response", &ReplicationMessage::response);
  type.field("terminated", &ReplicationMessage::terminated);
  type.field("heartbeat", &ReplicationMessage::heartbeat);
}
PROCONSUL_DESCRIBE_TYPE(ExportedService, "pbpeering.ExportedService") {
  type.field("Nodes", &ExportedService::Nodes);
}
PROCONSUL_DESCRIBE_TYPE(ExportedServiceList, "pbpeering.ExportedServiceList") {
  type.field("Services", &ExportedServiceList::Services);
}
PROCONSUL_DESCRIBE_TYPE(PeeringServerAddresses, "pbpeering.PeeringServerAddresses") {
  type.field("Addresses", &PeeringServerAddresses::Addresses);
}

bool is_known_url(const std::string& url) {
  return url == kExportedServiceUrl || url == kExportedServiceListUrl || url == kTrustBundleUrl ||
         url == kServerAddressesUrl;
}

namespace {

using base::pb::Row;

constexpr Row kGenerateTokenRequest[] = {
    {1, "PeerName"}, {2, "Partition"}, {5, "Meta"}, {6, "ServerExternalAddresses"}};
constexpr Row kGenerateTokenResponse[] = {{1, "PeeringToken"}};
constexpr Row kEstablishRequest[] = {{1, "PeerName"}, {2, "PeeringToken"}, {3, "Partition"}, {4, "Meta"}};
constexpr Row kPeeringReadResponse[] = {{1, "Peering"}};
constexpr Row kPeeringListRequest[] = {{1, "Partition"}};
constexpr Row kPeeringListResponse[] = {{1, "Peerings"}, {2, "OBSOLETE_Index"}};
constexpr Row kTrustBundleListByServiceRequest[] = {
    {1, "ServiceName"}, {2, "Namespace"}, {3, "Partition"}, {4, "Kind"}};
constexpr Row kTrustBundleListByServiceResponse[] = {{1, "OBSOLETE_Index"}, {2, "Bundles"}};
constexpr Row kTrustBundleReadResponse[] = {{1, "OBSOLETE_Index"}, {2, "Bundle"}};
constexpr std::span<const Row> kEmpty{};
constexpr Row kExchangeSecretRequest[] = {{1, "PeerID"}, {2, "EstablishmentSecret"}};
constexpr Row kExchangeSecretResponse[] = {{1, "StreamSecret"}};
constexpr Row kStatusDetail[] = {{1, "code"}, {2, "message"}};
constexpr Row kAny[] = {{1, "type_url"}, {2, "value"}};
constexpr Row kOpen[] = {{1, "PeerID"}, {2, "StreamSecretID"}, {3, "Remote"}};
constexpr Row kRequest[] = {{1, "PeerID"}, {2, "ResponseNonce"}, {3, "ResourceURL"}, {5, "Error"}};
constexpr Row kResponse[] = {{1, "Nonce"}, {2, "ResourceURL"}, {3, "ResourceID"}, {4, "Resource"}, {5, "operation"}};
constexpr Row kReplicationMessage[] = {
    {1, "open"}, {2, "request"}, {3, "response"}, {4, "terminated"}, {5, "heartbeat"}};
constexpr Row kExportedService[] = {{1, "Nodes"}};
constexpr Row kExportedServiceList[] = {{1, "Services"}};
constexpr Row kPeeringServerAddresses[] = {{1, "Addresses"}};

}  // namespace

const base::pb::Schema& schema() {
  static const base::pb::Schema& filled = [] -> const base::pb::Schema& {
    auto* made = new base::pb::Schema;  // never destroyed
    grpc::add_messages(*made);
    catalog::add_peering_messages(*made);
    made->add<GenerateTokenRequest>(kGenerateTokenRequest);
    made->add<GenerateTokenResponse>(kGenerateTokenResponse);
    made->add<EstablishRequest>(kEstablishRequest);
    made->add<PeeringReadResponse>(kPeeringReadResponse);
    made->add<PeeringListRequest>(kPeeringListRequest);
    made->add<PeeringListResponse>(kPeeringListResponse);
    made->add<TrustBundleListByServiceRequest>(kTrustBundleListByServiceRequest);
    made->add<TrustBundleListByServiceResponse>(kTrustBundleListByServiceResponse);
    made->add<TrustBundleReadResponse>(kTrustBundleReadResponse);
    made->add<Empty>(kEmpty);
    made->add<ExchangeSecretRequest>(kExchangeSecretRequest);
    made->add<ExchangeSecretResponse>(kExchangeSecretResponse);
    made->add<StatusDetail>(kStatusDetail);
    made->add<Any>(kAny);
    made->add<Open>(kOpen);
    made->add<Request>(kRequest);
    made->add<Response>(kResponse);
    made->add<ReplicationMessage>(kReplicationMessage);
    made->add<ExportedService>(kExportedService);
    made->add<ExportedServiceList>(kExportedServiceList);
    made->add<PeeringServerAddresses>(kPeeringServerAddresses);
    made->link();
    return *made;
  }();
  return filled;
}

}  // namespace proconsul::agent::peering
