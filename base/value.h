// A free-form value: what Go keeps in an interface{} - decoded JSON, proxy configuration, untyped msgpack.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/type.h"

namespace proconsul::base {

/// Nil, a boolean, a number, text, bytes, a list or a map with text keys. A value type: copying copies the whole tree.
/// JSON numbers arrive as double, as in Go; integers occur only where a program or msgpack put them.
class Value {
 public:
  using ListType = List<Value>;
  using MapType = Map<Value>;

  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(double value) : data_(value) {}
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
  Value(T value) {
    if constexpr (std::is_signed_v<T>) {
      data_ = static_cast<std::int64_t>(value);
    } else {
      data_ = static_cast<std::uint64_t>(value);
    }
  }
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(Bytes value) : data_(std::move(value)) {}
  Value(ListType value) : data_(std::move(value)) {}
  Value(MapType value) : data_(std::move(value)) {}

  bool is_nil() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_number() const { return as_int() || as_uint() || as_double(); }
  /// The content if it is of that kind, else null.
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  const std::uint64_t* as_uint() const { return std::get_if<std::uint64_t>(&data_); }
  const double* as_double() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  std::string* as_string() { return std::get_if<std::string>(&data_); }
  const Bytes* as_bytes() const { return std::get_if<Bytes>(&data_); }
  const ListType* as_list() const { return std::get_if<ListType>(&data_); }
  ListType* as_list() { return std::get_if<ListType>(&data_); }
  const MapType* as_map() const { return std::get_if<MapType>(&data_); }
  MapType* as_map() { return std::get_if<MapType>(&data_); }

  /// Makes it an empty, non-nil list or map (or text) and returns that.
  ListType& make_list() { return data_.emplace<ListType>().make_present(); }
  MapType& make_map() { return data_.emplace<MapType>().make_present(); }

  /// The value at a map's key; null if this is no map or lacks the key.
  const Value* find(std::string_view key) const {
    const MapType* map = as_map();
    if (!map) return nullptr;
    auto found = map->find(key);
    return found == map->end() ? nullptr : &found->second;
  }
  /// Any number as a double; 0 for what is no number.
  double number() const;

  bool operator==(const Value& other) const { return data_ == other.data_; }

  using Data =
      std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, ListType, MapType>;
  const Data& data() const { return data_; }
  Data& data() { return data_; }

 private:
  Data data_;
};

}  // namespace proconsul::base
