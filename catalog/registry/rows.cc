#include "catalog/registry/rows.h"

#include <cstring>
#include <new>

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(StoredService, "catalog.StoredService") {
  type.embed<NodeService>();
  type.field("Node", &StoredService::Node);
}

namespace detail {

void* allocate_row(std::size_t header, std::string_view packed) {
  auto* memory = static_cast<char*>(::operator new(header + packed.size()));
  std::memcpy(memory + header, packed.data(), packed.size());
  return memory;
}

void free_row(const void* row) {
  ::operator delete(const_cast<void*>(row));
}

}  // namespace detail

namespace {

template <class T>
const base::Field& field_of(std::string_view wire_name) {
  return *base::type_of<T>().by_wire(wire_name);
}

}  // namespace

std::string service_name(const ServiceRow& row) {
  static const base::Field& field = field_of<StoredService>("Service");
  return row.member<std::string>(field);
}

std::string node_of(const ServiceRow& row) {
  static const base::Field& field = field_of<StoredService>("Node");
  return row.member<std::string>(field);
}

std::string peer_of(const ServiceRow& row) {
  static const base::Field& field = field_of<StoredService>("PeerName");
  return row.member<std::string>(field);
}

std::string service_kind(const ServiceRow& row) {
  static const base::Field& field = field_of<StoredService>("Kind");
  return row.member<std::string>(field);
}

base::List<std::string> service_tags(const ServiceRow& row) {
  static const base::Field& field = field_of<StoredService>("Tags");
  return row.member<base::List<std::string>>(field);
}

std::string connect_name(const NodeService& service) {
  if (service.Kind == kKindConnectProxy) return service.Proxy->DestinationServiceName;
  return service.Connect->Native ? service.Service : std::string{};
}

std::string connect_name(const ServiceRow& row) {
  static const base::Field& proxy = field_of<StoredService>("Proxy");
  static const base::Field& connect = field_of<StoredService>("Connect");
  if (service_kind(row) == kKindConnectProxy) {
    return row.member<base::Rare<ConnectProxyConfig>>(proxy)->DestinationServiceName;
  }
  return row.member<base::Rare<ServiceConnect>>(connect)->Native ? service_name(row) : std::string{};
}

base::Map<std::string> node_meta(const NodeRow& row) {
  static const base::Field& field = field_of<Node>("Meta");
  return row.member<base::Map<std::string>>(field);
}

std::string node_of(const CheckRow& row) {
  static const base::Field& field = field_of<HealthCheck>("Node");
  return row.member<std::string>(field);
}

std::string service_of(const CheckRow& row) {
  static const base::Field& field = field_of<HealthCheck>("ServiceName");
  return row.member<std::string>(field);
}

std::string name_of(const NodeRow& row) {
  static const base::Field& field = field_of<Node>("Node");
  return row.member<std::string>(field);
}

std::string check_status(const CheckRow& row) {
  static const base::Field& field = field_of<HealthCheck>("Status");
  return row.member<std::string>(field);
}

}  // namespace proconsul::catalog
