#include "agent/grpc/messages.h"

#include <array>
#include <cstddef>

#include "base/type_of.h"

namespace proconsul::agent::grpc {

PROCONSUL_DESCRIBE_TYPE(NamedSubject, "pbsubscribe.NamedSubject") {
  type.field("Key", &NamedSubject::Key);
  type.field("Namespace", &NamedSubject::Namespace);
  type.field("Partition", &NamedSubject::Partition);
  type.field("PeerName", &NamedSubject::PeerName);
}

PROCONSUL_DESCRIBE_TYPE(SubscribeRequest, "pbsubscribe.SubscribeRequest") {
  type.field("Topic", &SubscribeRequest::Topic);
  type.field("Key", &SubscribeRequest::Key);
  type.field("Token", &SubscribeRequest::Token);
  type.field("Index", &SubscribeRequest::Index);
  type.field("Datacenter", &SubscribeRequest::Datacenter);
  type.field("Namespace", &SubscribeRequest::Namespace);
  type.field("Partition", &SubscribeRequest::Partition);
  type.field("PeerName", &SubscribeRequest::PeerName);
  type.field("WildcardSubject", &SubscribeRequest::WildcardSubject);
  type.field("NamedSubject", &SubscribeRequest::NamedSubject);
}

PROCONSUL_DESCRIBE_TYPE(ServiceHealthUpdate, "pbsubscribe.ServiceHealthUpdate") {
  type.field("Op", &ServiceHealthUpdate::Op);
  type.field("CheckServiceNode", &ServiceHealthUpdate::CheckServiceNode);
}

PROCONSUL_DESCRIBE_TYPE(ServiceListUpdate, "pbsubscribe.ServiceListUpdate") {
  type.field("Op", &ServiceListUpdate::Op);
  type.field("Name", &ServiceListUpdate::Name);
  type.field("PeerName", &ServiceListUpdate::PeerName);
}

PROCONSUL_DESCRIBE_TYPE(EventBatch, "pbsubscribe.EventBatch") {
  type.field("Events", &EventBatch::Events);
}

PROCONSUL_DESCRIBE_TYPE(Event, "pbsubscribe.Event") {
  type.field("Index", &Event::Index);
  type.field("EndOfSnapshot", &Event::EndOfSnapshot);
  type.field("NewSnapshotToFollow", &Event::NewSnapshotToFollow);
  type.field("EventBatch", &Event::EventBatch);
  type.field("ServiceHealth", &Event::ServiceHealth);
  type.field("Service", &Event::Service);
}

std::string topic_name(Topic topic) {
  static constexpr std::array<const char*, 19> kNames = {
      "Unknown",        "ServiceHealth",     "ServiceHealthConnect", "MeshConfig",           "ServiceResolver",
      "IngressGateway", "ServiceIntentions", "ServiceList",          "ServiceDefaults",      "APIGateway",
      "TCPRoute",       "HTTPRoute",         "InlineCertificate",    "BoundAPIGateway",      "IPRateLimit",
      "SamenessGroup",  "JWTProvider",       "ExportedServices",     "FileSystemCertificate"};
  const auto number = static_cast<std::int32_t>(topic);
  if (number < 0 || static_cast<std::size_t>(number) >= kNames.size()) return std::to_string(number);
  return kNames[static_cast<std::size_t>(number)];
}

namespace {

using base::pb::Row;

// Enterprise's fields: always there, always empty.
constexpr std::span<const Row> kNothing{};
constexpr Row kRaftIndex[] = {{1, "CreateIndex"}, {2, "ModifyIndex"}};

constexpr Row kNamedSubject[] = {{1, "Key"}, {2, "Namespace"}, {3, "Partition"}, {4, "PeerName"}};
constexpr Row kSubscribeRequest[] = {{1, "Topic"},           {2, "Key"},          {3, "Token"},     {4, "Index"},
                                     {5, "Datacenter"},      {6, "Namespace"},    {7, "Partition"}, {8, "PeerName"},
                                     {9, "WildcardSubject"}, {10, "NamedSubject"}};
constexpr Row kServiceHealthUpdate[] = {{1, "Op"}, {2, "CheckServiceNode"}};
constexpr Row kServiceListUpdate[] = {{1, "Op"}, {2, "Name"}, {3, "EnterpriseMeta", kNothing}, {4, "PeerName"}};
constexpr Row kEventBatch[] = {{1, "Events"}};
constexpr Row kEvent[] = {{1, "Index"},      {2, "EndOfSnapshot"},  {3, "NewSnapshotToFollow"},
                          {4, "EventBatch"}, {10, "ServiceHealth"}, {12, "Service"}};

constexpr Row kLocality[] = {{1, "Region"}, {2, "Zone"}};
constexpr Row kEnvoyExtension[] = {
    {1, "Name"}, {2, "Required"}, {3, "Arguments"}, {4, "ConsulVersion"}, {5, "EnvoyVersion"}};

constexpr Row kCheckServiceNode[] = {{1, "Node"}, {2, "Service"}, {3, "Checks"}};
constexpr Row kNode[] = {{1, "ID"},
                         {2, "Node"},
                         {3, "Address"},
                         {4, "Datacenter"},
                         {5, "TaggedAddresses"},
                         {6, "Meta"},
                         {7, "RaftIndex", kRaftIndex},
                         {8, "Partition"},
                         {9, "PeerName"},
                         {10, "Locality"}};
constexpr Row kNodeService[] = {{1, "Kind"},
                                {2, "ID"},
                                {3, "Service"},
                                {4, "Tags"},
                                {5, "Address"},
                                {6, "Meta"},
                                {7, "Port"},
                                {8, "Weights"},
                                {9, "EnableTagOverride"},
                                {11, "Proxy"},
                                {12, "Connect"},
                                {13, "LocallyRegisteredAsSidecar"},
                                {14, "RaftIndex", kRaftIndex},
                                {15, "TaggedAddresses"},
                                {16, "EnterpriseMeta", kNothing},
                                {17, "SocketPath"},
                                {18, "PeerName"},
                                {19, "Locality"}};
constexpr Row kHealthCheck[] = {{1, "Node"},
                                {2, "CheckID"},
                                {3, "Name"},
                                {4, "Status"},
                                {5, "Notes"},
                                {6, "Output"},
                                {7, "ServiceID"},
                                {8, "ServiceName"},
                                {9, "ServiceTags"},
                                {10, "Definition"},
                                {11, "RaftIndex", kRaftIndex},
                                {12, "Type"},
                                {13, "EnterpriseMeta", kNothing},
                                {14, "ExposedPort"},
                                {15, "Interval"},
                                {16, "Timeout"},
                                {17, "PeerName"}};
constexpr Row kHealthCheckDefinition[] = {{1, "HTTP"},
                                          {2, "TLSSkipVerify"},
                                          {3, "Header"},
                                          {4, "Method"},
                                          {5, "TCP"},
                                          {6, "Interval"},
                                          {7, "Timeout"},
                                          {8, "DeregisterCriticalServiceAfter"},
                                          {9, "OutputMaxSize"},
                                          {10, "ScriptArgs"},
                                          {11, "DockerContainerID"},
                                          {12, "Shell"},
                                          {13, "GRPC"},
                                          {14, "GRPCUseTLS"},
                                          {15, "AliasNode"},
                                          {16, "AliasService"},
                                          {17, "TTL"},
                                          {18, "Body"},
                                          {19, "TLSServerName"},
                                          {20, "H2PING"},
                                          {21, "H2PingUseTLS"},
                                          {22, "DisableRedirects"},
                                          {23, "UDP"},
                                          {24, "OSService"},
                                          {25, "TCPUseTLS"},
                                          {26, "SessionName"}};
constexpr Row kWeights[] = {{1, "Passing"}, {2, "Warning"}};
constexpr Row kServiceAddress[] = {{1, "Address"}, {2, "Port"}};
constexpr Row kServiceConnect[] = {{1, "Native"}, {3, "SidecarService"}, {4, "PeerMeta"}};
constexpr Row kPeeringServiceMeta[] = {{1, "SNI"}, {2, "SpiffeID"}, {3, "Protocol"}};
constexpr Row kConnectProxyConfig[] = {{1, "DestinationServiceName"},
                                       {2, "DestinationServiceID"},
                                       {3, "LocalServiceAddress"},
                                       {4, "LocalServicePort"},
                                       {5, "Config"},
                                       {6, "Upstreams"},
                                       {7, "MeshGateway"},
                                       {8, "Expose"},
                                       {9, "Mode"},
                                       {10, "TransparentProxy"},
                                       {11, "LocalServiceSocketPath"},
                                       {12, "EnvoyExtensions"},
                                       {13, "AccessLogs"}};
constexpr Row kUpstream[] = {{1, "DestinationType"},
                             {2, "DestinationNamespace"},
                             {3, "DestinationName"},
                             {4, "Datacenter"},
                             {5, "LocalBindAddress"},
                             {6, "LocalBindPort"},
                             {7, "Config"},
                             {8, "MeshGateway"},
                             {9, "CentrallyConfigured"},
                             {10, "LocalBindSocketPath"},
                             {11, "LocalBindSocketMode"},
                             {12, "DestinationPartition"},
                             {13, "DestinationPeer"}};
constexpr Row kMeshGatewayConfig[] = {{1, "Mode"}};
constexpr Row kTransparentProxyConfig[] = {{1, "OutboundListenerPort"}, {2, "DialedDirectly"}};
constexpr Row kAccessLogsConfig[] = {{1, "Enabled"}, {2, "DisableListenerLogs"}, {3, "Type"},
                                     {4, "Path"},    {5, "JSONFormat"},          {6, "TextFormat"}};
constexpr Row kExposeConfig[] = {{1, "Checks"}, {2, "Paths"}};
constexpr Row kExposePath[] = {
    {1, "ListenerPort"}, {2, "Path"}, {3, "LocalPathPort"}, {4, "Protocol"}, {5, "ParsedFromCheck"}};
constexpr Row kServiceDefinition[] = {{1, "Kind"},
                                      {2, "ID"},
                                      {3, "Name"},
                                      {4, "Tags"},
                                      {5, "Address"},
                                      {6, "Meta"},
                                      {7, "Port"},
                                      {8, "Check"},
                                      {9, "Checks"},
                                      {10, "Weights"},
                                      {11, "Token"},
                                      {12, "EnableTagOverride"},
                                      {14, "Proxy"},
                                      {15, "Connect"},
                                      {16, "TaggedAddresses"},
                                      {17, "EnterpriseMeta", kNothing},
                                      {18, "SocketPath"},
                                      {19, "Locality"}};
constexpr Row kCheckType[] = {{1, "CheckID"},
                              {2, "Name"},
                              {3, "Status"},
                              {4, "Notes"},
                              {5, "ScriptArgs"},
                              {6, "HTTP"},
                              {7, "Method"},
                              {8, "TCP"},
                              {9, "Interval"},
                              {10, "AliasNode"},
                              {11, "AliasService"},
                              {12, "DockerContainerID"},
                              {13, "Shell"},
                              {14, "GRPC"},
                              {15, "GRPCUseTLS"},
                              {16, "TLSSkipVerify"},
                              {17, "Timeout"},
                              {18, "TTL"},
                              {19, "DeregisterCriticalServiceAfter"},
                              {20, "Header"},
                              {21, "SuccessBeforePassing"},
                              {22, "FailuresBeforeCritical"},
                              {23, "ProxyHTTP"},
                              {24, "ProxyGRPC"},
                              {25, "OutputMaxSize"},
                              {26, "Body"},
                              {27, "TLSServerName"},
                              {28, "H2PING"},
                              {29, "FailuresBeforeWarning"},
                              {30, "H2PingUseTLS"},
                              {31, "DisableRedirects"},
                              {32, "UDP"},
                              {33, "OSService"},
                              {34, "TCPUseTLS"}};

}  // namespace

void add_messages(base::pb::Schema& schema) {
  schema.add<NamedSubject>(kNamedSubject);
  schema.add<SubscribeRequest>(kSubscribeRequest);
  schema.add<ServiceHealthUpdate>(kServiceHealthUpdate);
  schema.add<ServiceListUpdate>(kServiceListUpdate);
  schema.add<EventBatch>(kEventBatch);
  schema.add<Event>(kEvent);
  schema.add<catalog::Locality>(kLocality);
  schema.add<catalog::EnvoyExtension>(kEnvoyExtension);
  schema.add<catalog::CheckServiceNode>(kCheckServiceNode);
  schema.add<catalog::Node>(kNode);
  schema.add<catalog::NodeService>(kNodeService);
  schema.add<catalog::HealthCheck>(kHealthCheck);
  schema.add<catalog::HealthCheckDefinition>(kHealthCheckDefinition);
  schema.add<catalog::Weights>(kWeights);
  schema.add<catalog::ServiceAddress>(kServiceAddress);
  schema.add<catalog::ServiceConnect>(kServiceConnect);
  schema.add<catalog::PeeringServiceMeta>(kPeeringServiceMeta);
  schema.add<catalog::ConnectProxyConfig>(kConnectProxyConfig);
  schema.add<catalog::Upstream>(kUpstream);
  schema.add<catalog::MeshGatewayConfig>(kMeshGatewayConfig);
  schema.add<catalog::TransparentProxyConfig>(kTransparentProxyConfig);
  schema.add<catalog::AccessLogsConfig>(kAccessLogsConfig);
  schema.add<catalog::ExposeConfig>(kExposeConfig);
  schema.add<catalog::ExposePath>(kExposePath);
  schema.add<catalog::ServiceDefinition>(kServiceDefinition);
  schema.add<catalog::CheckType>(kCheckType);
}

const base::pb::Schema& schema() {
  static const base::pb::Schema& filled = [] -> const base::pb::Schema& {
    auto* made = new base::pb::Schema;  // never destroyed
    add_messages(*made);
    made->link();
    return *made;
  }();
  return filled;
}

}  // namespace proconsul::agent::grpc
