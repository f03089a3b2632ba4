// One HTTP request, and its answer for a thread that may wait for it.
#pragma once

#include <cstddef>
#include <string>

#include "base/interrupt.h"
#include "base/net/http_exchange.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::base::net {

struct WaitedAnswer {
  int status{};
  std::string status_text{};  // "200 OK"
  Headers headers{};
  std::string body{};

  /// The first header of that name, in any letter case; empty if there is none.
  std::string_view header(std::string_view name) const;
};

/// Makes the request on `loop` and waits for it; not on a loop's thread, and before the loop is stopped. Errors:
/// Errc::timeout "timeout awaiting response", Errc::too_large if the body is longer than the request's output_max_size,
/// Errc::cancelled once the interrupt is raised, Errc::unavailable with the words of Go's net.
Result<WaitedAnswer> exchange_and_wait(Loop& loop, Resolver& resolver, HttpExchange::Request request,
                                       Duration longest_wait, const Interrupt& stopping);

}  // namespace proconsul::base::net
