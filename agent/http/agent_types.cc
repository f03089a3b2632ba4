#include "agent/http/agent_types.h"

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(AgentUpstream, "api.Upstream") {
  type.field("DestinationType", &AgentUpstream::DestinationType).omit_empty();
  type.field("DestinationPartition", &AgentUpstream::DestinationPartition).omit_empty();
  type.field("DestinationNamespace", &AgentUpstream::DestinationNamespace).omit_empty();
  type.field("DestinationPeer", &AgentUpstream::DestinationPeer).omit_empty();
  type.field("DestinationName", &AgentUpstream::DestinationName);
  type.field("Datacenter", &AgentUpstream::Datacenter).omit_empty();
  type.field("LocalBindAddress", &AgentUpstream::LocalBindAddress).omit_empty();
  type.field("LocalBindPort", &AgentUpstream::LocalBindPort).omit_empty();
  type.field("LocalBindSocketPath", &AgentUpstream::LocalBindSocketPath).omit_empty();
  type.field("LocalBindSocketMode", &AgentUpstream::LocalBindSocketMode).omit_empty();
  type.field("Config", &AgentUpstream::Config).omit_empty().no_filter();
  type.field("MeshGateway", &AgentUpstream::MeshGateway);
}

PROCONSUL_DESCRIBE_TYPE(AgentExposePath, "api.ExposePath") {
  type.field("ListenerPort", &AgentExposePath::ListenerPort).omit_empty();
  type.field("Path", &AgentExposePath::Path).omit_empty();
  type.field("LocalPathPort", &AgentExposePath::LocalPathPort).omit_empty();
  type.field("Protocol", &AgentExposePath::Protocol).omit_empty();
  type.field("ParsedFromCheck", &AgentExposePath::ParsedFromCheck);
}

PROCONSUL_DESCRIBE_TYPE(AgentExpose, "api.ExposeConfig") {
  type.field("Checks", &AgentExpose::Checks).omit_empty();
  type.field("Paths", &AgentExpose::Paths).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AgentProxy, "api.AgentServiceConnectProxyConfig") {
  type.field("EnvoyExtensions", &AgentProxy::EnvoyExtensions).omit_empty();
  type.field("DestinationServiceName", &AgentProxy::DestinationServiceName).omit_empty();
  type.field("DestinationServiceID", &AgentProxy::DestinationServiceID).omit_empty();
  type.field("LocalServiceAddress", &AgentProxy::LocalServiceAddress).omit_empty();
  type.field("LocalServicePort", &AgentProxy::LocalServicePort).omit_empty();
  type.field("LocalServiceSocketPath", &AgentProxy::LocalServiceSocketPath).omit_empty();
  type.field("Mode", &AgentProxy::Mode).omit_empty();
  type.field("TransparentProxy", &AgentProxy::TransparentProxy).omit_empty();
  type.field("Config", &AgentProxy::Config).omit_empty().no_filter();
  type.field("Upstreams", &AgentProxy::Upstreams).omit_empty();
  type.field("MeshGateway", &AgentProxy::MeshGateway);
  type.field("Expose", &AgentProxy::Expose);
  type.field("AccessLogs", &AgentProxy::AccessLogs).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AgentConnect, "api.AgentServiceConnect") {
  type.field("Native", &AgentConnect::Native).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AgentLocality, "api.Locality") {
  type.field("Region", &AgentLocality::Region);
  type.field("Zone", &AgentLocality::Zone);
}

