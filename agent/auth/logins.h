// The auth methods of this server, kept ready, and the threads that wait for what they ask.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/auth/login_limits.h"
#include "agent/auth/method.h"
#include "agent/auth/web.h"
#include "base/clock.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::auth {

/// Safe from any thread. Who logs in has shown nothing yet: what waits at a time is bounded, and one method whose
/// server is slow does not hold up the others.
class Logins {
 public:
  /// Methods ask other servers on `loop`. Both outlive it.
  Logins(base::net::Loop& loop, const base::Clock& clock, LoginLimits::Options limits = {});
  ~Logins() { stop(); }
  Logins(const Logins&) = delete;
  /// Work that waits gets Errc::cancelled, and all is over on return. Not from a loop; before the loop is stopped, and
  /// before what the work uses goes. Idempotent.
  void stop();

  LoginLimits& limits() { return limits_; }

  /// Runs on a thread that may wait; the error says why there is no method.
  using Work = std::move_only_function<void(base::Result<MethodPtr>)>;
  /// With the method made anew, as a check of its configuration.
  void make(catalog::ACLAuthMethod method, Work work);
  /// With the method as it is known by its ModifyIndex, or made anew. Errors: `auth method validator for "x" could not
  /// be initialized: ...`
  void use(catalog::ACLAuthMethod method, Work work);

 private:
  struct Job {
    std::string method{};
    std::move_only_function<void(bool stopping)> run{};
  };
  struct Known {
    std::uint64_t index{};
    MethodPtr method{};
  };
  void add(std::string method, std::move_only_function<void(bool stopping)> run);
  void serve();
  /// The first of the jobs whose method has not enough threads already; none: end().
  std::deque<Job>::iterator next_job();
  base::Result<MethodPtr> ready(const catalog::ACLAuthMethod& method);

  const base::Clock& clock_;
  LoginLimits limits_;
  Web web_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<Job> jobs_{};
  std::map<std::string, std::size_t> running_{};  // by method
  std::map<std::string, Known> known_{};
  std::vector<std::thread> threads_{};
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace proconsul::agent::auth
