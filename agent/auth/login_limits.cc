#include "agent/auth/login_limits.h"

#include "base/quote.h"

namespace proconsul::agent::auth {

using base::Errc;
using base::Error;
using base::Result;

namespace {
constexpr std::size_t kMostMethods = 1024;  // of which it is remembered how often they were used
}  // namespace

LoginLimits::LoginLimits(Options options) : options_(options) {}

Result<> LoginLimits::may_try(std::string_view method, base::TokenBucket::Clock::time_point now) {
  if (options_.rate <= 0) return {};
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMostMethods && !buckets_.contains(std::string(method))) buckets_.clear();
  const auto [bucket, is_new] = buckets_.try_emplace(std::string(method));
  if (is_new) bucket->second.set(static_cast<double>(options_.rate), options_.burst);
  if (bucket->second.take(now)) return {};
  return Error{Errc::internal, "too many logins by the auth method " + base::quote(method) +
                                   ": rate limit exceeded, try again later or "
                                   "against a different server"};
}

Error LoginLimits::too_many(std::string_view method) const {
  return {Errc::permission_denied, "Permission denied: there are " + std::to_string(options_.most_tokens) +
                                       " tokens of logins by the auth method " + base::quote(method) +
                                       ", as many as acl.login.max_tokens_per_method allows"};
}

LoginLimits::Place LoginLimits::reserve(std::string_view method) {
  return {static_cast<void*>(this), [this, name = std::string(method)](void*) {
            const std::lock_guard lock(mutex_);
            if (const auto found = begun_.find(name); found != begun_.end() && --found->second == 0)
              begun_.erase(found);
          }};
}

}  // namespace proconsul::agent::auth
