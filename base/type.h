// Type descriptions: a struct is declared once, with a table of its fields, and every codec (JSON, msgpack, HCL, filter
// expressions, OpenAPI) is a plain function that walks the table. No code is generated per type and codec.
//
//   // node.h
//   struct Node : RaftIndex { std::string Node; base::List<std::string> Tags; };
//   PROCONSUL_DECLARE_TYPE(Node)                       // in the struct's own namespace
//   // node.cc
//   PROCONSUL_DESCRIBE_TYPE(Node, "structs.Node") {
//     type.field("Node", &Node::Node);
//     type.field("Tags", &Node::Tags).json("tags").omit_empty().alias("node_tags");
//     type.embed<RaftIndex>();                         // a base class: its fields are inlined here
//   }
//
// Types of members: bool, integers, float, double, std::string, Bytes, Time, Duration, enums (as their integers), List,
// Map, Pointer, Rare, Value, described structs. Use Int where Go has int: error texts name the type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace proconsul::base {

class Value;  // base/value.h: a free-form value (Go's interface{})

/// Go's slice: an ordered list that remembers whether it is nil (JSON null, msgpack c0) or merely empty.
template <class T>
class List : public std::vector<T> {
 public:
  using std::vector<T>::vector;
  List() = default;
  List(std::vector<T> items) : std::vector<T>(std::move(items)), present_(true) {}
  bool is_nil() const { return !present_ && this->empty(); }
  List& make_present() {
    present_ = true;
    return *this;
  }
  void reset() {
    this->clear();
    present_ = false;
  }

 private:
  bool present_ = false;
};

/// Go's map with string keys: ordered by key (as Go's JSON encoder writes it); remembers nil like List.
template <class T>
class Map : public std::map<std::string, T, std::less<>> {
 public:
  using std::map<std::string, T, std::less<>>::map;
  bool is_nil() const { return !present_ && this->empty(); }
  Map& make_present() {
    present_ = true;
    return *this;
  }
  void reset() {
    this->clear();
    present_ = false;
  }

 private:
  bool present_ = false;
};

/// Raw bytes: base64 in JSON, a raw in msgpack.
struct Bytes : std::string {
  using std::string::string;
  using std::string::operator=;
  Bytes() = default;
  explicit Bytes(std::string bytes) : std::string(std::move(bytes)), present(true) {}
  bool is_nil() const { return !present && empty(); }
  bool present = false;
};

