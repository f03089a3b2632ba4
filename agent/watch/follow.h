// What a watch has seen so far: decides what to ask next, whether an answer is news, and how long to wait after a
// failure. Does nothing by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/watch/plan.h"
#include "base/time.h"

namespace proconsul::agent::watch {

class Follow {
 public:
  /// Adds what makes the next request block until there is something new.
  void block(std::vector<std::pair<std::string, std::string>>& query) const;
  /// The index of the last answer, if the view has indexes.
  std::optional<std::uint64_t> index() const { return index_; }

  /// An answer with its X-Consul-Index came; whether the handler should get it. `hashed`: the view is followed by the
  /// answer's hash instead of the index.
  bool answered(std::uint64_t index, Decoded answer, bool hashed);
  /// The request failed: what was seen is forgotten, so that the next answer is news. How long to wait.
  base::Duration failed();

  const std::string& json() const { return json_; }  // of the last news

 private:
  std::optional<std::uint64_t> index_{};
  std::optional<std::string> hash_{};
  std::string json_{};
  std::int64_t failures_{};
};

}  // namespace proconsul::agent::watch
