// The messages of the public gRPC API (descriptors.h has their numbers). Members are spelled as on the wire.
#pragma once

#include <cstdint>
#include <string>

#include "base/protobuf.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::agent::grpc {

// ---- hashicorp.consul.acl ----

struct LoginRequest {
  std::string auth_method{};
  std::string bearer_token{};
  base::Map<std::string> meta{};
  std::string datacenter{};
};
PROCONSUL_DECLARE_TYPE(LoginRequest)

struct LoginToken {
  std::string accessor_id{}, secret_id{};
};
PROCONSUL_DECLARE_TYPE(LoginToken)

struct LoginResponse {
  base::Pointer<LoginToken> token{};
};
PROCONSUL_DECLARE_TYPE(LoginResponse)

struct LogoutRequest {
  std::string token{};
  std::string datacenter{};
};
PROCONSUL_DECLARE_TYPE(LogoutRequest)

// ---- hashicorp.consul.connectca ----

struct Timestamp {
  std::int64_t seconds{};
  std::int32_t nanos{};
};
PROCONSUL_DECLARE_TYPE(Timestamp)

struct CARoot {
  std::string id{};
  std::string name{};
  std::uint64_t serial_number{};
  std::string signing_key_id{};
  std::string root_cert{};
  base::List<std::string> intermediate_certs{};
  bool active{};
  base::Pointer<Timestamp> rotated_out_at{};
};
PROCONSUL_DECLARE_TYPE(CARoot)

struct WatchRootsResponse {
  std::string active_root_id{};
  std::string trust_domain{};
  base::List<CARoot> roots{};
};
PROCONSUL_DECLARE_TYPE(WatchRootsResponse)

struct SignRequest {
  std::string csr{};  // PEM
};
PROCONSUL_DECLARE_TYPE(SignRequest)

struct SignResponse {
  std::string cert_pem{};
};
PROCONSUL_DECLARE_TYPE(SignResponse)

// ---- hashicorp.consul.dataplane ----

struct DataplaneFeatureSupport {
  std::int32_t feature_name{};
  bool supported{};
};
PROCONSUL_DECLARE_TYPE(DataplaneFeatureSupport)

struct GetSupportedDataplaneFeaturesResponse {
  base::List<DataplaneFeatureSupport> supported_dataplane_features{};
};
PROCONSUL_DECLARE_TYPE(GetSupportedDataplaneFeaturesResponse)

struct GetEnvoyBootstrapParamsRequest {
  std::string node_id{}, node_name{};
  std::string service_id{};  // deprecated by
  std::string proxy_id{};
};
PROCONSUL_DECLARE_TYPE(GetEnvoyBootstrapParamsRequest)

struct GetEnvoyBootstrapParamsResponse {
  std::string service{};
  std::string namespace_ = "default";
  std::string partition = "default";
  std::string datacenter{};
  std::string node_name{};
  base::List<std::string> access_logs{};
  std::string identity{};
  base::Map<base::Value> config{};
  /// config is there even when it is empty.
  void append_rest(std::string& out) const {
    if (config.empty()) base::pb::append_bytes_field(out, 6, {});
  }
};
PROCONSUL_DECLARE_TYPE(GetEnvoyBootstrapParamsResponse)

// ---- hashicorp.consul.dns ----

inline constexpr std::int32_t kProtocolUnset = 0, kProtocolTcp = 1, kProtocolUdp = 2;

struct DnsQueryRequest {
  base::Bytes msg{};
  std::int32_t protocol{};
};
PROCONSUL_DECLARE_TYPE(DnsQueryRequest)

struct DnsQueryResponse {
  base::Bytes msg{};
};
PROCONSUL_DECLARE_TYPE(DnsQueryResponse)

// ---- hashicorp.consul.serverdiscovery ----

struct WatchServersRequest {
  bool wan{};
};
PROCONSUL_DECLARE_TYPE(WatchServersRequest)

struct ReadyServer {
  std::string id{}, address{}, version{};
};
PROCONSUL_DECLARE_TYPE(ReadyServer)

struct WatchServersResponse {
  base::List<ReadyServer> servers{};
};
PROCONSUL_DECLARE_TYPE(WatchServersResponse)

/// Of messages without fields.
struct NoFields {};
PROCONSUL_DECLARE_TYPE(NoFields)

/// All of the above.
const base::pb::Schema& public_schema();

}  // namespace proconsul::agent::grpc
