// Merged settings as values of the types that the configuration has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/definition.h"
#include "agent/config/settings.h"
#include "base/value.h"

namespace proconsul::agent::config {

/// What is wrong with a value goes to `errors`, which with all else that it is given outlives it.
class SettingsReader {
 public:
  SettingsReader(const Settings& settings, const Surroundings& host, std::vector<std::string>& warnings,
                 std::vector<std::string>& errors)
      : settings_(settings), host_(host), warnings_(warnings), errors_(errors) {}

  /// Null if the path was not set.
  const base::Value* at(std::string_view path) const { return find(settings_, path); }
  std::string text(std::string_view path, std::string fallback = {}) const {
    return text_or(at(path), std::move(fallback));
  }
  bool flag(std::string_view path, bool fallback = false) const { return boolean_or(at(path), fallback); }
  std::int64_t integer(std::string_view path, std::int64_t fallback = 0) const {
    return integer_or(at(path), fallback);
  }
  std::uint64_t size(std::string_view path) const { return static_cast<std::uint64_t>(integer(path)); }
  List<std::string> texts(std::string_view path) const { return texts_of(at(path)); }
  Duration duration(std::string_view path) const { return read_duration(std::string(path), at(path), errors_); }
  Duration duration_at_least(std::string_view path, Duration least) const {
    const Duration value = duration(path);
    if (value < least) {
      errors_.push_back(std::string(path) + ": duration '" + text(path) + "' cannot be less than: " + to_string(least));
    }
    return value;
  }
  /// Negative is no limit.
  double rate(std::string_view path, double fallback = 0) const {
    const double value = number_or(at(path), fallback);
    return value < 0 ? kUnlimited : value;
  }
  /// Texts that may hold address templates.
  List<std::string> expanded(const std::string& path) const;

 protected:
  const Settings& settings_;
  const Surroundings& host_;
  std::vector<std::string>& warnings_;
  std::vector<std::string>& errors_;
};

/// Without the white space around it.
std::string trimmed(std::string text);

}  // namespace proconsul::agent::config
