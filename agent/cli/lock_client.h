// Locks and semaphores over sessions and keys, by the rules that Consul's clients share, so that ours and theirs
// exclude each other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "agent/cli/api_client.h"
#include "agent/cli/kept_session.h"

namespace proconsul::agent::cli {

struct LockOptions {
  std::string prefix{};        // the lock's key is PREFIX/.lock, in both kinds
  std::int64_t limit{1};       // more than one: a semaphore
  std::string session_name{};  // for those who list sessions
  base::Duration wait{};       // how long to try; 0: for ever
  std::int64_t retries{};      // failed looks at a held lock, a second apart, before it counts as lost
};

/// One place in a lock or semaphore.
class LockClient {
 public:
  /// Fails if the options are no good. Raising `stop` ends acquire(); it outlives the client. `lost` is called once
  /// from another thread when the place is lost while it is held.
  static base::Result<std::unique_ptr<LockClient>> make(ApiConfig config, LockOptions options, base::Interrupt& stop,
                                                        std::function<void()> lost);
  virtual ~LockClient();
  LockClient(const LockClient&) = delete;
  LockClient& operator=(const LockClient&) = delete;

  /// False if the time ran out or `stop` was raised.
  base::Result<bool> acquire();
  /// Gives the place back and destroys the session.
  base::Result<> release();
  /// Deletes the lock's key. Errc::conflict if somebody uses it.
  base::Result<> destroy();

  /// For the two kinds; use make().
  LockClient(ApiConfig config, LockOptions options, base::Interrupt& stop, std::function<void()> lost);

 protected:
  void stop_monitoring();  // the kinds must, before they go
  /// What a look at the key or prefix came to.
  enum class Attempt { held, taken, lost_race, delayed };
  struct Look {
    Attempt attempt{};
    std::uint64_t index{};  // of a taken lock: when it changes, look again
  };
  virtual std::string session_body() const = 0;
  /// Before the first attempt.
  virtual base::Result<> enter(ApiClient& client, const std::string& session) = 0;
  virtual base::Result<Look> attempt(ApiClient& client, const std::string& session, base::Duration wait,
                                     std::uint64_t index) = 0;
  virtual base::Result<> leave(ApiClient& client, const std::string& session) = 0;
  virtual base::Result<> remove(ApiClient& client) = 0;
  struct Held {
    bool held{};
    std::uint64_t index{};
  };
  virtual base::Result<Held> look(ApiClient& client, const std::string& session, std::uint64_t index) = 0;

  const std::string& key() const { return key_; }
  const LockOptions& options() const { return options_; }

 private:
  base::Result<bool> try_until_held(ApiClient& client);
  void monitor(ApiClient client);

  ApiConfig config_;
  LockOptions options_;
  std::string key_;
  base::Interrupt& stop_;
  std::function<void()> lost_;
  std::unique_ptr<KeptSession> session_{};
  base::Interrupt stop_monitor_{};
  std::thread monitor_{};
};

}  // namespace proconsul::agent::cli
