#include "catalog/types/service.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(Weights, "structs.Weights") {
  type.field("Passing", &Weights::Passing);
  type.field("Warning", &Weights::Warning);
}

PROCONSUL_DESCRIBE_TYPE(ServiceAddress, "structs.ServiceAddress") {
  type.field("Address", &ServiceAddress::Address);
  type.field("Port", &ServiceAddress::Port);
}

PROCONSUL_DESCRIBE_TYPE(PeeringServiceMeta, "structs.PeeringServiceMeta") {
  type.field("SNI", &PeeringServiceMeta::SNI).omit_empty();
  type.field("SpiffeID", &PeeringServiceMeta::SpiffeID).omit_empty();
  type.field("Protocol", &PeeringServiceMeta::Protocol).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceConnect, "structs.ServiceConnect") {
  type.field("Native", &ServiceConnect::Native).omit_empty();
  type.field("SidecarService", &ServiceConnect::SidecarService).omit_empty().alias("sidecar_service").no_filter();
  type.field("PeerMeta", &ServiceConnect::PeerMeta).omit_empty().no_filter();
  type.json_shadow_lenient(R"(struct { SidecarServiceSnake *structs.ServiceDefinition "json:\"sidecar_service\""; )"
                           R"(*structs.Alias })");
}

PROCONSUL_DESCRIBE_TYPE(ServiceDefinition, "structs.ServiceDefinition") {
  type.field("Kind", &ServiceDefinition::Kind).go_type("structs.ServiceKind").omit_empty();
  type.field("ID", &ServiceDefinition::ID);
  type.field("Name", &ServiceDefinition::Name);
  type.field("Tags", &ServiceDefinition::Tags);
  type.field("Address", &ServiceDefinition::Address);
  type.field("TaggedAddresses", &ServiceDefinition::TaggedAddresses).alias("tagged_addresses");
  type.field("Meta", &ServiceDefinition::Meta);
  type.field("Port", &ServiceDefinition::Port);
  type.field("SocketPath", &ServiceDefinition::SocketPath);
  type.field("Check", &ServiceDefinition::Check);
  type.field("Checks", &ServiceDefinition::Checks).go_type("structs.CheckTypes");
  type.field("Weights", &ServiceDefinition::Weights);
  type.field("Token", &ServiceDefinition::Token);
  type.field("EnableTagOverride", &ServiceDefinition::EnableTagOverride).alias("enable_tag_override");
  type.field("Locality", &ServiceDefinition::Locality);
  type.field("Proxy", &ServiceDefinition::Proxy);
  type.field("Connect", &ServiceDefinition::Connect);
  type.json_shadow(R"(struct { EnableTagOverrideSnake bool "json:\"enable_tag_override\""; )"
                   R"(TaggedAddressesSnake map[string]structs.ServiceAddress "json:\"tagged_addresses\""; )"
                   R"(*structs.Alias })");
}

