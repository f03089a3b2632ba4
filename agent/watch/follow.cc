#include "agent/watch/follow.h"

#include <algorithm>

namespace proconsul::agent::watch {
namespace {

constexpr std::int64_t kFirstRetrySeconds = 5;
constexpr std::int64_t kLastRetrySeconds = 180;

}  // namespace

void Follow::block(std::vector<std::pair<std::string, std::string>>& query) const {
  if (index_ && *index_ != 0) query.emplace_back("index", std::to_string(*index_));
  if (hash_ && !hash_->empty()) query.emplace_back("hash", *hash_);
}

bool Follow::answered(std::uint64_t index, Decoded answer, bool hashed) {
  failures_ = 0;
  const bool first = hashed ? !hash_ : !index_;
  if (!first && (hashed ? *hash_ == answer.hash : *index_ == index)) return false;
  if (hashed) {
    hash_ = std::move(answer.hash);
  } else {
    index_ = index;
  }
  if (!first && answer.json == json_) return false;  // something else moved the index
  json_ = std::move(answer.json);
  return true;
}

base::Duration Follow::failed() {
  failures_ = std::min<std::int64_t>(failures_ + 1, kLastRetrySeconds);
  index_.reset();
  hash_.reset();
  return base::seconds(std::min(kFirstRetrySeconds * failures_ * failures_, kLastRetrySeconds));
}

}  // namespace proconsul::agent::watch
