#include "catalog/types/discovery_chain.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(DiscoveryFailover, "structs.DiscoveryFailover") {
  type.field("Targets", &DiscoveryFailover::Targets).omit_empty();
  type.field("Policy", &DiscoveryFailover::Policy).omit_empty();
  type.field("Regions", &DiscoveryFailover::Regions).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(DiscoveryResolver, "structs.DiscoveryResolver") {
  type.field("ConnectTimeout", &DiscoveryResolver::ConnectTimeout).readable().omit_empty();
  type.field("Default", &DiscoveryResolver::Default).omit_empty();
  type.field("RequestTimeout", &DiscoveryResolver::RequestTimeout).omit_empty();
  type.field("Target", &DiscoveryResolver::Target).omit_empty();
  type.field("Failover", &DiscoveryResolver::Failover).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(DiscoveryRoute, "structs.DiscoveryRoute") {
  type.field("Definition", &DiscoveryRoute::Definition).omit_empty();
  type.field("NextNode", &DiscoveryRoute::NextNode).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(DiscoverySplit, "structs.DiscoverySplit") {
  type.field("Definition", &DiscoverySplit::Definition).omit_empty();
  type.field("Weight", &DiscoverySplit::Weight).omit_empty();
  type.field("NextNode", &DiscoverySplit::NextNode).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(DiscoveryGraphNode, "structs.DiscoveryGraphNode") {
  type.field("Type", &DiscoveryGraphNode::Type);
  type.field("Name", &DiscoveryGraphNode::Name);
  type.field("Routes", &DiscoveryGraphNode::Routes).omit_empty();
  type.field("Splits", &DiscoveryGraphNode::Splits).omit_empty();
  type.field("Resolver", &DiscoveryGraphNode::Resolver).omit_empty();
  type.field("LoadBalancer", &DiscoveryGraphNode::LoadBalancer).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(DiscoveryPrioritizeByLocality, "structs.DiscoveryPrioritizeByLocality") {
  type.field("Mode", &DiscoveryPrioritizeByLocality::Mode).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(DiscoveryTarget, "structs.DiscoveryTarget") {
  type.field("ConnectTimeout", &DiscoveryTarget::ConnectTimeout).readable().omit_empty();
  type.field("ID", &DiscoveryTarget::ID).omit_empty();
  type.field("Service", &DiscoveryTarget::Service).omit_empty();
  type.field("ServiceSubset", &DiscoveryTarget::ServiceSubset).omit_empty();
  type.field("Namespace", &DiscoveryTarget::Namespace).omit_empty();
  type.field("Partition", &DiscoveryTarget::Partition).omit_empty();
  type.field("Datacenter", &DiscoveryTarget::Datacenter).omit_empty();
  type.field("Peer", &DiscoveryTarget::Peer).omit_empty();
  type.field("Locality", &DiscoveryTarget::Locality).omit_empty();
  type.field("MeshGateway", &DiscoveryTarget::MeshGateway);
  type.field("Subset", &DiscoveryTarget::Subset);
  type.field("TransparentProxy", &DiscoveryTarget::TransparentProxy);
  type.field("External", &DiscoveryTarget::External).omit_empty();
  type.field("SNI", &DiscoveryTarget::SNI).omit_empty();
  type.field("Name", &DiscoveryTarget::Name).omit_empty();
  type.field("PrioritizeByLocality", &DiscoveryTarget::PrioritizeByLocality).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(CompiledDiscoveryChain, "structs.CompiledDiscoveryChain") {
  type.field("ServiceName", &CompiledDiscoveryChain::ServiceName);
  type.field("Namespace", &CompiledDiscoveryChain::Namespace);
  type.field("Partition", &CompiledDiscoveryChain::Partition);
  type.field("Datacenter", &CompiledDiscoveryChain::Datacenter);
  type.field("CustomizationHash", &CompiledDiscoveryChain::CustomizationHash).omit_empty();
  type.field("Default", &CompiledDiscoveryChain::Default).omit_empty();
  type.field("Protocol", &CompiledDiscoveryChain::Protocol).omit_empty();
  type.field("ServiceMeta", &CompiledDiscoveryChain::ServiceMeta).omit_empty();
  type.field("EnvoyExtensions", &CompiledDiscoveryChain::EnvoyExtensions).omit_empty();
  type.field("StartNode", &CompiledDiscoveryChain::StartNode).omit_empty();
  type.field("Nodes", &CompiledDiscoveryChain::Nodes).omit_empty();
  type.field("Targets", &CompiledDiscoveryChain::Targets).omit_empty();
  type.field("AutoVirtualIPs", &CompiledDiscoveryChain::AutoVirtualIPs);
  type.field("ManualVirtualIPs", &CompiledDiscoveryChain::ManualVirtualIPs);
}

}  // namespace proconsul::catalog
