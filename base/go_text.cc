#include "base/go_text.h"

#include <string_view>

#include "base/json.h"

namespace proconsul::base {

std::string go_text(const Value& value) {
  if (value.is_nil()) return "<nil>";
  if (const std::string* text = value.as_string()) return *text;
  if (const bool* truth = value.as_bool()) return *truth ? "true" : "false";
  if (const double* number = value.as_double()) {
    std::string out;
    append_json_number(out, *number);
    return out;
  }
  if (const std::int64_t* number = value.as_int()) return std::to_string(*number);
  if (const std::uint64_t* number = value.as_uint()) return std::to_string(*number);
  std::string out;
  const auto add = [&out](std::string_view text) {
    if (!out.ends_with('[')) out += ' ';
    out += text;
  };
  if (const Value::MapType* map = value.as_map()) {
    out = "map[";
    for (const auto& [key, each] : *map) add(key + ":" + go_text(each));
  } else if (const Value::ListType* list = value.as_list()) {
    out = "[";
    for (const Value& each : *list) add(go_text(each));
  } else if (const Bytes* bytes = value.as_bytes()) {
    out = "[";
    for (const auto byte : *bytes) add(std::to_string(static_cast<unsigned char>(byte)));
  }
  return out + "]";
}

std::string go_type(const Value& value) {
  if (value.is_nil()) return "<nil>";
  if (value.as_string()) return "string";
  if (value.as_bool()) return "bool";
  if (value.as_double()) return "float64";
  if (value.as_int()) return "int64";
  if (value.as_uint()) return "uint64";
  if (value.as_bytes()) return "[]uint8";
  return value.as_map() ? "map[string]interface {}" : "[]interface {}";
}

}  // namespace proconsul::base
