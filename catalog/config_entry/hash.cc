#include "catalog/config_entry/hash.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <variant>

#include "base/scalar.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::catalog {
namespace {

using base::Kind;
using base::Type;

std::uint64_t fnv(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) {
    hash *= 1099511628211u;
    hash ^= static_cast<unsigned char>(c);
  }
  return hash;
}

std::uint64_t of_number(std::uint64_t value, std::size_t bits) {
  char bytes[8];
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return fnv({bytes, bits / 8});
}

std::uint64_t in_order(std::uint64_t first, std::uint64_t second) {
  char bytes[16];
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(first >> (8 * i));
    bytes[8 + i] = static_cast<char>(second >> (8 * i));
  }
  return fnv({bytes, sizeof bytes});
}

/// A pointer or a free value that is not there counts as the number 0.
std::uint64_t of_nothing() {
  return of_number(0, 64);
}

std::uint64_t of_bytes(std::string_view bytes) {
  std::uint64_t hash = 0;
  for (const char c : bytes) hash = in_order(hash, of_number(static_cast<unsigned char>(c), 8));
  return hash;
}

struct ValueHash {
  std::uint64_t operator()(std::monostate) const { return of_nothing(); }
  std::uint64_t operator()(bool value) const { return of_number(value ? 1 : 0, 8); }
  std::uint64_t operator()(std::int64_t value) const { return of_number(static_cast<std::uint64_t>(value), 64); }
  std::uint64_t operator()(std::uint64_t value) const { return of_number(value, 64); }
  std::uint64_t operator()(double value) const { return of_number(std::bit_cast<std::uint64_t>(value), 64); }
  std::uint64_t operator()(const std::string& value) const { return fnv(value); }
  std::uint64_t operator()(const base::Bytes& value) const { return of_bytes(value); }
  std::uint64_t operator()(const base::Value::ListType& list) const {
    std::uint64_t hash = 0;
    for (const base::Value& value : list) hash = in_order(hash, std::visit(*this, value.data()));
    return hash;
  }
  std::uint64_t operator()(const base::Value::MapType& map) const {
    std::uint64_t hash = 0;
    for (const auto& [key, value] : map) hash ^= in_order(fnv(key), std::visit(*this, value.data()));
    return hash;
  }
};

// The peer's structs of these names have one more member, without content in this edition.
bool has_tenant(std::string_view name) {
  constexpr std::string_view kNames[] = {"UpstreamConfig", "IngressService",  "LinkedService",    "HTTPService",
                                         "TCPService",     "SourceIntention", "ResourceReference"};
  return name.ends_with("ConfigEntry") || std::ranges::find(kNames, name) != std::end(kNames);
}

std::uint64_t tenant() {
  return in_order(fnv("EnterpriseMeta"), fnv("EnterpriseMeta"));
}

/// A service's name where it is a struct.
std::uint64_t of_service(const std::string& name) {
  return fnv("ServiceName") ^ in_order(fnv("Name"), fnv(name)) ^ tenant();
}

std::uint64_t of(const Type& type, const void* object, bool by_service = false);

std::uint64_t of_map(const Type& type, const void* object, bool by_service) {
  struct Context {
    const Type& element;
    bool by_service;
    std::uint64_t hash;
  } context{type.element(), by_service, 0};
  type.map.each(object, &context, [](void* opaque, const std::string& key, const void* value) {
    auto& map = *static_cast<Context*>(opaque);
    map.hash ^= in_order(map.by_service ? of_service(key) : fnv(key), of(map.element, value));
  });
  return context.hash;
}

std::uint64_t of_structure(const Type& type, const void* object) {
  const std::string_view name = std::string_view(type.name).substr(type.name.rfind('.') + 1);
  const bool is_entry = name.ends_with("ConfigEntry");
  std::uint64_t hash = fnv(name);
  for (const base::Field& field : type.fields) {
    if (field.has(base::kNoWire)) continue;  // not the peer's
    if (is_entry && (field.name == "Hash" || field.name == "CreateIndex" || field.name == "ModifyIndex")) continue;
    const bool by_service = field.go_type == "structs.ServiceRouteReferences";
    hash ^= in_order(fnv(field.name), of(field.type(), field.in(object), by_service));
  }
  return has_tenant(name) ? hash ^ tenant() : hash;
}

std::uint64_t of(const Type& type, const void* object, bool by_service) {
  switch (type.kind) {
    case Kind::boolean:
      return of_number(base::load<bool>(object) ? 1 : 0, 8);
    case Kind::integer:
      return of_number(static_cast<std::uint64_t>(base::load_signed(type, object)), type.bits);
    case Kind::unsigned_integer:
      return of_number(base::load_unsigned(type, object), type.bits);
    case Kind::floating:
      return type.bits == 32 ? of_number(std::bit_cast<std::uint32_t>(base::load<float>(object)), 32)
                             : of_number(std::bit_cast<std::uint64_t>(base::load<double>(object)), 64);
    case Kind::string:
      return fnv(*static_cast<const std::string*>(object));
    case Kind::bytes:
      return of_bytes(*static_cast<const base::Bytes*>(object));
    case Kind::time:
      return fnv("Time");  // the peer looks at nothing in it
    case Kind::duration:
      return of_number(static_cast<std::uint64_t>(base::load<std::int64_t>(object)), 64);
    case Kind::list: {
      std::uint64_t hash = 0;
      for (std::size_t i = 0; i < type.list.size(object); ++i) {
        hash = in_order(hash, of(type.element(), type.list.at(object, i)));
      }
      return hash;
    }
    case Kind::map:
      return of_map(type, object, by_service);
    case Kind::pointer: {
      const void* value = type.pointer.get(object);
      return value ? of(type.element(), value) : of_nothing();
    }
    case Kind::rare: {
      const void* value = type.pointer.get(object);
      return of(type.element(), value ? value : type.unset());
    }
    case Kind::structure:
      return of_structure(type, object);
    case Kind::any:
      return std::visit(ValueHash{}, static_cast<const base::Value*>(object)->data());
  }
  return 0;
}

}  // namespace

std::uint64_t hash_config_entry(const ConfigEntry& entry) {
  return of(entry.kind->type(), &entry);
}

std::uint64_t hash_content(const base::Type& type, const void* object) {
  return of(type, object);
}

}  // namespace proconsul::catalog
