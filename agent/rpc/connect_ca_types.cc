#include "agent/rpc/connect_ca_types.h"

#include "base/type_of.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(TrustedRoots, "structs.IndexedCARoots") {
  type.field("ActiveRootID", &TrustedRoots::ActiveRootID);
  type.field("TrustDomain", &TrustedRoots::TrustDomain);
  type.field("Roots", &TrustedRoots::Roots);
}

PROCONSUL_DESCRIBE_TYPE(IndexedCARoots, "structs.IndexedCARoots") {
  type.embed<TrustedRoots>();
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(CASignRequest, "structs.CASignRequest") {
  type.field("Datacenter", &CASignRequest::Datacenter);
  type.field("CSR", &CASignRequest::CSR);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(IssuedCert, "structs.IssuedCert") {
  type.field("SerialNumber", &IssuedCert::SerialNumber);
  type.field("CertPEM", &IssuedCert::CertPEM).omit_empty();
  type.field("PrivateKeyPEM", &IssuedCert::PrivateKeyPEM).omit_empty();
  type.field("Service", &IssuedCert::Service).omit_empty();
  type.field("ServiceURI", &IssuedCert::ServiceURI).omit_empty();
  type.field("Agent", &IssuedCert::Agent).omit_empty();
  type.field("AgentURI", &IssuedCert::AgentURI).omit_empty();
  type.field("ServerURI", &IssuedCert::ServerURI).omit_empty();
  type.field("Kind", &IssuedCert::Kind).omit_empty();
  type.field("KindURI", &IssuedCert::KindURI).omit_empty();
  type.field("ValidAfter", &IssuedCert::ValidAfter);
  type.field("ValidBefore", &IssuedCert::ValidBefore);
  type.embed<catalog::RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(SignedResponse, "structs.SignedResponse") {
  type.field("IssuedCert", &SignedResponse::IssuedCert);
  type.field("ConnectCARoots", &SignedResponse::ConnectCARoots);
  type.field("ManualCARoots", &SignedResponse::ManualCARoots);
  type.field("GossipKey", &SignedResponse::GossipKey);
  type.field("VerifyServerHostname", &SignedResponse::VerifyServerHostname);
}

}  // namespace proconsul::agent::rpc