PROCONSUL_DESCRIBE_TYPE(AgentService, "api.AgentService") {
  type.field("Kind", &AgentService::Kind).omit_empty();
  type.field("ID", &AgentService::ID);
  type.field("Service", &AgentService::Service);
  type.field("Tags", &AgentService::Tags);
  type.field("Meta", &AgentService::Meta);
  type.field("Port", &AgentService::Port);
  type.field("Address", &AgentService::Address);
  type.field("SocketPath", &AgentService::SocketPath).omit_empty();
  type.field("TaggedAddresses", &AgentService::TaggedAddresses).omit_empty();
  type.field("Weights", &AgentService::Weights);
  type.field("EnableTagOverride", &AgentService::EnableTagOverride);
  type.field("CreateIndex", &AgentService::CreateIndex).omit_empty().no_filter();
  type.field("ModifyIndex", &AgentService::ModifyIndex).omit_empty().no_filter();
  type.field("ContentHash", &AgentService::ContentHash).omit_empty().no_filter();
  type.field("Proxy", &AgentService::Proxy).omit_empty();
  type.field("Connect", &AgentService::Connect).omit_empty();
  type.field("PeerName", &AgentService::PeerName).omit_empty();
  type.field("Datacenter", &AgentService::Datacenter).omit_empty().no_filter();
  type.field("Locality", &AgentService::Locality).omit_empty().no_filter();
}

PROCONSUL_DESCRIBE_TYPE(AgentCheckDefinition, "api.HealthCheckDefinition") {
  type.field("Interval", &AgentCheckDefinition::Interval).readable();
  type.field("Timeout", &AgentCheckDefinition::Timeout).readable();
  type.field("DeregisterCriticalServiceAfter", &AgentCheckDefinition::DeregisterCriticalServiceAfter).readable();
  type.field("HTTP", &AgentCheckDefinition::HTTP);
  type.field("Header", &AgentCheckDefinition::Header);
  type.field("Method", &AgentCheckDefinition::Method);
  type.field("Body", &AgentCheckDefinition::Body);
  type.field("TLSServerName", &AgentCheckDefinition::TLSServerName);
  type.field("TLSSkipVerify", &AgentCheckDefinition::TLSSkipVerify);
  type.field("TCP", &AgentCheckDefinition::TCP);
  type.field("TCPUseTLS", &AgentCheckDefinition::TCPUseTLS);
  type.field("UDP", &AgentCheckDefinition::UDP);
  type.field("GRPC", &AgentCheckDefinition::GRPC);
  type.field("OSService", &AgentCheckDefinition::OSService);
  type.field("GRPCUseTLS", &AgentCheckDefinition::GRPCUseTLS);
}

