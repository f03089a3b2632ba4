// Regular expressions with Go's syntax, in time linear in the text, so that they may come from outside.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace proconsul::base {

class Regex {
 public:
  /// Fails with Go's text, e.g. "error parsing regexp: missing closing ]: `[a`".
  static Result<Regex> compile(std::string_view pattern);
  /// Whether the pattern occurs anywhere in `text`. Safe from several threads.
  bool matches(std::string_view text) const;
  /// The first match and its groups, "" for groups that took no part; empty if there is no match. Safe as well.
  std::vector<std::string> groups(std::string_view text) const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> program) : program_(std::move(program)) {}
  std::shared_ptr<const re2::RE2> program_;
};

}  // namespace proconsul::base
