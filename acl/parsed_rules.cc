#include "acl/parsed_rules.h"

#include <utility>

namespace proconsul::acl {
namespace {

constexpr std::size_t kOverhead = 512;

}  // namespace

Result<std::shared_ptr<const Rules>> ParsedRules::of(std::string_view text) {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_text_.find(text); found != by_text_.end()) return found->second;
  }
  Result<Rules> rules = parse_rules(text, Duplicates::last_wins);
  if (!rules) return rules.error();
  auto parsed = std::make_shared<const Rules>(std::move(*rules));
  const std::size_t bytes = 2 * text.size() + kOverhead;
  if (bytes > most_bytes_) return parsed;
  const std::scoped_lock lock(mutex_);
  // Those that many tokens have are soon back; most of the others are needed once.
  if (bytes_ + bytes > most_bytes_) {
    by_text_.clear();
    bytes_ = 0;
  }
  if (by_text_.try_emplace(std::string(text), parsed).second) bytes_ += bytes;
  return parsed;
}

std::size_t ParsedRules::size() const {
  const std::scoped_lock lock(mutex_);
  return by_text_.size();
}

}  // namespace proconsul::acl
