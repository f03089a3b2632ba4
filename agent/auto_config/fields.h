// Which field of a message is which: each(message, visit) calls visit(number, name, member) in the order in which the
// messages are declared, which is that of the JSON. Used by messages.cc alone.
#pragma once

#include "agent/auto_config/messages.h"

namespace proconsul::agent::auto_config {

template <class T, class Message>
concept Is = std::same_as<std::remove_const_t<T>, Message>;

template <Is<Request> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Datacenter", m.Datacenter);
  visit(2, "Node", m.Node);
  visit(4, "Segment", m.Segment);
  visit(8, "Partition", m.Partition);
  visit(5, "JWT", m.JWT);
  visit(6, "ConsulToken", m.ConsulToken);
  visit(7, "CSR", m.CSR);
}

template <Is<ServiceProviderToken> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "AccessorID", m.AccessorID);
  visit(2, "SecretID", m.SecretID);
}

template <Is<Tokens> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "InitialManagement", m.InitialManagement);
  visit(2, "Replication", m.Replication);
  visit(3, "AgentRecovery", m.AgentRecovery);
  visit(4, "Default", m.Default);
  visit(5, "Agent", m.Agent);
  visit(6, "ManagedServiceProvider", m.ManagedServiceProvider);
}

template <Is<Acl> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Enabled", m.Enabled);
  visit(2, "PolicyTTL", m.PolicyTTL);
  visit(3, "RoleTTL", m.RoleTTL);
  visit(4, "TokenTTL", m.TokenTTL);
  visit(5, "DownPolicy", m.DownPolicy);
  visit(6, "DefaultPolicy", m.DefaultPolicy);
  visit(7, "EnableKeyListPolicy", m.EnableKeyListPolicy);
  visit(8, "Tokens", m.Tokens);
  visit(9, "DeprecatedDisabledTTL", m.DisabledTTL);
  visit(10, "EnableTokenPersistence", m.EnableTokenPersistence);
  visit(11, "MSPDisableBootstrap", m.MSPDisableBootstrap);
}

template <Is<AutoEncrypt> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "TLS", m.TLS);
  visit(2, "DNSSAN", m.DNSSAN);
  visit(3, "IPSAN", m.IPSAN);
  visit(4, "AllowTLS", m.AllowTLS);
}

template <Is<GossipEncryption> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Key", m.Key);
  visit(2, "VerifyIncoming", m.VerifyIncoming);
  visit(3, "VerifyOutgoing", m.VerifyOutgoing);
}

template <Is<Gossip> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Encryption", m.Encryption);
  visit(2, "RetryJoinLAN", m.RetryJoinLAN);
}

template <Is<Tls> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "VerifyOutgoing", m.VerifyOutgoing);
  visit(2, "VerifyServerHostname", m.VerifyServerHostname);
  visit(3, "CipherSuites", m.CipherSuites);
  visit(4, "MinVersion", m.MinVersion);
  visit(5, "DeprecatedPreferServerCipherSuites", m.PreferServerCipherSuites);
}

template <Is<Config> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Datacenter", m.Datacenter);
  visit(2, "PrimaryDatacenter", m.PrimaryDatacenter);
  visit(3, "NodeName", m.NodeName);
  visit(4, "SegmentName", m.SegmentName);
  visit(9, "Partition", m.Partition);
  visit(5, "ACL", m.ACL);
  visit(6, "AutoEncrypt", m.AutoEncrypt);
  visit(7, "Gossip", m.Gossip);
  visit(8, "TLS", m.TLS);
}

template <Is<catalog::QueryMeta> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Index", m.Index);
  visit(2, "LastContact", m.LastContact);
  visit(3, "KnownLeader", m.KnownLeader);
  visit(4, "ConsistencyLevel", m.ConsistencyLevel);
  visit(7, "ResultsFilteredByACLs", m.ResultsFilteredByACLs);
}

template <Is<catalog::RaftIndex> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "CreateIndex", m.CreateIndex);
  visit(2, "ModifyIndex", m.ModifyIndex);
}

/// The struct in which a message keeps another one's fields.
template <class Base, class M>
auto& base_of(M& m) {
  return static_cast<std::conditional_t<std::is_const_v<M>, const Base, Base>&>(m);
}

template <Is<catalog::CARoot> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "ID", m.ID);
  visit(2, "Name", m.Name);
  visit(3, "SerialNumber", m.SerialNumber);
  visit(4, "SigningKeyID", m.SigningKeyID);
  visit(5, "ExternalTrustDomain", m.ExternalTrustDomain);
  visit(6, "NotBefore", m.NotBefore);
  visit(7, "NotAfter", m.NotAfter);
  visit(8, "RootCert", m.RootCert);
  visit(9, "IntermediateCerts", m.IntermediateCerts);
  visit(10, "SigningCert", m.SigningCert);
  visit(11, "SigningKey", m.SigningKey);
  visit(12, "Active", m.Active);
  visit(13, "RotatedOutAt", m.RotatedOutAt);
  visit(14, "PrivateKeyType", m.PrivateKeyType);
  visit(15, "PrivateKeyBits", m.PrivateKeyBits);
  visit(16, "RaftIndex", base_of<catalog::RaftIndex>(m));
}

template <Is<rpc::IndexedCARoots> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "ActiveRootID", m.ActiveRootID);
  visit(2, "TrustDomain", m.TrustDomain);
  visit(3, "Roots", m.Roots);
  visit(4, "QueryMeta", base_of<catalog::QueryMeta>(m));
}

/// Of Consul's Enterprise edition.
struct EnterpriseMeta {
  std::string Namespace{}, Partition{};
};
template <Is<EnterpriseMeta> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Namespace", m.Namespace);
  visit(2, "Partition", m.Partition);
}

template <Is<rpc::IssuedCert> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "SerialNumber", m.SerialNumber);
  visit(2, "CertPEM", m.CertPEM);
  visit(3, "PrivateKeyPEM", m.PrivateKeyPEM);
  visit(4, "Service", m.Service);
  visit(5, "ServiceURI", m.ServiceURI);
  visit(6, "Agent", m.Agent);
  visit(7, "AgentURI", m.AgentURI);
  visit(12, "Kind", m.Kind);
  visit(13, "KindURI", m.KindURI);
  visit(14, "ServerURI", m.ServerURI);
  visit(8, "ValidAfter", m.ValidAfter);
  visit(9, "ValidBefore", m.ValidBefore);
  EnterpriseMeta unused;
  visit(10, "EnterpriseMeta", unused);
  visit(11, "RaftIndex", base_of<catalog::RaftIndex>(m));
}

template <Is<Response> M, class Visit>
void each(M& m, Visit&& visit) {
  visit(1, "Config", m.Config);
  visit(2, "CARoots", m.CARoots);
  visit(3, "Certificate", m.Certificate);
  visit(4, "ExtraCACertificates", m.ExtraCACertificates);
}

}  // namespace proconsul::agent::auto_config
