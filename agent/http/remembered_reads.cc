#include "agent/http/remembered_reads.h"

#include <utility>

namespace proconsul::agent::http {

namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20;
constexpr std::size_t kOverhead = 160;  // of one, beside its key

}  // namespace

void RememberedReads::forget(std::list<Read>::iterator read) {
  bytes_ -= read->key.size() + kOverhead;
  by_key_.erase(read->key);
  reads_.erase(read);
}

std::optional<RememberedReads::Clock::duration> RememberedReads::find(std::string_view key, const Rules& rules,
                                                                      Clock::time_point now) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  const auto read = found->second;
  if (now - read->used > rules.idle) {
    forget(read);
    return std::nullopt;
  }
  read->used = now;
  reads_.splice(reads_.begin(), reads_, read);
  const Clock::duration age = now - read->fetched;
  const bool too_old =
      rules.max_age && rules.max_age->nanoseconds > 0 && age > std::chrono::nanoseconds(rules.max_age->nanoseconds);
  if (too_old || rules.revalidate) return std::nullopt;
  return age;
}

void RememberedReads::remember(std::string key, Clock::time_point now) {
  std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->fetched = found->second->used = now;
    return;
  }
  bytes_ += key.size() + kOverhead;
  reads_.push_front({.key = std::move(key), .fetched = now, .used = now});
  by_key_.emplace(reads_.front().key, reads_.begin());
  while (bytes_ > kMostBytes && reads_.size() > 1) forget(std::prev(reads_.end()));
}

}  // namespace proconsul::agent::http
