#include "agent/auth/config_reader.h"

#include <strings.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/go_text.h"
#include "base/json.h"
#include "base/strconv.h"

namespace proconsul::agent::auth {

using base::Result;
using base::Value;

namespace {

/// The kind of a value as Go's reflect names it.
std::string kind_of(const Value& value) {
  if (value.as_map()) return "map";
  if (value.as_list() || value.as_bytes()) return "slice";
  return base::go_type(value);
}

std::int64_t whole(double number) {
  constexpr double kMost = 9223372036854775808.0;  // 2^63
  if (!(number > -kMost && number < kMost)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}

}  // namespace

void as_texts(Value& value) {
  if (const base::Bytes* bytes = value.as_bytes()) {
    value = std::string(*bytes);
  } else if (Value::ListType* list = value.as_list()) {
    for (Value& each : *list) as_texts(each);
  } else if (Value::MapType* map = value.as_map()) {
    for (auto& [key, each] : *map) as_texts(each);
  }
}

const Value* ConfigReader::take(std::string_view key) {
  auto found = config_.find(key);
  if (found == config_.end()) {
    found = std::ranges::find_if(config_, [&](const auto& entry) {
      return entry.first.size() == key.size() && ::strncasecmp(entry.first.data(), key.data(), key.size()) == 0;
    });
  }
  if (found == config_.end()) return nullptr;
  taken_.insert(found->first);
  return found->second.is_nil() ? nullptr : &found->second;
}

void ConfigReader::mismatch(const std::string& name, const Value& value, std::string_view type) {
  faults_.push_back("'" + name + "' expected type '" + std::string(type) + "', got unconvertible type '" +
                    base::go_type(value) + "', value: '" + base::go_text(value) + "'");
}

void ConfigReader::take_text(const std::string& name, const Value& value, std::string& to) {
  if (value.is_nil()) return;
  if (const std::string* text = value.as_string()) {
    to = *text;
  } else if (const base::Bytes* bytes = value.as_bytes()) {
    to = *bytes;  // untyped texts come so out of the log
  } else if (const bool* truth = value.as_bool()) {
    to = *truth ? "1" : "0";
  } else if (value.is_number()) {
    to = base::go_text(value);
  } else {
    mismatch(name, value, "string");
  }
}

void ConfigReader::take_number(const std::string& name, const Value& value, std::int64_t& to, std::string_view type) {
  std::string text;
  if (const std::int64_t* number = value.as_int()) {
    to = *number;
  } else if (const std::uint64_t* count = value.as_uint()) {
    to = static_cast<std::int64_t>(*count);
  } else if (const double* real = value.as_double()) {
    to = whole(*real);
  } else if (const bool* truth = value.as_bool()) {
    to = *truth ? 1 : 0;
  } else if (value.as_string()) {
    take_text(name, value, text);
    if (text.empty()) text = "0";
    const Result<std::int64_t> parsed = base::parse_int(text, 0);
    if (!parsed) {
      faults_.push_back("cannot parse '" + name + "' as int: " + parsed.error().detail);
      return;
    }
    to = *parsed;
  } else {
    mismatch(name, value, type);
  }
}

void ConfigReader::take_map(const std::string& name, const Value& value, std::map<std::string, std::string>& to) {
  if (const Value::ListType* several = value.as_list()) {  // one map after the other
    for (std::size_t i = 0; i < several->size(); ++i) {
      take_map(name + "[" + std::to_string(i) + "]", (*several)[i], to);
    }
    return;
  }
  const Value::MapType* map = value.as_map();
  if (!map) {
    faults_.push_back("'" + name + "' expected a map, got '" + kind_of(value) + "'");
    return;
  }
  for (const auto& [key, each] : *map) take_text(name + "[" + key + "]", each, to[key]);
}

void ConfigReader::read(std::string_view key, std::string& to) {
  if (const Value* value = take(key)) take_text(std::string(key), *value, to);
}

void ConfigReader::read(std::string_view key, bool& to) {
  const Value* value = take(key);
  if (!value) return;
  if (const bool* truth = value->as_bool()) {
    to = *truth;
  } else if (value->is_number()) {
    to = value->number() != 0;
  } else if (const std::string* text = value->as_string()) {
    const Result<bool> parsed = base::parse_bool(*text);
    if (!parsed && !text->empty()) {
      faults_.push_back("cannot parse '" + std::string(key) + "' as bool: " + parsed.error().detail);
    }
    to = parsed.value_or(false);
  } else {
    mismatch(std::string(key), *value, "bool");
  }
}

void ConfigReader::read(std::string_view key, std::int64_t& to) {
  if (const Value* value = take(key)) take_number(std::string(key), *value, to, "int");
}

void ConfigReader::read(std::string_view key, double& to) {
  const Value* value = take(key);
  if (!value) return;
  if (value->is_number()) {
    to = value->number();
  } else if (const bool* truth = value->as_bool()) {
    to = *truth ? 1 : 0;
  } else if (const std::string* text = value->as_string()) {
    const Result<double> parsed = base::parse_float(text->empty() ? "0" : *text);
    if (!parsed) {
      faults_.push_back("cannot parse '" + std::string(key) + "' as float: " + parsed.error().detail);
      return;
    }
    to = *parsed;
  } else {
    mismatch(std::string(key), *value, "float32");
  }
}

void ConfigReader::read_written(std::string_view key, base::Duration& to) {
  const Value* value = take(key);
  if (!value) return;
  if (!value->as_string() && !value->as_bytes()) {
    return take_number(std::string(key), *value, to.nanoseconds, "time.Duration");
  }
  const std::string text = value->as_string() ? *value->as_string() : std::string(*value->as_bytes());
  const Result<base::Duration> parsed = base::parse_duration(text);
  if (!parsed) {
    faults_.push_back("error decoding '" + std::string(key) + "': " + parsed.error().detail);
    return;
  }
  to = *parsed;
}

void ConfigReader::read(std::string_view key, base::Duration& to) {
  if (const Value* value = take(key)) take_number(std::string(key), *value, to.nanoseconds, "time.Duration");
}

void ConfigReader::read(std::string_view key, std::vector<std::string>& to) {
  const Value* value = take(key);
  if (!value) return;
  if (value->as_map() && value->as_map()->empty()) return;
  to.clear();
  const auto add = [&](const Value& each) {
    take_text(std::string(key) + "[" + std::to_string(to.size()) + "]", each, to.emplace_back());
  };
  if (const Value::ListType* list = value->as_list()) {
    for (const Value& each : *list) add(each);
  } else {
    add(*value);
  }
}

void ConfigReader::read(std::string_view key, std::map<std::string, std::string>& to) {
  if (const Value* value = take(key)) take_map(std::string(key), *value, to);
}

Result<> ConfigReader::finish(Unknown keys) {
  std::string unknown;
  for (const auto& [key, value] : config_) {
    if (keys == Unknown::refused && !taken_.contains(key)) unknown += (unknown.empty() ? "" : ", ") + key;
  }
  if (!unknown.empty()) faults_.push_back("'' has invalid keys: " + unknown);
  if (faults_.empty()) return {};
  std::ranges::sort(faults_);
  std::string text = "error decoding config: " + std::to_string(faults_.size()) + " error(s) decoding:\n";
  for (const std::string& fault : faults_) text += "\n* " + fault;
  return {base::Errc::internal, std::move(text)};
}

}  // namespace proconsul::agent::auth
