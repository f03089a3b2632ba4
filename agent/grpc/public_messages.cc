#include "agent/grpc/public_messages.h"

#include <algorithm>
#include <vector>

#include "agent/grpc/descriptors.h"
#include "base/type_of.h"

namespace proconsul::agent::grpc {

PROCONSUL_DESCRIBE_TYPE(LoginRequest, "hashicorp.consul.acl.LoginRequest") {
  type.field("auth_method", &LoginRequest::auth_method);
  type.field("bearer_token", &LoginRequest::bearer_token);
  type.field("meta", &LoginRequest::meta);
  type.field("datacenter", &LoginRequest::datacenter);
}

PROCONSUL_DESCRIBE_TYPE(LoginToken, "hashicorp.consul.acl.LoginToken") {
  type.field("accessor_id", &LoginToken::accessor_id);
  type.field("secret_id", &LoginToken::secret_id);
}

PROCONSUL_DESCRIBE_TYPE(LoginResponse, "hashicorp.consul.acl.LoginResponse") {
  type.field("token", &LoginResponse::token);
}

PROCONSUL_DESCRIBE_TYPE(LogoutRequest, "hashicorp.consul.acl.LogoutRequest") {
  type.field("token", &LogoutRequest::token);
  type.field("datacenter", &LogoutRequest::datacenter);
}

PROCONSUL_DESCRIBE_TYPE(Timestamp, "google.protobuf.Timestamp") {
  type.field("seconds", &Timestamp::seconds);
  type.field("nanos", &Timestamp::nanos);
}

PROCONSUL_DESCRIBE_TYPE(CARoot, "hashicorp.consul.connectca.CARoot") {
  type.field("id", &CARoot::id);
  type.field("name", &CARoot::name);
  type.field("serial_number", &CARoot::serial_number);
  type.field("signing_key_id", &CARoot::signing_key_id);
  type.field("root_cert", &CARoot::root_cert);
  type.field("intermediate_certs", &CARoot::intermediate_certs);
  type.field("active", &CARoot::active);
  type.field("rotated_out_at", &CARoot::rotated_out_at);
}

PROCONSUL_DESCRIBE_TYPE(WatchRootsResponse, "hashicorp.consul.connectca.WatchRootsResponse") {
  type.field("active_root_id", &WatchRootsResponse::active_root_id);
  type.field("trust_domain", &WatchRootsResponse::trust_domain);
  type.field("roots", &WatchRootsResponse::roots);
}

PROCONSUL_DESCRIBE_TYPE(SignRequest, "hashicorp.consul.connectca.SignRequest") {
  type.field("csr", &SignRequest::csr);
}

PROCONSUL_DESCRIBE_TYPE(SignResponse, "hashicorp.consul.connectca.SignResponse") {
  type.field("cert_pem", &SignResponse::cert_pem);
}

PROCONSUL_DESCRIBE_TYPE(DataplaneFeatureSupport, "hashicorp.consul.dataplane.DataplaneFeatureSupport") {
  type.field("feature_name", &DataplaneFeatureSupport::feature_name);
  type.field("supported", &DataplaneFeatureSupport::supported);
}

PROCONSUL_DESCRIBE_TYPE(GetSupportedDataplaneFeaturesResponse,
                        "hashicorp.consul.dataplane.GetSupportedDataplaneFeaturesResponse") {
  type.field("supported_dataplane_features", &GetSupportedDataplaneFeaturesResponse::supported_dataplane_features);
}

PROCONSUL_DESCRIBE_TYPE(GetEnvoyBootstrapParamsRequest, "hashicorp.consul.dataplane.GetEnvoyBootstrapParamsRequest") {
  type.field("node_id", &GetEnvoyBootstrapParamsRequest::node_id);
  type.field("node_name", &GetEnvoyBootstrapParamsRequest::node_name);
  type.field("service_id", &GetEnvoyBootstrapParamsRequest::service_id);
  type.field("proxy_id", &GetEnvoyBootstrapParamsRequest::proxy_id);
}

PROCONSUL_DESCRIBE_TYPE(GetEnvoyBootstrapParamsResponse, "hashicorp.consul.dataplane.GetEnvoyBootstrapParamsResponse") {
  type.field("service", &GetEnvoyBootstrapParamsResponse::service);
  type.field("namespace", &GetEnvoyBootstrapParamsResponse::namespace_);
  type.field("partition", &GetEnvoyBootstrapParamsResponse::partition);
  type.field("datacenter", &GetEnvoyBootstrapParamsResponse::datacenter);
  type.field("config", &GetEnvoyBootstrapParamsResponse::config);
  type.field("node_name", &GetEnvoyBootstrapParamsResponse::node_name);
  type.field("access_logs", &GetEnvoyBootstrapParamsResponse::access_logs);
  type.field("identity", &GetEnvoyBootstrapParamsResponse::identity);
}

PROCONSUL_DESCRIBE_TYPE(DnsQueryRequest, "hashicorp.consul.dns.QueryRequest") {
  type.field("msg", &DnsQueryRequest::msg);
  type.field("protocol", &DnsQueryRequest::protocol);
}

PROCONSUL_DESCRIBE_TYPE(DnsQueryResponse, "hashicorp.consul.dns.QueryResponse") {
  type.field("msg", &DnsQueryResponse::msg);
}

PROCONSUL_DESCRIBE_TYPE(WatchServersRequest, "hashicorp.consul.serverdiscovery.WatchServersRequest") {
  type.field("wan", &WatchServersRequest::wan);
}

PROCONSUL_DESCRIBE_TYPE(ReadyServer, "hashicorp.consul.serverdiscovery.Server") {
  type.field("id", &ReadyServer::id);
  type.field("address", &ReadyServer::address);
  type.field("version", &ReadyServer::version);
}

PROCONSUL_DESCRIBE_TYPE(WatchServersResponse, "hashicorp.consul.serverdiscovery.WatchServersResponse") {
  type.field("servers", &WatchServersResponse::servers);
}

PROCONSUL_DESCRIBE_TYPE(NoFields, "") {
  (void)type;
}

namespace {

/// The rows of the fields that the struct has; Enterprise's are not among them.
template <class T>
void add(base::pb::Schema& schema) {
  const base::Type& type = base::type_of<T>();
  std::vector<base::pb::Row> rows;
  if (const MessageRow* message = find_message(type.name)) {
    for (const FieldRow& field : message->fields) {
      const bool known =
          std::ranges::any_of(type.fields, [&](const base::Field& each) { return each.name == field.name; });
      if (known) rows.emplace_back(field.number, field.name);
    }
  }
  schema.add(type, rows);
}

}  // namespace

const base::pb::Schema& public_schema() {
  static const base::pb::Schema& filled = [] -> const base::pb::Schema& {
    auto* made = new base::pb::Schema;  // never destroyed
    add<LoginRequest>(*made);
    add<LoginToken>(*made);
    add<LoginResponse>(*made);
    add<LogoutRequest>(*made);
    add<Timestamp>(*made);
    add<CARoot>(*made);
    add<WatchRootsResponse>(*made);
    add<SignRequest>(*made);
    add<SignResponse>(*made);
    add<DataplaneFeatureSupport>(*made);
    add<GetSupportedDataplaneFeaturesResponse>(*made);
    add<GetEnvoyBootstrapParamsRequest>(*made);
    add<GetEnvoyBootstrapParamsResponse>(*made);
    add<DnsQueryRequest>(*made);
    add<DnsQueryResponse>(*made);
    add<WatchServersRequest>(*made);
    add<ReadyServer>(*made);
    add<WatchServersResponse>(*made);
    add<NoFields>(*made);
    made->link();
    return *made;
  }();
  return filled;
}

}  // namespace proconsul::agent::grpc
