// From free values to settings. Types are as strict as Consul's, with its one leniency: HCL makes a list of every
// block, so a list of one element stands for that element where no list is wanted.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "agent/config/keys.h"
#include "agent/config/settings.h"
#include "base/json.h"

namespace proconsul::agent::config {
namespace {

using base::Value;

std::string_view kind_of(const Value& value) {
  if (value.as_bool() != nullptr) return "bool";
  if (value.as_int() != nullptr) return "int";
  if (value.as_uint() != nullptr) return "uint64";
  if (value.as_double() != nullptr) return "float64";
  if (value.as_list() != nullptr) return "slice";
  if (value.as_map() != nullptr) return "map";
  return "string";
}

std::string go_type_of(const Value& value) {
  if (value.as_map() != nullptr) return "map[string]interface {}";
  if (value.as_list() != nullptr) return "[]interface {}";
  return std::string(kind_of(value));
}

/// Go's %v.
std::string printed(const Value& value) {
  if (value.is_nil()) return "<nil>";
  if (const bool* boolean = value.as_bool()) return *boolean ? "true" : "false";
  if (const std::int64_t* number = value.as_int()) return std::to_string(*number);
  if (const std::uint64_t* number = value.as_uint()) return std::to_string(*number);
  if (const double* number = value.as_double()) {
    std::string out;
    base::append_json_number(out, *number);
    return out;
  }
  if (const std::string* text = value.as_string()) return *text;
  std::string out;
  if (const Value::ListType* list = value.as_list()) {
    for (const Value& item : *list) out += (out.empty() ? "" : " ") + printed(item);
    return "[" + out + "]";
  }
  if (const Value::MapType* map = value.as_map()) {
    for (const auto& [key, item] : *map) out += (out.empty() ? "" : " ") + key + ":" + printed(item);
    return "map[" + out + "]";
  }
  return out;
}

/// Lists of one element within a free value, which blocks leave behind.
void unwrap_deeply(Value& value) {
  if (Value::MapType* map = value.as_map()) {
    for (auto& [key, item] : *map) {
      unwrap_deeply(item);
      if (Value::ListType* list = item.as_list(); list != nullptr && list->size() == 1) {
        Value only = std::move((*list)[0]);
        item = std::move(only);
      }
    }
  } else if (Value::ListType* list = value.as_list()) {
    for (Value& item : *list) unwrap_deeply(item);
  }
}

class Decoder {
 public:
  Settings object(const std::string& name, const Value::MapType& source, const Group& group) {
    Settings out;
    out.make_present();
    std::map<std::string, const Value*> chosen;  // the spelling of the table wins over other cases and aliases
    for (const auto& [key, value] : source) {
      const Group::Member* member = group.find(key);
      if (member == nullptr) {
        unknown_.push_back(joined(name, key));
        continue;
      }
      const std::string canonical = name_of(group, *member);
      if (!chosen.contains(canonical) || key == canonical) chosen[canonical] = &value;
    }
    for (const auto& [key, value] : chosen) {
      const Group::Member& member = group.members().at(key);
      Value decoded = this->value(joined(name, key), *value, member);
      if (!decoded.is_nil()) out[key] = std::move(decoded);
    }
    return out;
  }

  std::vector<WrongValue>& errors() { return errors_; }
  std::vector<std::string>& unknown() { return unknown_; }

 private:
  static std::string joined(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
  }

  static std::string name_of(const Group& group, const Group::Member& member) {
    const std::string_view path = member.key->path;
    const std::string name(path.substr(path.rfind('.') + 1));
    (void)group;
    return name;
  }

  static const Value& unwrapped(const Value& value) {
    const Value::ListType* list = value.as_list();
    return list != nullptr && list->size() == 1 ? (*list)[0] : value;
  }

  Value fail(const std::string& name, std::string text) {
    errors_.push_back({name, std::move(text)});
    return {};
  }
  Value fail(const std::string& name, const char* wanted, const Value& got) {
    return fail(name, "'" + name + "' expected type '" + wanted + "', got unconvertible type '" + go_type_of(got) +
                          "', value: '" + printed(got) + "'");
  }
  Value fail_map(const std::string& name, const Value& got) {
    return fail(name, "'" + name + "' expected a map, got '" + std::string(kind_of(got)) + "'");
  }

