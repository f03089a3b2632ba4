// What a client agent that knows nothing asks a server, and what it is told: Consul's protobuf messages of packages
// autoconf, config and connect, on the wire and as the JSON in which clients keep them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rpc/connect_ca_types.h"
#include "base/result.h"

namespace proconsul::agent::auto_config {

struct Request {
  std::string Datacenter{};  // empty: the server's
  std::string Node{};
  std::string Segment{};
  std::string Partition{};
  std::string JWT{};
  std::string ConsulToken{};
  std::string CSR{};  // PEM; empty: no certificate is wanted
};

struct ServiceProviderToken {
  std::string AccessorID{};
  std::string SecretID{};
};

struct Tokens {
  std::string InitialManagement{};
  std::string Replication{};
  std::string AgentRecovery{};
  std::string Default{};
  std::string Agent{};
  std::vector<ServiceProviderToken> ManagedServiceProvider{};
};

struct Acl {
  bool Enabled{};
  std::string PolicyTTL{};
  std::string RoleTTL{};
  std::string TokenTTL{};
  std::string DownPolicy{};
  std::string DefaultPolicy{};
  bool EnableKeyListPolicy{};
  std::optional<auto_config::Tokens> Tokens{};
  std::string DisabledTTL{};  // as the next but one, of times long past
  bool EnableTokenPersistence{};
  bool MSPDisableBootstrap{};
};

struct AutoEncrypt {
  bool TLS{};
  std::vector<std::string> DNSSAN{};
  std::vector<std::string> IPSAN{};
  bool AllowTLS{};
};

struct GossipEncryption {
  std::string Key{};  // base64
  bool VerifyIncoming{};
  bool VerifyOutgoing{};
};

struct Gossip {
  std::optional<GossipEncryption> Encryption{};
  std::vector<std::string> RetryJoinLAN{};
};

struct Tls {
  bool VerifyOutgoing{};
  bool VerifyServerHostname{};
  std::string CipherSuites{};
  std::string MinVersion{};  // "tls12"
  bool PreferServerCipherSuites{};
};

/// The part of an agent's configuration that servers decide.
struct Config {
  std::string Datacenter{};
  std::string PrimaryDatacenter{};
  std::string NodeName{};
  std::string SegmentName{};
  std::string Partition{};
  std::optional<Acl> ACL{};
  std::optional<auto_config::AutoEncrypt> AutoEncrypt{};
  std::optional<auto_config::Gossip> Gossip{};
  std::optional<Tls> TLS{};
};

struct Response {
  std::optional<auto_config::Config> Config{};
  std::optional<rpc::IndexedCARoots> CARoots{};
  std::optional<rpc::IssuedCert> Certificate{};
  std::vector<std::string> ExtraCACertificates{};
};

std::string to_protobuf(const Request& request);
std::string to_protobuf(const Response& response);
// Errors: what is no such message.
base::Result<Request> read_request(std::string_view message);
base::Result<Response> read_response(std::string_view message);

/// Consul's file: every field is there, what is absent as null, 64-bit numbers as text.
std::string to_json(const Response& response);
/// Errors name what is not as it should be: an unknown field, a value of the wrong type, no JSON at all.
base::Result<Response> from_json(std::string_view text);

}  // namespace proconsul::agent::auto_config
