#include "agent/watch/types.h"

namespace proconsul::agent::watch {

PROCONSUL_DESCRIBE_TYPE(ApiNode, "api.Node") {
  type.field("ID", &ApiNode::ID);
  type.field("Node", &ApiNode::Node);
  type.field("Address", &ApiNode::Address);
  type.field("Datacenter", &ApiNode::Datacenter);
  type.field("TaggedAddresses", &ApiNode::TaggedAddresses);
  type.field("Meta", &ApiNode::Meta);
  type.field("CreateIndex", &ApiNode::CreateIndex);
  type.field("ModifyIndex", &ApiNode::ModifyIndex);
  type.field("Partition", &ApiNode::Partition).omit_empty();
  type.field("PeerName", &ApiNode::PeerName).omit_empty();
  type.field("Locality", &ApiNode::Locality).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceEntry, "api.ServiceEntry") {
  type.field("Node", &ServiceEntry::Node);
  type.field("Service", &ServiceEntry::Service);
  type.field("Checks", &ServiceEntry::Checks);
}

PROCONSUL_DESCRIBE_TYPE(CaRoot, "api.CARoot") {
  type.field("ID", &CaRoot::ID);
  type.field("Name", &CaRoot::Name);
  type.field("RootCertPEM", &CaRoot::RootCertPEM).json("RootCert");
  type.field("Active", &CaRoot::Active);
  type.field("CreateIndex", &CaRoot::CreateIndex);
  type.field("ModifyIndex", &CaRoot::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(CaRootList, "api.CARootList") {
  type.field("ActiveRootID", &CaRootList::ActiveRootID);
  type.field("TrustDomain", &CaRootList::TrustDomain);
  type.field("Roots", &CaRootList::Roots);
}

PROCONSUL_DESCRIBE_TYPE(LeafCert, "api.LeafCert") {
  type.field("SerialNumber", &LeafCert::SerialNumber);
  type.field("CertPEM", &LeafCert::CertPEM).omit_empty();
  type.field("PrivateKeyPEM", &LeafCert::PrivateKeyPEM).omit_empty();
  type.field("Service", &LeafCert::Service);
  type.field("ServiceURI", &LeafCert::ServiceURI);
  type.field("ValidAfter", &LeafCert::ValidAfter);
  type.field("ValidBefore", &LeafCert::ValidBefore);
  type.field("CreateIndex", &LeafCert::CreateIndex);
  type.field("ModifyIndex", &LeafCert::ModifyIndex);
}

}  // namespace proconsul::agent::watch
