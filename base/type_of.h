// The templates behind base/type.h: type_of<T>() and TypeBuilder<S>. Everything that needs no template is in type.cc,
// since hundreds of types pay for each line here.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "base/time.h"
#include "base/type.h"

namespace proconsul::base {

namespace detail {

const Type& boolean_type();
const Type& integer_type(bool is_signed, std::size_t bits);
const Type& int_type();   // Go's int
const Type& uint_type();  // Go's uint
const Type& float_type();
const Type& double_type();
const Type& string_type();
const Type& bytes_type();
const Type& time_type();
const Type& duration_type();
const Type& value_type();

template <class T>
void reset_to_zero(void* self) {
  *static_cast<T*>(self) = T{};
}

template <class T>
struct ContainerType {
  static constexpr bool is_container = false;
};

template <class T>
struct ContainerType<List<T>> {
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements to point at");
  static constexpr bool is_container = true;
  using Self = List<T>;
  static Type make() {
    Type type{.kind = Kind::list, .size = sizeof(Self), .element = &type_of<T>};
    type.list = {
        .size = [](const void* self) { return static_cast<const Self*>(self)->size(); },
        .at = [](const void* self, std::size_t index) -> const void* {
          return &(*static_cast<const Self*>(self))[index];
        },
        .append = [](void* self) -> void* { return &static_cast<Self*>(self)->emplace_back(); },
        .truncate = [](void* self, std::size_t size) { static_cast<Self*>(self)->resize(size); },
        .is_nil = [](const void* self) { return static_cast<const Self*>(self)->is_nil(); },
        .clear =
            [](void* self, bool present) {
              static_cast<Self*>(self)->reset();
              if (present) static_cast<Self*>(self)->make_present();
            },
    };
    return type;
  }
};

template <class T>
struct ContainerType<Map<T>> {
  static constexpr bool is_container = true;
  using Self = Map<T>;
  static Type make() {
    Type type{.kind = Kind::map, .size = sizeof(Self), .element = &type_of<T>};
    type.map = {
        .size = [](const void* self) { return static_cast<const Self*>(self)->size(); },
        .each =
            [](const void* self, void* context, MapOps::Visit visit) {
              for (const auto& [key, value] : *static_cast<const Self*>(self)) visit(context, key, &value);
            },
        .find = [](const void* self, std::string_view key) -> const void* {
          auto found = static_cast<const Self*>(self)->find(key);
          return found == static_cast<const Self*>(self)->end() ? nullptr : &found->second;
        },
        .insert = [](void* self, std::string key) -> void* {
          return &static_cast<Self*>(self)->try_emplace(std::move(key)).first->second;
        },
        .is_nil = [](const void* self) { return static_cast<const Self*>(self)->is_nil(); },
        .clear =
            [](void* self, bool present) {
              static_cast<Self*>(self)->reset();
              if (present) static_cast<Self*>(self)->make_present();
            },
    };
    return type;
  }
};

template <class T>
struct ContainerType<Pointer<T>> {
  static constexpr bool is_container = true;
  using Self = Pointer<T>;
  static Type make() {
    Type type{.kind = Kind::pointer, .size = sizeof(Self), .element = &type_of<T>};
    type.pointer = {
        .get = [](const void* self) -> const void* { return static_cast<const Self*>(self)->get(); },
        .make = [](void* self) -> void* {
          auto& pointer = *static_cast<Self*>(self);
          return pointer ? pointer.get() : &pointer.emplace();
        },
        .reset = [](void* self) { static_cast<Self*>(self)->reset(); },
    };
    return type;
  }
};

template <class T>
struct ContainerType<Rare<T>> {
  static constexpr bool is_container = true;
  using Self = Rare<T>;
  static Type make() {
    Type type{.kind = Kind::rare, .size = sizeof(Self), .element = &type_of<T>};
    type.pointer = {
        .get = [](const void* self) -> const void* {
          auto& rare = *static_cast<const Self*>(self);
          return rare.is_set() ? &*rare : nullptr;
        },
        .make = [](void* self) -> void* { return &static_cast<Self*>(self)->edit(); },
        .reset = [](void* self) { static_cast<Self*>(self)->reset(); },
    };
    type.unset = []() -> const void* { return &*Self{}; };
    return type;
  }
};

/// The part of TypeBuilder that needs no template.
class StructureBuilder {
 public:
  Field& add(const char* name, std::size_t offset, const Type& type);
  void inline_fields(const Type& base, std::size_t offset);
  void become(const Type& member);
  const Type& finish();  // never destroyed

  Type type;
};

}  // namespace detail

/// The description of T; one object per type, alive until the process ends.
template <class T>
const Type& type_of() {
  if constexpr (std::is_enum_v<T>) {
    return type_of<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return detail::boolean_type();
  } else if constexpr (std::is_same_v<T, Int>) {
    return detail::int_type();
  } else if constexpr (std::is_same_v<T, Uint>) {
    return detail::uint_type();
  } else if constexpr (std::is_integral_v<T>) {
    return detail::integer_type(std::is_signed_v<T>, sizeof(T) * 8);
  } else if constexpr (std::is_same_v<T, float>) {
    return detail::float_type();
  } else if constexpr (std::is_same_v<T, double>) {
    return detail::double_type();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return detail::string_type();
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return detail::bytes_type();
  } else if constexpr (std::is_same_v<T, Time>) {
    return detail::time_type();
  } else if constexpr (std::is_same_v<T, Duration>) {
    return detail::duration_type();
  } else if constexpr (std::is_same_v<T, Value>) {
    return detail::value_type();
  } else if constexpr (detail::ContainerType<T>::is_container) {
    // Never destroyed: descriptions must outlive every static object that is encoded at exit.
    static const Type& type = *new Type([] {
      Type made = detail::ContainerType<T>::make();
      made.reset = &detail::reset_to_zero<T>;
      return made;
    }());
    return type;
  } else {
    return proconsul_describe(TypeTag<T>{});  // found beside T; an error here: PROCONSUL_DECLARE_TYPE(T) is missing
  }
}

/// Refines the field just added.
class FieldBuilder {
 public:
  explicit FieldBuilder(Field& field) : field_(field) {}

