#include "catalog/config_entry/extension_arguments.h"

#include <strings.h>

#include <algorithm>
#include <cmath>

#include "base/go_text.h"

namespace proconsul::catalog::rules {

using base::Value;

namespace {

/// Of a value that came as JSON.
std::string type_of(const Value& value) {
  return value.is_number() ? "float64" : base::go_type(value);
}

/// The kind of the type, as Go's reflect names it.
std::string kind_of(const Value& value) {
  if (value.as_map()) return "map";
  if (value.as_list()) return "slice";
  return value.as_bytes() ? "string" : type_of(value);
}

}  // namespace

std::string ExtensionArguments::path(std::string_view field) const {
  return (name_.empty() ? std::string{} : name_ + ".").append(field);
}

const Value* ExtensionArguments::take(std::string_view field) const {
  if (!values_) return nullptr;
  auto found = values_->find(field);
  if (found == values_->end()) {
    found = std::ranges::find_if(*values_, [&](const auto& entry) {
      return entry.first.size() == field.size() && ::strncasecmp(entry.first.data(), field.data(), field.size()) == 0;
    });
  }
  if (found == values_->end()) return nullptr;
  const Value* value = &found->second;
  // HCL makes a list of every block: of what stands first in the arguments, one alone counts as itself.
  if (const Value::ListType* list = value->as_list(); list && name_.empty() && list->size() < 2) {
    if (list->empty()) return nullptr;
    value = &list->front();
  }
  return value->is_nil() ? nullptr : value;
}

void ExtensionArguments::mismatch(const std::string& name, const Value& value, std::string_view type) const {
  faults_->push_back("'" + name + "' expected type '" + std::string(type) + "', got unconvertible type '" +
                     type_of(value) + "', value: '" + base::go_text(value) + "'");
}

std::string ExtensionArguments::text_of(const std::string& name, const Value& value, std::string_view type) const {
  if (const std::string* text = value.as_string()) return *text;
  if (const base::Bytes* bytes = value.as_bytes()) return *bytes;  // untyped texts come so from other servers
  if (!value.is_nil()) mismatch(name, value, type);
  return {};
}

const base::Map<Value>* ExtensionArguments::map_of(const std::string& name, const Value& value) const {
  const base::Map<Value>* map = value.as_map();
  if (!map && !value.is_nil()) faults_->push_back("'" + name + "' expected a map, got '" + kind_of(value) + "'");
  return map;
}

const Value::ListType* ExtensionArguments::list_of(const std::string& name, const Value& value) const {
  const Value::ListType* list = value.as_list();
  if (!list) {
    faults_->push_back("'" + name + "': source data must be an array or slice, got " + kind_of(value));
  }
  return list;
}

std::string ExtensionArguments::text(std::string_view field, std::string_view type) const {
  const Value* value = take(field);
  return value ? text_of(path(field), *value, type) : std::string{};
}

std::optional<std::int64_t> ExtensionArguments::number(std::string_view field, std::string_view type) const {
  const Value* value = take(field);
  if (!value) return std::nullopt;
  if (!value->is_number()) {
    mismatch(path(field), *value, type);
    return std::nullopt;
  }
  constexpr double kMost = 9223372036854775807.0;
  const double number = value->number();
  return std::abs(number) < kMost ? static_cast<std::int64_t>(number) : INT64_MIN;
}

void ExtensionArguments::count(std::string_view field) const {
  const Value* value = take(field);
  if (!number(field, "uint32") || value->number() >= 0) return;
  faults_->push_back("cannot parse '" + path(field) + "', " + std::to_string(value->number()) + " overflows uint");
}

void ExtensionArguments::flag(std::string_view field) const {
  const Value* value = take(field);
  if (value && !value->as_bool()) mismatch(path(field), *value, "bool");
}

void ExtensionArguments::texts(std::string_view field) const {
  const Value* value = take(field);
  const Value::ListType* list = value ? list_of(path(field), *value) : nullptr;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    text_of(path(field) + "[" + std::to_string(i) + "]", (*list)[i], "string");
  }
}

void ExtensionArguments::text_map(std::string_view field) const {
  const Value* value = take(field);
  const base::Map<Value>* map = value ? map_of(path(field), *value) : nullptr;
  if (!map) return;
  for (const auto& [key, each] : *map) text_of(path(field) + "[" + key + "]", each, "string");
}

void ExtensionArguments::map(std::string_view field) const {
  if (const Value* value = take(field)) map_of(path(field), *value);
}

ExtensionArguments ExtensionArguments::structure(std::string_view field) const {
  const Value* value = take(field);
  return {value ? map_of(path(field), *value) : nullptr, path(field), *faults_};
}

std::vector<ExtensionArguments> ExtensionArguments::structures(std::string_view field) const {
  std::vector<ExtensionArguments> all;
  const Value* value = take(field);
  const Value::ListType* list = value ? list_of(path(field), *value) : nullptr;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    std::string name = path(field) + "[" + std::to_string(i) + "]";
    const base::Map<Value>* map = map_of(name, (*list)[i]);
    all.push_back({map, std::move(name), *faults_});
  }
  return all;
}

}  // namespace proconsul::catalog::rules
