// JSON as Go's encoding/json reads and writes it, error texts included; described types (base/type.h) and free values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::base {

enum class JsonInput : std::uint8_t {
  whole,  // json.Unmarshal: anything but spaces behind the value is an error
  first,  // json.NewDecoder(r).Decode: reads one value, ignores what follows; empty input is "EOF"
};
struct JsonReadOptions {
  JsonInput input = JsonInput::whole;
  bool reject_unknown = false;  // DisallowUnknownFields
};

/// Decodes into an existing object; absent keys keep their values. Errc::invalid_argument with Go's text, for example
/// "json: cannot unmarshal string into Go struct field Check.Port of type int"; the rest has been decoded even so.
Result<> read_json(std::string_view text, const Type& type, void* object, JsonReadOptions options = {});

template <class T>
Result<> read_json(std::string_view text, T& object, JsonReadOptions options = {}) {
  return read_json(text, type_of<T>(), &object, options);
}
template <class T>
Result<T> from_json(std::string_view text, JsonReadOptions options = {}) {
  T object{};
  if (Result<> read = read_json(text, object, options); !read) return read.error();
  return object;
}

/// Appends what json.Marshal gives.
void append_json(std::string& out, const Type& type, const void* object);
/// A quoted and escaped JSON string (HTML characters escaped too, as Go does).
void append_json_string(std::string& out, std::string_view text);
/// A number as Go writes a float64.
void append_json_number(std::string& out, double number);
/// Appends compact JSON indented by four spaces, as Consul's ?pretty does (without a final newline).
void append_indented_json(std::string& out, std::string_view compact);

template <class T>
void append_json(std::string& out, const T& object) {
  append_json(out, type_of<T>(), &object);
}
template <class T>
std::string to_json(const T& object) {
  std::string out;
  append_json(out, type_of<T>(), &object);
  return out;
}

}  // namespace proconsul::base
