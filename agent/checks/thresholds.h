// A check's status changes only after so many results of one kind in a row. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "catalog/types/health.h"

namespace proconsul::agent::checks {

class Thresholds {
 public:
  /// The first result counts at once, whatever it is.
  Thresholds(std::int64_t success_before_passing, std::int64_t failures_before_warning,
             std::int64_t failures_before_critical)
      : success_before_passing_(success_before_passing),
        failures_before_warning_(failures_before_warning),
        failures_before_critical_(failures_before_critical),
        successes_(success_before_passing),
        failures_(failures_before_critical) {}

  /// The status that a run's result leads to; none: the check keeps the one that it has.
  std::optional<std::string_view> next(std::string_view result) {
    if (result == catalog::kHealthPassing || result == catalog::kHealthWarning) {
      ++successes_;
      failures_ = 0;
      return successes_ >= success_before_passing_ ? std::optional(result) : std::nullopt;
    }
    ++failures_;
    successes_ = 0;
    if (failures_ >= failures_before_critical_) return result;
    if (failures_ >= failures_before_warning_) return catalog::kHealthWarning;
    return std::nullopt;
  }
  std::int64_t successes() const { return successes_; }
  std::int64_t failures() const { return failures_; }

 private:
  std::int64_t success_before_passing_, failures_before_warning_, failures_before_critical_;
  std::int64_t successes_, failures_;
};

}  // namespace proconsul::agent::checks
