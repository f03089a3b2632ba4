// The rules of policies that were parsed before: most tokens share theirs with others.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "acl/rules.h"

namespace proconsul::acl {

/// What parse_rules() makes of a text, as policies that are stored are read: the last of duplicates wins. Safe from any
/// thread.
class ParsedRules {
 public:
  /// `most_bytes`: of text, and some for each.
  explicit ParsedRules(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  /// Errors are those of parse_rules(); they are not kept.
  Result<std::shared_ptr<const Rules>> of(std::string_view text);
  std::size_t size() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  const std::size_t most_bytes_;
  mutable std::mutex mutex_{};
  std::unordered_map<std::string, std::shared_ptr<const Rules>, Hash, std::equal_to<>> by_text_{};
  std::size_t bytes_ = 0;
};

}  // namespace proconsul::acl
