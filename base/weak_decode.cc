#include "base/weak_decode.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/go_text.h"
#include "base/json.h"
#include "base/scalar.h"
#include "base/strconv.h"
#include "base/time.h"

namespace proconsul::base {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// As Go's reflect names the kind of a value.
std::string kind_of(const Value& value) {
  if (value.as_map()) return "map";
  if (value.as_list() || value.as_bytes()) return "slice";
  return go_type(value);
}

/// What no int64 can hold becomes the smallest one, as on amd64.
std::int64_t whole(double number) {
  constexpr double kMost = 9223372036854775808.0;  // 2^63
  if (!(number >= -kMost && number < kMost)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}
std::uint64_t whole_unsigned(double number) {
  constexpr double kHalf = 9223372036854775808.0;
  if (number < kHalf) return static_cast<std::uint64_t>(whole(number));
  if (number < 2 * kHalf) return static_cast<std::uint64_t>(number);
  return std::uint64_t{1} << 63;
}

/// A list of one element within maps becomes that element, as deep as maps go.
void unwrap_deeply(Value& value) {
  if (Value::MapType* map = value.as_map()) {
    for (auto& [key, item] : *map) {
      unwrap_deeply(item);
      if (Value::ListType* list = item.as_list(); list && list->size() == 1) {
        Value only = std::move(list->front());
        item = std::move(only);
      }
    }
  } else if (Value::ListType* list = value.as_list()) {
    for (Value& item : *list) unwrap_deeply(item);
  }
}

class WeakDecoder {
 public:
  void decode(const std::string& name, const Value& given, const Type& type, const std::string& type_name, void* to) {
    if (given.is_nil()) return;
    const Value* data = &given;
    const bool takes_lists = type.kind == Kind::list || type.kind == Kind::bytes;
    if (const Value::ListType* list = given.as_list(); list && list->size() == 1 && !takes_lists) {
      data = &list->front();
      if (data->is_nil() && type.kind != Kind::pointer) {
        return fail("'" + name + "' expected type '" + type_name + "', got a list of null");
      }
    }
    switch (type.kind) {
      case Kind::boolean:
        return boolean(name, *data, type_name, to);
      case Kind::integer:
        return integer(name, *data, type, type_name, to);
      case Kind::unsigned_integer:
        return unsigned_integer(name, *data, type, type_name, to);
      case Kind::floating:
        return floating(name, *data, type, type_name, to);
      case Kind::string:
        return text(name, *data, type_name, *static_cast<std::string*>(to));
      case Kind::bytes:
        return text(name, *data, type_name, *static_cast<Bytes*>(to));
      case Kind::time:
        return time(name, *data, *static_cast<Time*>(to));
      case Kind::duration:
        return duration(name, *data, to);
      case Kind::list:
        return list(name, *data, type, type_name, to);
      case Kind::map:
        return map(name, *data, type, to);
      case Kind::pointer:
        if (data->is_nil()) return;
        [[fallthrough]];
      case Kind::rare:
        return decode(name, *data, type.element(), type.element().go_name(), type.pointer.make(to));
      case Kind::structure:
        if (const Value::MapType* given = data->as_map()) return structure(name, *given, type, to);
        return fail("'" + name + "' expected a map, got '" + kind_of(*data) + "'");
      case Kind::any: {
        Value& free = *static_cast<Value*>(to);
        free = *data;
        if (data != &given) unwrap_deeply(free);
        return;
      }
    }
  }

  void structure(const std::string& name, const Value::MapType& given, const Type& type, void* to) {
    const Source source = without_aliases(given, type);
    std::set<std::string_view> unused;
    for (const auto& [key, value] : source) unused.insert(key);
    const std::size_t faults = faults_.size();
    for (const Field& field : type.fields) {
      // Those that all rows of the state have are no part of the input.
      if (field.json_path.starts_with("RaftIndex.")) continue;
      auto found = source.find(field.name);
      if (found == source.end()) {
        const std::string wanted = lower(field.name);
        found = std::ranges::find_if(source, [&](const auto& entry) { return lower(entry.first) == wanted; });
      }
      if (found == source.end()) continue;
      unused.erase(found->first);
      decode(name.empty() ? field.name : name + "." + field.name, *found->second, field.type(),
             field.go_type.empty() ? field.type().go_name() : field.go_type, field.in(to));
    }
    if (faults_.size() > faults) return;
    for (const std::string_view key : unused) unused_.push_back((name.empty() ? "" : name + ".") + std::string(key));
  }

  Result<std::vector<std::string>> result() {
    if (faults_.empty()) return std::move(unused_);
    std::ranges::sort(faults_);
    std::string all = std::to_string(faults_.size()) + " error(s) decoding:\n";
    for (const std::string& fault : faults_) all += "\n* " + fault;
    return {Errc::invalid_argument, std::move(all)};
  }

 private:
  void fail(std::string text) { faults_.push_back(std::move(text)); }
  void mismatch(const std::string& name, const Value& value, const std::string& type_name) {
    fail("'" + name + "' expected type '" + type_name + "', got unconvertible type '" + go_type(value) + "', value: '" +
         go_text(value) + "'");
  }
  void unparsable(const std::string& name, const char* as, const Error& error) {
    fail("cannot parse '" + name + "' as " + as + ": " + error.detail);
  }

  void boolean(const std::string& name, const Value& data, const std::string& type_name, void* to) {
    if (const bool* truth = data.as_bool()) {
      store(to, *truth);
    } else if (data.is_number()) {
      store(to, data.number() != 0);
    } else if (const std::string* text = data.as_string()) {
      const Result<bool> parsed = parse_bool(*text);
      if (!parsed && !text->empty()) return unparsable(name, "bool", parsed.error());
      store(to, parsed.value_or(false));
    } else {
      mismatch(name, data, type_name);
    }
  }

  void integer(const std::string& name, const Value& data, const Type& type, const std::string& type_name, void* to) {
    if (const std::int64_t* number = data.as_int()) {
      store_signed(type, to, *number);
    } else if (const std::uint64_t* count = data.as_uint()) {
      store_signed(type, to, static_cast<std::int64_t>(*count));
    } else if (const double* real = data.as_double()) {
      store_signed(type, to, whole(*real));
    } else if (const bool* truth = data.as_bool()) {
      store_signed(type, to, *truth ? 1 : 0);
    } else if (const std::string* text = data.as_string()) {
      const Result<std::int64_t> parsed = parse_int(text->empty() ? "0" : *text, 0, type.bits);
      if (!parsed) return unparsable(name, "int", parsed.error());
      store_signed(type, to, *parsed);
    } else {
      mismatch(name, data, type_name);
    }
  }

  void unsigned_integer(const std::string& name, const Value& data, const Type& type, const std::string& type_name,
                        void* to) {
    if (const std::int64_t* number = data.as_int()) {
      store_unsigned(type, to, static_cast<std::uint64_t>(*number));
    } else if (const std::uint64_t* count = data.as_uint()) {
      store_unsigned(type, to, *count);
    } else if (const double* real = data.as_double()) {
      store_unsigned(type, to, whole_unsigned(*real));
    } else if (const bool* truth = data.as_bool()) {
      store_unsigned(type, to, *truth ? 1 : 0);
    } else if (const std::string* text = data.as_string()) {
      const Result<std::uint64_t> parsed = parse_uint(text->empty() ? "0" : *text, 0, type.bits);
      if (!parsed) return unparsable(name, "uint", parsed.error());
      store_unsigned(type, to, *parsed);
    } else {
      mismatch(name, data, type_name);
    }
  }

  void floating(const std::string& name, const Value& data, const Type& type, const std::string& type_name, void* to) {
    double number = 0;
    if (data.is_number()) {
      number = data.number();
    } else if (const bool* truth = data.as_bool()) {
      number = *truth ? 1 : 0;
    } else if (const std::string* text = data.as_string()) {
      const Result<double> parsed = parse_float(text->empty() ? "0" : *text, type.bits);
      if (!parsed) return unparsable(name, "float", parsed.error());
      number = *parsed;
    } else {
      return mismatch(name, data, type_name);
    }
    if (type.bits == 32) {
      store(to, static_cast<float>(number));
    } else {
      store(to, number);
    }
  }

  void text(const std::string& name, const Value& data, const std::string& type_name, std::string& to) {
    if (const std::string* text = data.as_string()) {
      to = *text;
    } else if (const Bytes* bytes = data.as_bytes()) {
      to = *bytes;
    } else if (const bool* truth = data.as_bool()) {
      to = *truth ? "1" : "0";
    } else if (data.is_number()) {
      to = go_text(data);
    } else {
      mismatch(name, data, type_name);
    }
  }

  void time(const std::string& name, const Value& data, Time& to) {
    if (const std::string* text = data.as_string()) {
      const Result<Time> parsed = parse_rfc3339(*text);
      if (!parsed) return fail("error decoding '" + name + "': " + parsed.error().detail);
      to = *parsed;
    } else if (!data.as_map()) {
      fail("'" + name + "' expected a map, got '" + kind_of(data) + "'");
    } else {
      for (const auto& [key, each] : *data.as_map()) unused_.push_back(name + "." + key);
    }
  }

  void duration(const std::string& name, const Value& data, void* to) {
    if (const std::string* text = data.as_string()) {
      const Result<Duration> parsed = parse_duration(*text);
      if (!parsed) return fail("error decoding '" + name + "': " + parsed.error().detail);
      *static_cast<Duration*>(to) = *parsed;
      return;
    }
    integer(name, data, type_of<std::int64_t>(), "time.Duration", &static_cast<Duration*>(to)->nanoseconds);
  }

  void list(const std::string& name, const Value& data, const Type& type, const std::string& type_name, void* to) {
    const Value::ListType* items = data.as_list();
    if (!items) {
      if (const Value::MapType* map = data.as_map(); map && map->empty()) return type.list.clear(to, true);
      type.list.clear(to, true);
      return element(name, 0, data, type, type_name, to);
    }
    if (items->is_nil()) return;
    type.list.clear(to, true);
    for (std::size_t i = 0; i < items->size(); ++i) element(name, i, (*items)[i], type, type_name, to);
  }
  void element(const std::string& name, std::size_t index, const Value& data, const Type& type,
               const std::string& type_name, void* to) {
    // "[]types.TLSCipherSuite"
    const std::string named = type_name.starts_with("[]") ? type_name.substr(2) : type.element().go_name();
    decode(name + "[" + std::to_string(index) + "]", data, type.element(), named, type.list.append(to));
  }

  void map(const std::string& name, const Value& data, const Type& type, void* to) {
    if (const Value::ListType* several = data.as_list()) {  // one map after the other
      if (type.map.is_nil(to)) type.map.clear(to, true);
      for (std::size_t i = 0; i < several->size(); ++i) {
        const std::size_t faults = faults_.size();
        decode(name + "[" + std::to_string(i) + "]", (*several)[i], type, type.go_name(), to);
        if (faults_.size() > faults) return;
      }
      return;
    }
    const Value::MapType* items = data.as_map();
    if (!items) return fail("'" + name + "' expected a map, got '" + kind_of(data) + "'");
    if (type.map.is_nil(to)) type.map.clear(to, true);
    for (const auto& [key, item] : *items) {
      decode(name + "[" + key + "]", item, type.element(), type.element().go_name(), type.map.insert(to, key));
    }
  }

  using Source = std::map<std::string, const Value*, std::less<>>;
  /// Aliases become the field's name in lower case, unless that is there itself.
  static Source without_aliases(const Value::MapType& given, const Type& type) {
    Source out;
    for (const auto& [key, value] : given) {
      const std::string wanted = lower(key);
      const auto has_alias = [&](const Field& field) {
        return std::ranges::any_of(field.aliases, [&](const std::string& alias) { return lower(alias) == wanted; });
      };
      const auto field = std::ranges::find_if(type.fields, has_alias);
      if (field == type.fields.end()) {
        out.insert_or_assign(key, &value);
        continue;
      }
      const std::string canonical = lower(field->name);
      const auto itself = given.find(canonical);
      out.insert_or_assign(canonical, itself == given.end() ? &value : &itself->second);
    }
    return out;
  }

  std::vector<std::string> faults_{};
  std::vector<std::string> unused_{};
};

}  // namespace

Result<std::vector<std::string>> decode_weakly(const Value::MapType& from, const Type& type, void* object) {
  WeakDecoder decoder;
  decoder.structure("", from, type, object);
  return decoder.result();
}

bool has_null_in_list(const Value& value) {
  if (const Value::ListType* list = value.as_list()) {
    return std::ranges::any_of(*list, [](const Value& each) { return each.is_nil() || has_null_in_list(each); });
  }
  const Value::MapType* map = value.as_map();
  return map && std::ranges::any_of(*map, [](const auto& entry) { return has_null_in_list(entry.second); });
}

}  // namespace proconsul::base