  Value value(const std::string& name, const Value& given, const Group::Member& member) {
    if (given.is_nil()) return {};
    switch (member.key->type) {
      case KeyType::text_list:
        return list(name, given, [&](const std::string& at, const Value& v) { return text(at, v); });
      case KeyType::object_list:
        return list(name, given, [&](const std::string& at, const Value& v) { return map(at, v, *member.group); });
      case KeyType::free_map_list:
        return list(name, given, [&](const std::string& at, const Value& v) { return free_map(at, v); });
      default:
        break;
    }
    const Value& plain = unwrapped(given);
    if (plain.is_nil()) return {};
    switch (member.key->type) {
      case KeyType::boolean:
        return plain.as_bool() != nullptr ? plain : fail(name, "bool", plain);
      case KeyType::integer:
        return integer(name, plain);
      case KeyType::unsigned_integer:
        return unsigned_integer(name, plain, *member.key);
      case KeyType::number:
        return plain.is_number() ? Value(plain.number()) : fail(name, "float64", plain);
      case KeyType::text:
        return text(name, plain);
      case KeyType::text_map:
        return mapped(name, plain, [&](const std::string& at, const Value& v) { return text(at, v); });
      case KeyType::text_list_map:
        return mapped(name, plain, [&](const std::string& at, const Value& v) {
          return list(at, v, [&](const std::string& inner, const Value& item) { return text(inner, item); });
        });
      case KeyType::object_map:
        return mapped(name, plain,
                      [&](const std::string& at, const Value& v) { return map(at, unwrapped(v), *member.group); });
      case KeyType::free_map:
        return free_map(name, plain);
      case KeyType::object:
        return map(name, plain, *member.group);
      default:
        return {};
    }
  }

  Value text(const std::string& name, const Value& given) {
    const Value& plain = unwrapped(given);
    return plain.as_string() != nullptr ? plain : fail(name, "string", plain);
  }

  Value integer(const std::string& name, const Value& given) {
    if (const double* number = given.as_double()) {
      // A float is cut off, as Consul does; what does not fit at all is refused instead of becoming any number.
      if (!(std::abs(*number) < 9.2e18)) return fail(name, "int", given);
      return Value(static_cast<std::int64_t>(*number));
    }
    return given.as_int() != nullptr ? given : fail(name, "int", given);
  }

  Value unsigned_integer(const std::string& name, const Value& given, const Key& key) {
    const char* type = key.path.starts_with("dns_config.soa") ? "uint32"
                       : key.path == "autopilot.min_quorum"   ? "uint"
                                                              : "uint64";
    Value number = given.is_number() ? integer(name, given) : fail(name, type, given);
    if (const std::int64_t* signed_number = number.as_int(); signed_number != nullptr && *signed_number < 0) {
      return fail(name, "cannot parse '" + name + "', " + printed(given) + " overflows uint");
    }
    return number;
  }

  Value list(const std::string& name, const Value& given, auto&& element) {
    const Value::ListType* items = given.as_list();
    if (items == nullptr) {
      return fail(name, "'" + name + "': source data must be an array or slice, got " + std::string(kind_of(given)));
    }
    Value out;
    out.make_list();
    for (std::size_t i = 0; i < items->size(); ++i) {
      const std::string at = name + "[" + std::to_string(i) + "]";
      Value item = (*items)[i].is_nil() ? Value() : element(at, (*items)[i]);
      out.as_list()->push_back(std::move(item));
    }
    return out;
  }

  Value mapped(const std::string& name, const Value& given, auto&& element) {
    const Value::MapType* items = given.as_map();
    if (items == nullptr) return fail_map(name, given);
    Value out;
    out.make_map();
    for (const auto& [key, item] : *items) {
      Value decoded = item.is_nil() ? Value() : element(name + "[" + key + "]", item);
      (*out.as_map())[key] = std::move(decoded);
    }
    return out;
  }

  Value map(const std::string& name, const Value& given, const Group& group) {
    if (given.as_map() == nullptr) return fail_map(name, given);
    return Value(object(name, *given.as_map(), group));
  }

  Value free_map(const std::string& name, const Value& given) {
    return mapped(name, unwrapped(given), [](const std::string&, const Value& item) {
      const Value::ListType* list = item.as_list();
      if (list == nullptr || list->size() != 1) return item;
      Value only = (*list)[0];
      unwrap_deeply(only);
      return only;
    });
  }

  std::vector<WrongValue> errors_;
  std::vector<std::string> unknown_;
};

}  // namespace

Decoded decode_settings(const Value::MapType& file) {
  Decoder decoder;
  Decoded out;
  out.settings = decoder.object("", file, root_group());
  out.wrong = std::move(decoder.errors());
  std::ranges::sort(out.wrong, {}, &WrongValue::text);
  out.unknown = std::move(decoder.unknown());
  std::ranges::sort(out.unknown);
  if (out.wrong.empty()) out.warnings = rename_deprecated(out.settings);
  return out;
}

}  // namespace proconsul::agent::config
