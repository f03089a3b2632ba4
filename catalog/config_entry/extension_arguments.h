// The free-form arguments of an Envoy extension, read as strictly as Consul reads them: keys in any letter case, but a
// text only where one is wanted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/value.h"

namespace proconsul::catalog::rules {

/// What is not there, null, or of another type, reads as nothing. A type is Go's name of it, for what is said of
/// others.
class ExtensionArguments {
 public:
  /// `faults` outlives it.
  ExtensionArguments(const base::Map<base::Value>& values, std::vector<std::string>& faults)
      : ExtensionArguments(&values, {}, faults) {}

  /// Whether the structure is there at all.
  bool given() const { return values_ != nullptr; }

  std::string text(std::string_view field, std::string_view type = "string") const;
  std::optional<std::int64_t> number(std::string_view field, std::string_view type = "int") const;
  ExtensionArguments structure(std::string_view field) const;
  std::vector<ExtensionArguments> structures(std::string_view field) const;

  // Nothing depends on these, but they must be of their type.
  void count(std::string_view field) const;
  void flag(std::string_view field) const;
  void texts(std::string_view field) const;
  void text_map(std::string_view field) const;
  void map(std::string_view field) const;

 private:
  ExtensionArguments(const base::Map<base::Value>* values, std::string name, std::vector<std::string>& faults)
      : values_(values), name_(std::move(name)), faults_(&faults) {}

  const base::Value* take(std::string_view field) const;
  std::string path(std::string_view field) const;
  void mismatch(const std::string& name, const base::Value& value, std::string_view type) const;
  std::string text_of(const std::string& name, const base::Value& value, std::string_view type) const;
  const base::Map<base::Value>* map_of(const std::string& name, const base::Value& value) const;
  const base::Value::ListType* list_of(const std::string& name, const base::Value& value) const;

  const base::Map<base::Value>* values_;  // null: not given
  std::string name_;                      // "PluginConfig.VmConfig"; empty: the arguments themselves
  std::vector<std::string>* faults_;
};

}  // namespace proconsul::catalog::rules
