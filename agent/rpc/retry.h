// When a call that failed is made again: of a server that asks the leader, and of a client agent that asks a server.
// Plain arithmetic; rpc.md 6 of the wire reference.
#pragma once

#include <optional>
#include <string_view>

#include "agent/rpc/call_times.h"
#include "agent/rpc/method.h"
#include "base/net/loop.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::rpc {

class Retry {
 public:
  enum class Of : std::uint8_t { the_leader, any_server };
  /// `times` and `method` outlive it.
  Retry(const CallTimes& times, const Method& method, Of whom, base::net::Clock::time_point begun)
      : times_(times), method_(method), whom_(whom), begun_(begun) {}

  /// How long to wait before the next attempt, which is longer from time to time; nothing: the error stands.
  std::optional<base::net::Clock::duration> after(const base::Error& error, const Invocation& invocation,
                                                  base::net::Clock::time_point now, base::Random& random);

 private:
  bool is_worth_it(std::string_view error) const;

  const CallTimes& times_;
  const Method& method_;
  const Of whom_;
  const base::net::Clock::time_point begun_;
  std::int64_t pause_ = 0;  // nanoseconds, the last one
  int attempts_ = 0;
};

}  // namespace proconsul::agent::rpc
