// Settings: what configuration sources say, under the keys of keys.h and with checked types, before it means anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"

namespace proconsul::base::hcl {
struct Node;
}

namespace proconsul::agent::config {

using Settings = base::Value::MapType;

/// A value of the wrong type, in Consul's words: "'server' expected type 'bool', got unconvertible type ...".
struct WrongValue {
  std::string key{};  // "services[0].port"
  std::string text{};
};

struct Decoded {
  Settings settings{};
  std::vector<WrongValue> wrong{};      // by text; with any, `settings` is of no use
  std::vector<std::string> unknown{};   // keys that no part of the table has: "ports.bogus", "services[0].nmae"
  std::vector<std::string> warnings{};  // deprecated names that were used
};

/// Checks a file's values against the table and renames deprecated keys.
Decoded decode_settings(const base::Value::MapType& file);

/// Moves what stands under deprecated names to where it belongs, unless that is set; returns a warning for each.
std::vector<std::string> rename_deprecated(Settings& settings);

/// Overlays `from`: scalars and whole definitions replace, lists append, maps take the later value of each key, objects
/// merge key by key.
void merge(Settings& into, Settings from);

/// The value at a dotted path; null if it is not set.
const base::Value* find(const Settings& settings, std::string_view path);
base::Value& set(Settings& settings, std::string_view path, base::Value value);
void erase(Settings& settings, std::string_view path);

/// The table's defaults, and those of -dev over them.
Settings default_settings(bool development);
/// Values that no source may change: keys with Use::internal.
Settings internal_settings(bool development);

}  // namespace proconsul::agent::config
