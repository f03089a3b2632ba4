// Changing the keys of a whole pool: a question to everybody, and the count of what they say.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "gossip/keyring.h"

namespace proconsul::gossip::serf {

enum class KeyOperation : std::uint8_t { install, use, remove, list };

/// What Consul's keyring commands show of a pool.
struct KeyResult {
  std::map<std::string, std::string> messages{};  // by node: what went wrong there, or what it had to add
  int nodes = 0;                                  // that were there when the question was put
  int responses = 0;
  int errors = 0;
  std::map<std::string, int> keys{};  // base64, to how many nodes have it
  std::map<std::string, int> primary_keys{};
  std::string error{};  // empty: everybody did it
};
using KeyDone = std::move_only_function<void(KeyResult)>;

/// Where the keys are kept over a restart.
class KeyringStore {
 public:
  virtual ~KeyringStore() = default;
  virtual base::Result<> save(const Keyring& keyring) = 0;
};

}  // namespace proconsul::gossip::serf
