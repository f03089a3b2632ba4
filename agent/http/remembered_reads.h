// What ?cached reads were asked before: the second one tells its client that it was a hit. The answers themselves are
// always fresh, since this agent has the state at hand.
#pragma once

#include <mutex>
#include <string>
#include <unordered_set>

namespace proconsul::agent::http {

class RememberedReads {
 public:
  /// True if the key was remembered already. Any thread.
  bool remember(std::string key);

 private:
  std::mutex mutex_{};
  std::unordered_set<std::string> keys_{};
};

}  // namespace proconsul::agent::http
