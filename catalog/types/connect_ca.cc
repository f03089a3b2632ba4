#include "catalog/types/connect_ca.h"

#include "base/type_of.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(CARoot, "structs.CARoot") {
  type.field("ID", &CARoot::ID);
  type.field("Name", &CARoot::Name);
  type.field("SerialNumber", &CARoot::SerialNumber);
  type.field("SigningKeyID", &CARoot::SigningKeyID);
  type.field("ExternalTrustDomain", &CARoot::ExternalTrustDomain);
  type.field("NotBefore", &CARoot::NotBefore);
  type.field("NotAfter", &CARoot::NotAfter);
  type.field("RootCert", &CARoot::RootCert);
  type.field("IntermediateCerts", &CARoot::IntermediateCerts);
  type.field("SigningCert", &CARoot::SigningCert).omit_empty();
  type.field("SigningKey", &CARoot::SigningKey).omit_empty();
  type.field("Active", &CARoot::Active);
  type.field("RotatedOutAt", &CARoot::RotatedOutAt).no_json();
  type.field("PrivateKeyType", &CARoot::PrivateKeyType);
  type.field("PrivateKeyBits", &CARoot::PrivateKeyBits);
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(CAConfiguration, "structs.CAConfiguration") {
  type.field("ClusterID", &CAConfiguration::ClusterID).no_json();
  type.field("Provider", &CAConfiguration::Provider);
  type.field("Config", &CAConfiguration::Config);
  type.field("State", &CAConfiguration::State);
  type.field("ForceWithoutCrossSigning", &CAConfiguration::ForceWithoutCrossSigning)
      .alias("force_without_cross_signing");
  type.embed<RaftIndex>();
  type.json_shadow(R"(struct { ForceWithoutCrossSigningSnake bool "json:\"force_without_cross_signing\""; )"
                   R"(*structs.Alias })");
}

PROCONSUL_DESCRIBE_TYPE(CAConsulProviderState, "structs.CAConsulProviderState") {
  type.field("ID", &CAConsulProviderState::ID);
  type.field("PrivateKey", &CAConsulProviderState::PrivateKey);
  type.field("RootCert", &CAConsulProviderState::RootCert);
  type.field("IntermediateCert", &CAConsulProviderState::IntermediateCert);
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(CARequest, "structs.CARequest") {
  type.field("Op", &CARequest::Op);
  type.field("Datacenter", &CARequest::Datacenter);
  type.field("Index", &CARequest::Index);
  type.field("Roots", &CARequest::Roots);
  type.field("Config", &CARequest::Config);
  type.field("ProviderState", &CARequest::ProviderState);
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(CALeafRequest, "structs.CALeafRequest") {
  type.field("Op", &CALeafRequest::Op);
  type.field("Datacenter", &CALeafRequest::Datacenter);
  type.embed<WriteRequest>();
}

}  // namespace proconsul::catalog