  /// Another JSON key than Go's name; filters follow it only by filter().
  FieldBuilder& json(const char* key) {
    field_.json = key;
    return *this;
  }
  FieldBuilder& wire(const char* key) {
    field_.wire = key;
    return *this;
  }
  FieldBuilder& filter(const char* selector) {
    field_.filter = selector;
    return *this;
  }
  /// A further JSON/HCL key accepted on input.
  FieldBuilder& alias(const char* key) {
    field_.aliases.emplace_back(key);
    return *this;
  }
  /// Go's type in error texts where it is not the C++ type's: "structs.CheckType".
  FieldBuilder& go_type(const char* name) {
    field_.go_type = name;
    return *this;
  }
  FieldBuilder& omit_empty() { return flag(kOmitEmpty); }
  FieldBuilder& omit_zero() { return flag(kOmitZero); }
  FieldBuilder& no_json() { return flag(kNoJson); }
  FieldBuilder& no_wire() { return flag(kNoWire); }
  FieldBuilder& wire_omit_empty() { return flag(kWireOmitEmpty); }
  FieldBuilder& no_filter() { return flag(kNoFilter); }
  /// A Duration: JSON writes text ("10s") and reads text or a number. (A type's json_shadow lets it be read so without
  /// this; then it is written as a number, as Go does with sessions.)
  FieldBuilder& readable() { return flag(kReadable); }

 private:
  FieldBuilder& flag(FieldFlag flag) {
    field_.flags |= flag;
    return *this;
  }
  Field& field_;
};

template <class S>
class TypeBuilder {
 public:
  explicit TypeBuilder(const char* go_name) {
    builder_.type.kind = Kind::structure;
    builder_.type.name = go_name;
    builder_.type.size = sizeof(S);
    builder_.type.reset = &detail::reset_to_zero<S>;
  }

  template <class M, class C>
  FieldBuilder field(const char* name, M C::* member) {
    M S::* own = member;  // the member may be a base's
    return FieldBuilder(builder_.add(name, offset(own), type_of<M>()));
  }

  /// Inlines the fields of a base class at this place, as Go does with embedded structs.
  template <class Base>
  void embed() {
    static_assert(std::is_base_of_v<Base, S>);
    // Only the distance is wanted; no object is touched.
    auto* fake = reinterpret_cast<S*>(alignof(S) * 64);
    auto* base = static_cast<Base*>(fake);
    builder_.inline_fields(type_of<Base>(), reinterpret_cast<char*>(base) - reinterpret_cast<char*>(fake));
  }
  /// Inlines the fields of a described member at this place (Go: an embedded struct that here is a member).
  template <class M, class C>
  void embed(M C::* member) {
    M S::* own = member;
    builder_.inline_fields(type_of<M>(), offset(own));
  }

  /// S is an id around its only member: it is encoded as that member alone.
  template <class M>
  void same_as(M S::* member) {
    static_assert(sizeof(M) == sizeof(S));
    (void)member;
    builder_.become(type_of<M>());
  }

  /// JSON: an unknown key is an error.
  void reject_unknown() { builder_.type.reject_unknown = true; }
  /// msgpack: travels as one raw that holds its map.
  void wrapped() { builder_.type.wrapped = true; }
  /// Runs after JSON decoding of an object: type.json_after<&Node::normalize>().
  template <void (S::*Method)()>
  void json_after() {
    builder_.type.json_after = [](void* self) { (static_cast<S*>(self)->*Method)(); };
  }
  void json_after(void (*after)(void* self)) { builder_.type.json_after = after; }

  /// The Go type has an UnmarshalJSON that decodes into a struct of its own around *Alias; `go_struct` is that struct
  /// in Go's spelling: "struct { LockDelay interface {}; *structs.Alias }". Fields that it declares anew are taken as
  /// it says (see JsonAs); unknown keys are errors unless lenient (json.Unmarshal instead of lib.UnmarshalJSON).
  void json_shadow(const char* go_struct) {
    builder_.type.json_shadow = go_struct;
    builder_.type.reject_unknown = true;
  }
  void json_shadow_lenient(const char* go_struct) { builder_.type.json_shadow = go_struct; }
  /// See Type::json_refuses_null.
  void json_refuses_null() { builder_.type.json_refuses_null = true; }

  /// Defaults that depend on other fields (see Type::json_defaults): type.json_defaults<&Check::set_defaults>().
  template <bool (S::*Method)()>
  void json_defaults() {
    builder_.type.json_defaults = [](void* self) { return (static_cast<S*>(self)->*Method)(); };
  }

  const Type& build(void (*describe)(TypeBuilder& type)) {
    describe(*this);
    return builder_.finish();
  }

 private:
  template <class M>
  static std::size_t offset(M S::* member) {
    // The Itanium ABI stores the offset itself; offsetof() does not take a pointer to member.
    return static_cast<std::size_t>(std::bit_cast<std::ptrdiff_t>(member));
  }
  detail::StructureBuilder builder_;
};

}  // namespace proconsul::base
