// The messages that servers exchange by gRPC, and their protobuf tables. Those of the catalog are the catalog's own
// types; the tables alone know how pbservice numbers their members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/protobuf.h"
#include "base/type.h"
#include "catalog/types/service.h"

namespace proconsul::agent::grpc {

// ---- package subscribe ----

enum class Topic : std::int32_t {
  unknown = 0,
  service_health = 1,
  service_health_connect = 2,
  mesh_config = 3,
  service_resolver = 4,
  ingress_gateway = 5,
  service_intentions = 6,
  service_list = 7,
  service_defaults = 8,
  api_gateway = 9,
  tcp_route = 10,
  http_route = 11,
  inline_certificate = 12,
  bound_api_gateway = 13,
  ip_rate_limit = 14,
  sameness_group = 15,
  jwt_provider = 16,
  exported_services = 17,
  file_system_certificate = 18,
};
/// "ServiceHealth"; the number of one that nobody knows.
std::string topic_name(Topic topic);

struct NamedSubject {
  std::string Key{};
  std::string Namespace{};
  std::string Partition{};
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(NamedSubject)

struct SubscribeRequest {
  std::int32_t Topic{};
  std::string Key{};  // before there were subjects, as are Namespace, Partition and PeerName
  std::string Token{};
  std::uint64_t Index{};
  std::string Datacenter{};
  std::string Namespace{};
  std::string Partition{};
  std::string PeerName{};
  bool WildcardSubject{};
  base::Pointer<grpc::NamedSubject> NamedSubject{};
};
PROCONSUL_DECLARE_TYPE(SubscribeRequest)

inline constexpr std::int32_t kRegister = 0, kDeregister = 1;  // CatalogOp

struct ServiceHealthUpdate {
  std::int32_t Op{};
  base::Pointer<catalog::CheckServiceNode> CheckServiceNode{};
};
PROCONSUL_DECLARE_TYPE(ServiceHealthUpdate)

struct ServiceListUpdate {
  std::int32_t Op{};
  std::string Name{};
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(ServiceListUpdate)

struct EventBatch;
PROCONSUL_DECLARE_TYPE(EventBatch)

/// The index, and one of the rest.
struct Event {
  std::uint64_t Index{};
  bool EndOfSnapshot{};
  bool NewSnapshotToFollow{};
  base::Pointer<grpc::EventBatch> EventBatch;
  base::Pointer<ServiceHealthUpdate> ServiceHealth{};
  base::Pointer<ServiceListUpdate> Service{};
};
PROCONSUL_DECLARE_TYPE(Event)

struct EventBatch {
  base::List<Event> Events{};
};

/// Adds all of the above, and pbservice's and pbcommon's.
void add_messages(base::pb::Schema& schema);
const base::pb::Schema& schema();

}  // namespace proconsul::agent::grpc
