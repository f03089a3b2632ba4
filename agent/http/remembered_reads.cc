#include "agent/http/remembered_reads.h"

#include <utility>

namespace proconsul::agent::http {

bool RememberedReads::remember(std::string key) {
  constexpr std::size_t kMost = 4096;
  std::lock_guard lock(mutex_);
  if (keys_.size() >= kMost) keys_.clear();
  return !keys_.insert(std::move(key)).second;
}

}  // namespace proconsul::agent::http
