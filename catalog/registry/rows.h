// How nodes, service instances and checks lie in memory: packed (base/pack.h), since there are many and most of their
// fields are empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/pack.h"
#include "base/ref.h"
#include "catalog/types/health.h"
#include "catalog/types/node.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// A service instance as the table keeps it: with the name of its node as the registration spelled it.
struct StoredService : NodeService {
  std::string Node{};
};
PROCONSUL_DECLARE_TYPE(StoredService)

namespace detail {
void* allocate_row(std::size_t header, std::string_view packed);
void free_row(const void* row);
}  // namespace detail

/// Immutable. One allocation: the count, the size, the packed object.
template <class T>
class PackedRow : public base::RefCounted {
 public:
  static base::Ref<const PackedRow> make(const T& object) {
    const std::string packed = base::pack(object);
    auto* row = new (detail::allocate_row(sizeof(PackedRow), packed)) PackedRow(packed.size());
    return base::Ref<const PackedRow>::adopt(row);
  }
  static void destroy(const PackedRow* row) { detail::free_row(row); }
  PackedRow(const PackedRow&) = delete;
  PackedRow& operator=(const PackedRow&) = delete;

  T get() const { return base::unpack<T>(packed()); }
  std::string_view packed() const { return {reinterpret_cast<const char*>(this + 1), size_}; }
  /// One member alone, cheaper than all.
  template <class M>
  M member(const base::Field& field) const {
    M value{};
    base::unpack_field(packed(), base::type_of<T>(), field, &value);
    return value;
  }

 private:
  explicit PackedRow(std::size_t size) : size_(static_cast<std::uint32_t>(size)) {}
  ~PackedRow() = default;
  std::uint32_t size_;
};

using NodeRow = PackedRow<Node>;
using ServiceRow = PackedRow<StoredService>;
using CheckRow = PackedRow<HealthCheck>;

std::string service_name(const ServiceRow& row);
std::string service_kind(const ServiceRow& row);
/// The node of an instance, and the peer that it was imported from.
std::string node_of(const ServiceRow& row);
std::string peer_of(const ServiceRow& row);
base::List<std::string> service_tags(const ServiceRow& row);
/// The name under which a mesh client finds it: a proxy's destination, a native instance's own name; empty: not at all.
std::string connect_name(const NodeService& service);
std::string connect_name(const ServiceRow& row);
base::Map<std::string> node_meta(const NodeRow& row);
std::string check_status(const CheckRow& row);
std::string node_of(const CheckRow& row);
std::string service_of(const CheckRow& row);  // its name; empty: of the node
std::string name_of(const NodeRow& row);

}  // namespace proconsul::catalog
