#include "agent/config/settings.h"

#include <algorithm>

#include "agent/config/keys.h"
#include "base/strconv.h"

namespace proconsul::agent::config {
namespace {

using base::Value;

/// Keys whose objects replace each other as a whole.
bool replaces_whole(const Key& key) {
  return key.path == "locality" || key.path == "cloud" || key.path == "dns_config.soa";
}

void merge_group(Settings& into, Settings from, const Group& group) {
  into.make_present();
  for (auto& [name, value] : from) {
    auto known = group.members().find(name);
    Value& slot = into[name];
    const KeyType type = known->second.key->type;
    const bool list = type == KeyType::text_list || type == KeyType::object_list || type == KeyType::free_map_list;
    const bool map = type == KeyType::text_map || type == KeyType::text_list_map || type == KeyType::free_map ||
                     type == KeyType::object_map;
    if (list && slot.as_list() != nullptr && value.as_list() != nullptr) {
      for (Value& item : *value.as_list()) slot.as_list()->push_back(std::move(item));
    } else if (map && slot.as_map() != nullptr && value.as_map() != nullptr) {
      for (auto& [key, item] : *value.as_map()) (*slot.as_map())[key] = std::move(item);
    } else if (type == KeyType::object && !replaces_whole(*known->second.key) && slot.as_map() != nullptr &&
               value.as_map() != nullptr) {
      merge_group(*slot.as_map(), std::move(*value.as_map()), *known->second.group);
    } else {
      slot = std::move(value);
    }
  }
}

Value literal(KeyType type, std::string_view text) {
  switch (type) {
    case KeyType::boolean:
      return Value(text == "true");
    case KeyType::integer:
    case KeyType::unsigned_integer:
      return Value(base::parse_int(text).value_or(0));
    case KeyType::number:
      return Value(base::parse_float(text).value_or(0));
    default:
      return Value(text);
  }
}

}  // namespace

void merge(Settings& into, Settings from) {
  merge_group(into, std::move(from), root_group());
}

const Value* find(const Settings& settings, std::string_view path) {
  const Settings* at = &settings;
  while (true) {
    const std::size_t dot = path.find('.');
    auto found = at->find(path.substr(0, dot));
    if (found == at->end() || found->second.is_nil()) return nullptr;
    if (dot == path.npos) return &found->second;
    at = found->second.as_map();
    if (at == nullptr) return nullptr;
    path.remove_prefix(dot + 1);
  }
}

Value& set(Settings& settings, std::string_view path, Value value) {
  Settings* at = &settings.make_present();
  while (true) {
    const std::size_t dot = path.find('.');
    Value& slot = (*at)[std::string(path.substr(0, dot))];
    if (dot == path.npos) return slot = std::move(value);
    at = slot.as_map() != nullptr ? slot.as_map() : &slot.make_map();
    path.remove_prefix(dot + 1);
  }
}

void erase(Settings& settings, std::string_view path) {
  const std::size_t dot = path.find('.');
  auto found = settings.find(path.substr(0, dot));
  if (found == settings.end()) return;
  if (dot == path.npos) {
    settings.erase(found);
  } else if (found->second.as_map() != nullptr) {
    erase(*found->second.as_map(), path.substr(dot + 1));
  }
}

Settings default_settings(bool development) {
  Settings settings;
  for (const Key& key : keys()) {
    if (key.use == Use::internal) continue;
    const std::string_view text = development && !key.development.empty() ? key.development : key.initial;
    // "false" is what an absent key means anyway, and some keys ask whether they were given at all.
    if (!text.empty() && text != "false") set(settings, key.path, literal(key.type, text));
  }
  return settings;
}

Settings internal_settings(bool development) {
  Settings settings;
  for (const Key& key : keys()) {
    if (key.use != Use::internal) continue;
    const std::string_view text = development && !key.development.empty() ? key.development : key.initial;
    if (!text.empty()) set(settings, key.path, literal(key.type, text));
  }
  return settings;
}

}  // namespace proconsul::agent::config