/// Go's *T: null or a value of its own; copying copies the value.
template <class T>
class Pointer {
 public:
  Pointer() = default;
  Pointer(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Pointer(const Pointer& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Pointer(Pointer&&) noexcept = default;
  Pointer& operator=(Pointer other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  /// Compares what is pointed at.
  friend bool operator==(const Pointer& a, const Pointer& b) {
    return a.value_ && b.value_ ? *a.value_ == *b.value_ : !a.value_ && !b.value_;
  }
  explicit operator bool() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T* get() { return value_.get(); }
  const T* get() const { return value_.get(); }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

/// A struct held by value in Go, of which most instances are the default: costs one pointer until it differs.
/// Codecs write the default when it is unset.
template <class T>
class Rare {
 public:
  Rare() = default;
  const T& operator*() const { return value_ ? *value_ : unset(); }
  const T* operator->() const { return &**this; }
  T& edit() { return value_ ? *value_ : value_.emplace(); }
  bool is_set() const { return static_cast<bool>(value_); }
  void reset() { value_.reset(); }
  friend bool operator==(const Rare& a, const Rare& b) { return *a == *b; }

 private:
  static const T& unset() {
    static const T value{};
    return value;
  }
  Pointer<T> value_;
};

/// Go's int and uint: 64 bits, but error texts say "int". (A type of its own beside std::int64_t, which is Go's int64.)
using Int = long long;
using Uint = unsigned long long;

enum class Kind : std::uint8_t {
  boolean,
  integer,
  unsigned_integer,
  floating,
  string,
  bytes,
  time,
  duration,
  list,
  map,
  pointer,
  rare,
  structure,
  any,
};

struct Type;
using TypeFn = const Type& (*)();

/// A type that is known already; called like a TypeFn.
class TypeRef {
 public:
  TypeRef() = default;
  TypeRef(const Type& type) : type_(&type) {}
  const Type& operator()() const { return *type_; }

 private:
  const Type* type_ = nullptr;
};

enum FieldFlag : std::uint32_t {
  kOmitEmpty = 1u << 0,      // JSON: left out when Go's omitempty would
  kNoJson = 1u << 1,         // Go's json:"-"
  kNoWire = 1u << 2,         // never in msgpack
  kWireOmitEmpty = 1u << 3,  // msgpack omitempty
  kNoFilter = 1u << 4,       // bexpr:"-"
  kOmitZero = 1u << 6,       // JSON: left out while nothing in it is set (a MarshalJSON that tests IsZero)
  kReadable = 1u << 5,       // duration written as text ("10s") in JSON
};

/// How JSON input of a field is taken where a Go type's UnmarshalJSON declares it anew (Type::json_shadow).
enum class JsonAs : std::uint8_t {
  itself,
  any,   // interface{}: durations as text or number, anything else is passed over
  text,  // string: durations as text only, bytes as plain text instead of base64, times are passed over
};

struct Field {
  std::string name{};                  // Go's field name; the msgpack key unless wire() changed it
  std::string json{};                  // JSON key
  std::string wire{};                  // msgpack key
  std::string filter{};                // selector in filter expressions
  std::vector<std::string> aliases{};  // further JSON/HCL keys accepted on input
  std::string go_type{};               // Go's type in error texts when it is not the type's own name
  std::size_t offset{};
  TypeRef type{};
  std::uint32_t flags{};
  JsonAs json_as{};
  std::string json_path{};  // the key with the embedded structs before it, as error texts show it: "RaftIndex.Key"
  std::string json_head{};  // `"key":`, escaped
  std::string wire_head{};  // the key as a msgpack raw

  bool has(FieldFlag flag) const { return (flags & flag) != 0; }
  const void* in(const void* object) const { return static_cast<const char*>(object) + offset; }
  void* in(void* object) const { return static_cast<char*>(object) + offset; }
};

/// How to handle a container without knowing its element type at compile time. `self` points at the container.
struct ListOps {
  std::size_t (*size)(const void* self);
  const void* (*at)(const void* self, std::size_t index);
  void* (*append)(void* self);                     // a default element, returned
  void (*truncate)(void* self, std::size_t size);  // drops the elements behind
  bool (*is_nil)(const void* self);
  void (*clear)(void* self, bool present);
};
struct MapOps {
  using Visit = void (*)(void* context, const std::string& key, const void* value);
  std::size_t (*size)(const void* self);
  void (*each)(const void* self, void* context, Visit visit);
  const void* (*find)(const void* self, std::string_view key);  // null if absent
  void* (*insert)(void* self, std::string key);                 // the value at key, default if new
  bool (*is_nil)(const void* self);
  void (*clear)(void* self, bool present);
};
struct PointerOps {                      // Pointer<T> and Rare<T>
  const void* (*get)(const void* self);  // null when unset
  void* (*make)(void* self);             // the value, default if it was unset
  void (*reset)(void* self);
};

/// The description of one type; there is one object per type, reached by type_of<T>().
struct Type {
  Kind kind{};
  std::uint8_t bits{};  // integers and floats: 8, 16, 32 or 64
  std::string name{};   // Go's name, "structs.Node" or "uint64"; empty for containers (see go_name)
  std::size_t size{};
  TypeFn element{};                         // list, map, pointer, rare
  std::vector<Field> fields{};              // structure: Go's declaration order, embedded ones inlined
  std::vector<std::uint16_t> wire_order{};  // indexes of the fields that msgpack has, sorted by wire name
  ListOps list{};
  MapOps map{};
  PointerOps pointer{};
  /// JSON hooks for the rare type whose JSON is not its fields (null otherwise). Both get the object.
  void (*json_after)(void* self){};  // runs after decoding: what Go types do in UnmarshalJSON beyond aliases
  /// Runs after decoding a type with json_shadow; true: defaults were set that explicit keys override, decode once
  /// more.
  bool (*json_defaults)(void* self){};
  void (*reset)(void* self){};  // back to the zero value
  const void* (*unset)(){};     // rare: the default value that codecs write
  bool reject_unknown{};        // JSON: an unknown key is an error
  /// Set where the Go type has an UnmarshalJSON that goes through a struct of its own ("struct { Hash string;
  /// *structs.Alias }"): error texts name that struct, and fields get the prefix ".Alias.".
  std::string json_shadow{};
  /// Null is an error where such a value stands itself (behind a pointer it is the null pointer): the Go type's
  /// UnmarshalJSON panics at it, and the connection ends without an answer.
  bool json_refuses_null{};
  std::vector<Field> json_ignored{};  // keys of that struct that are accepted, checked and dropped
  bool wire_omits{};                  // msgpack: some field has kWireOmitEmpty
  bool wrapped{};                     // msgpack: the type travels as one raw that holds its map (wire/msgpack.md 8)

  /// Exact, then any letter case, then aliases; null if none. `alias` is set to the alias that matched, else to null.
  const Field* by_json(std::string_view key, const std::string** alias = nullptr) const;
  const Field* ignored_by_json(std::string_view key) const;  // one of json_ignored
  const Field* by_wire(std::string_view key) const;
  const Field* by_filter(std::string_view key) const;
  /// Go's spelling for error texts: "structs.Node", "[]string", "map[string]*api.Check".
  std::string go_name() const;

  /// Open hash of the JSON keys and aliases, letter case folded; slots are 1 + index into fields, 0 is free.
  std::vector<std::uint16_t> json_slots{};
};

template <class T>
const Type& type_of();

/// Builds a structure's field table; used by PROCONSUL_DESCRIBE_TYPE only.
template <class S>
class TypeBuilder;

/// A tag, not a pointer to S: a class that has no description must not fall back on its base's.
template <class S>
struct TypeTag {};

#define PROCONSUL_DECLARE_TYPE(S) const ::proconsul::base::Type& proconsul_describe(::proconsul::base::TypeTag<S>);

#define PROCONSUL_DESCRIBE_TYPE(S, GO_NAME)                                                            \
  static void proconsul_fields(::proconsul::base::TypeBuilder<S>& type);                               \
  const ::proconsul::base::Type& proconsul_describe(::proconsul::base::TypeTag<S>) {                   \
    static const ::proconsul::base::Type& description =                                                \
        ::proconsul::base::TypeBuilder<S>(GO_NAME).build(&proconsul_fields); /* lives until the end */ \
    return description;                                                                                \
  }                                                                                                    \
  static void proconsul_fields([[maybe_unused]] ::proconsul::base::TypeBuilder<S>& type)

}  // namespace proconsul::base

#include "base/type_of.h"  // the templates: type_of<T>(), TypeBuilder<S>
