// Runs an agent's periodic checks on an event loop of their own: the first time at a random moment of the interval, so
// that checks that were registered together do not run together, then an interval after each run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/net/tls.h"
#include "base/result.h"
#include "catalog/types/agent_check.h"

namespace proconsul::agent::checks {

/// No check runs more often: an agent must not bomb its own host with processes.
inline constexpr base::Duration kMinInterval = base::seconds(1);

class Runner {
 public:
  struct Options {
    std::shared_ptr<base::net::TlsContext> tls{};  // for checks over TLS
    std::string docker_host{};                     // DOCKER_HOST; empty: the usual unix socket
  };
  /// A status that the thresholds let through, from the loop's thread. `number` is start()'s.
  using Report =
      std::function<void(const std::string& id, std::uint64_t number, std::string_view status, std::string output)>;

  Runner(Options options, Report report);
  ~Runner();
  Runner(const Runner&) = delete;

  // Any thread.
  /// Runs `check`, which local::validate_check accepted, in place of an earlier one of the same id. What that one still
  /// reports carries its own number.
  void start(std::string id, std::uint64_t number, catalog::CheckType check, std::size_t output_max_size);
  void stop(std::string id);
  /// Ends every check and what it runs; no report comes afterwards. Idempotent.
  void stop_all();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::agent::checks