PROCONSUL_DESCRIBE_TYPE(NodeService, "structs.NodeService") {
  type.field("Kind", &NodeService::Kind).go_type("structs.ServiceKind").omit_empty();
  type.field("ID", &NodeService::ID);
  type.field("Service", &NodeService::Service);
  type.field("Tags", &NodeService::Tags);
  type.field("Address", &NodeService::Address);
  type.field("TaggedAddresses", &NodeService::TaggedAddresses).omit_empty();
  type.field("Meta", &NodeService::Meta);
  type.field("Port", &NodeService::Port).omit_empty();
  type.field("SocketPath", &NodeService::SocketPath).omit_empty();
  type.field("Weights", &NodeService::Weights);
  type.field("EnableTagOverride", &NodeService::EnableTagOverride);
  type.field("Locality", &NodeService::Locality).omit_empty().no_filter();
  type.field("Proxy", &NodeService::Proxy);
  type.field("Connect", &NodeService::Connect);
  type.field("LocallyRegisteredAsSidecar", &NodeService::LocallyRegisteredAsSidecar).no_json().no_filter();
  type.field("PeerName", &NodeService::PeerName);
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceNode, "structs.ServiceNode") {
  type.field("ID", &ServiceNode::ID).go_type("types.NodeID");
  type.field("Node", &ServiceNode::Node);
  type.field("Address", &ServiceNode::Address);
  type.field("Datacenter", &ServiceNode::Datacenter);
  type.field("TaggedAddresses", &ServiceNode::TaggedAddresses);
  type.field("NodeMeta", &ServiceNode::NodeMeta);
  type.field("ServiceKind", &ServiceNode::ServiceKind).go_type("structs.ServiceKind");
  type.field("ServiceID", &ServiceNode::ServiceID);
  type.field("ServiceName", &ServiceNode::ServiceName);
  type.field("ServiceTags", &ServiceNode::ServiceTags);
  type.field("ServiceAddress", &ServiceNode::ServiceAddress);
  type.field("ServiceTaggedAddresses", &ServiceNode::ServiceTaggedAddresses).omit_empty();
  type.field("ServiceWeights", &ServiceNode::ServiceWeights);
  type.field("ServiceMeta", &ServiceNode::ServiceMeta);
  type.field("ServicePort", &ServiceNode::ServicePort);
  type.field("ServiceSocketPath", &ServiceNode::ServiceSocketPath);
  type.field("ServiceEnableTagOverride", &ServiceNode::ServiceEnableTagOverride);
  type.field("ServiceProxy", &ServiceNode::ServiceProxy);
  type.field("ServiceConnect", &ServiceNode::ServiceConnect);
  type.field("ServiceLocality", &ServiceNode::ServiceLocality).no_filter();
  type.field("PeerName", &ServiceNode::PeerName).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(CheckServiceNode, "structs.CheckServiceNode") {
  type.field("Node", &CheckServiceNode::Node);
  type.field("Service", &CheckServiceNode::Service);
  type.field("Checks", &CheckServiceNode::Checks).go_type("structs.HealthChecks");
}

PROCONSUL_DESCRIBE_TYPE(NodeServices, "structs.NodeServices") {
  type.field("Node", &NodeServices::Node);
  type.field("Services", &NodeServices::Services);
}

PROCONSUL_DESCRIBE_TYPE(NodeServiceList, "structs.NodeServiceList") {
  type.field("Node", &NodeServiceList::Node);
  type.field("Services", &NodeServiceList::Services);
}

PROCONSUL_DESCRIBE_TYPE(NodeInfo, "structs.NodeInfo") {
  type.field("ID", &NodeInfo::ID).go_type("types.NodeID");
  type.field("Node", &NodeInfo::Node);
  type.field("Partition", &NodeInfo::Partition).omit_empty();
  type.field("PeerName", &NodeInfo::PeerName).omit_empty();
  type.field("Address", &NodeInfo::Address);
  type.field("TaggedAddresses", &NodeInfo::TaggedAddresses);
  type.field("Meta", &NodeInfo::Meta);
  type.field("Services", &NodeInfo::Services);
  type.field("Checks", &NodeInfo::Checks).go_type("structs.HealthChecks");
}

PROCONSUL_DESCRIBE_TYPE(ServiceName, "structs.ServiceName") {
  type.field("Name", &ServiceName::Name);
}

PROCONSUL_DESCRIBE_TYPE(PeeredServiceName, "structs.PeeredServiceName") {
  type.field("ServiceName", &PeeredServiceName::ServiceName);
  type.field("Peer", &PeeredServiceName::Peer);
}

PROCONSUL_DESCRIBE_TYPE(GatewayService, "structs.GatewayService") {
  type.field("Gateway", &GatewayService::Gateway);
  type.field("Service", &GatewayService::Service);
  type.field("GatewayKind", &GatewayService::GatewayKind).go_type("structs.ServiceKind");
  type.field("Port", &GatewayService::Port).omit_empty();
  type.field("Protocol", &GatewayService::Protocol).omit_empty();
  type.field("Hosts", &GatewayService::Hosts).omit_empty();
  type.field("CAFile", &GatewayService::CAFile).omit_empty();
  type.field("CertFile", &GatewayService::CertFile).omit_empty();
  type.field("KeyFile", &GatewayService::KeyFile).omit_empty();
  type.field("SNI", &GatewayService::SNI).omit_empty();
  type.field("FromWildcard", &GatewayService::FromWildcard).omit_empty();
  type.field("ServiceKind", &GatewayService::ServiceKind).go_type("structs.GatewayServiceKind").omit_empty();
  type.embed<RaftIndex>();
  type.field("AutoHostRewrite", &GatewayService::AutoHostRewrite).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceInfo, "structs.ServiceInfo") {
  type.field("Node", &ServiceInfo::Node);
  type.field("Service", &ServiceInfo::Service);
  type.field("Checks", &ServiceInfo::Checks).go_type("structs.HealthChecks");
  type.field("GatewayService", &ServiceInfo::GatewayService);
}

}  // namespace proconsul::catalog