PROCONSUL_DESCRIBE_TYPE(AgentCheck, "api.HealthCheck") {
  type.field("Node", &AgentCheck::Node);
  type.field("CheckID", &AgentCheck::CheckID);
  type.field("Name", &AgentCheck::Name);
  type.field("Status", &AgentCheck::Status);
  type.field("Notes", &AgentCheck::Notes);
  type.field("Output", &AgentCheck::Output);
  type.field("ServiceID", &AgentCheck::ServiceID);
  type.field("ServiceName", &AgentCheck::ServiceName);
  type.field("ServiceTags", &AgentCheck::ServiceTags);
  type.field("Type", &AgentCheck::Type);
  type.field("ExposedPort", &AgentCheck::ExposedPort);
  type.field("Definition", &AgentCheck::Definition);
  type.field("CreateIndex", &AgentCheck::CreateIndex);
  type.field("ModifyIndex", &AgentCheck::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(ServiceChecksInfo, "api.AgentServiceChecksInfo") {
  type.field("AggregatedStatus", &ServiceChecksInfo::AggregatedStatus);
  type.field("Service", &ServiceChecksInfo::Service);
  type.field("Checks", &ServiceChecksInfo::Checks);
}

PROCONSUL_DESCRIBE_TYPE(CheckUpdate, "agent.checkUpdate") {
  type.field("Status", &CheckUpdate::Status);
  type.field("Output", &CheckUpdate::Output);
}

namespace {

AgentUpstream shown(const catalog::Upstream& upstream) {
  return {.DestinationType = upstream.DestinationType,
          .DestinationPartition = upstream.DestinationPartition,
          .DestinationNamespace = upstream.DestinationNamespace,
          .DestinationPeer = upstream.DestinationPeer,
          .DestinationName = upstream.DestinationName,
          .Datacenter = upstream.Datacenter,
          .LocalBindAddress = upstream.LocalBindAddress,
          .LocalBindPort = upstream.LocalBindPort,
          .LocalBindSocketPath = upstream.LocalBindSocketPath,
          .LocalBindSocketMode = upstream.LocalBindSocketMode,
          .Config = upstream.Config,
          .MeshGateway = *upstream.MeshGateway};
}

AgentProxy shown(const catalog::ConnectProxyConfig& proxy) {
  AgentProxy shown_proxy{.EnvoyExtensions = proxy.EnvoyExtensions,
                         .DestinationServiceName = proxy.DestinationServiceName,
                         .DestinationServiceID = proxy.DestinationServiceID,
                         .LocalServiceAddress = proxy.LocalServiceAddress,
                         .LocalServicePort = proxy.LocalServicePort,
                         .LocalServiceSocketPath = proxy.LocalServiceSocketPath,
                         .Mode = proxy.Mode,
                         .Config = proxy.Config,
                         .MeshGateway = *proxy.MeshGateway,
                         .Expose = {.Checks = proxy.Expose->Checks, .Paths = {}}};
  if (proxy.TransparentProxy.is_set()) shown_proxy.TransparentProxy = *proxy.TransparentProxy;
  if (proxy.AccessLogs.is_set()) shown_proxy.AccessLogs = *proxy.AccessLogs;
  for (const catalog::ExposePath& path : proxy.Expose->Paths) {
    shown_proxy.Expose.Paths.push_back({.ListenerPort = path.ListenerPort,
                                        .Path = path.Path,
                                        .LocalPathPort = path.LocalPathPort,
                                        .Protocol = path.Protocol,
                                        .ParsedFromCheck = path.ParsedFromCheck});
  }
  for (const catalog::Upstream& upstream : proxy.Upstreams) shown_proxy.Upstreams.push_back(shown(upstream));
  return shown_proxy;
}

bool has_proxy(std::string_view kind) {
  return kind == catalog::kKindConnectProxy || kind == catalog::kKindMeshGateway ||
         kind == catalog::kKindTerminatingGateway || kind == catalog::kKindIngressGateway ||
         kind == catalog::kKindApiGateway;
}

}  // namespace

AgentService shown(const catalog::NodeService& service, const std::string& datacenter) {
  AgentService agent_service{};
  agent_service.Kind = service.Kind;
  agent_service.ID = service.ID;
  agent_service.Service = service.Service;
  agent_service.Tags = service.Tags;
  agent_service.Tags.make_present();
  agent_service.Meta = service.Meta;
  agent_service.Meta.make_present();
  agent_service.Port = service.Port;
  agent_service.Address = service.Address;
  agent_service.SocketPath = service.SocketPath;
  agent_service.TaggedAddresses = service.TaggedAddresses;
  agent_service.Weights = {.Passing = 1, .Warning = 1};
  if (service.Weights) {
    if (service.Weights->Passing > 0) agent_service.Weights.Passing = service.Weights->Passing;
    agent_service.Weights.Warning = service.Weights->Warning;
  }
  agent_service.EnableTagOverride = service.EnableTagOverride;
  agent_service.CreateIndex = service.CreateIndex;
  agent_service.ModifyIndex = service.ModifyIndex;
  if (has_proxy(service.Kind)) agent_service.Proxy = shown(*service.Proxy);
  if (service.Connect->Native) agent_service.Connect = AgentConnect{.Native = true};
  agent_service.Datacenter = datacenter;
  if (service.Locality) {
    agent_service.Locality = AgentLocality{.Region = service.Locality->Region, .Zone = service.Locality->Zone};
  }
  return agent_service;
}

}  // namespace proconsul::agent::http
