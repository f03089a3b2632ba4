#include "base/net/waited_exchange.h"

#include <strings.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace proconsul::base::net {
namespace {

/// The request on its loop, and what becomes of it. Shared by the loop and the thread that waits.
struct Flight : Timer {
  void on_timer() override { land(Error{Errc::timeout, "timeout awaiting response"}); }
  /// On the loop. The exchange goes at once, which its callback may do: it hears of its connection's end otherwise.
  void land(Result<WaitedAnswer> result) {
    cancel();
    exchange.reset();
    const std::lock_guard lock(mutex);
    if (landed) return;
    landed = std::move(result);
    changed.notify_all();
  }
  Result<WaitedAnswer> answer() const {
    const AnswerReader& reader = exchange->answer();
    if (!reader.whole()) return {Errc::unavailable, "unexpected EOF"};
    if (reader.body().total() > most) {
      return {Errc::too_large, "the answer is larger than " + std::to_string(most) + " bytes"};
    }
    return WaitedAnswer{reader.status(), reader.status_text(), reader.headers(), reader.body().text()};
  }
  std::size_t most = 0;
  std::unique_ptr<HttpExchange> exchange{};  // the loop's own
  std::mutex mutex{};
  std::condition_variable changed{};
  std::optional<Result<WaitedAnswer>> landed{};
};

}  // namespace

std::string_view WaitedAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return {};
}

Result<WaitedAnswer> exchange_and_wait(Loop& loop, Resolver& resolver, HttpExchange::Request request,
                                       Duration longest_wait, const Interrupt& stopping) {
  if (const std::string refused = refused_header(request.headers); !refused.empty()) {
    return {Errc::invalid_argument, refused};
  }
  auto flight = std::make_shared<Flight>();
  flight->most = request.output_max_size;
  loop.post([&loop, &resolver, flight, longest_wait, request = std::move(request)]() mutable {
    const auto deadline = Clock::now() + std::chrono::nanoseconds(longest_wait.nanoseconds);
    flight->exchange = std::make_unique<HttpExchange>(
        loop, resolver, std::move(request), [flight = flight.get()](const std::string& reason) {
          flight->land(reason.empty() ? flight->answer() : Result<WaitedAnswer>(Errc::unavailable, reason));
        });
    flight->arm(loop, deadline);
    flight->exchange->start(deadline);
  });
  Result<WaitedAnswer> landed(Errc::cancelled, "the agent stops");
  {
    constexpr auto kLook = std::chrono::milliseconds(100);  // for the interrupt
    std::unique_lock lock(flight->mutex);
    while (!flight->changed.wait_for(lock, kLook, [&] { return flight->landed.has_value(); })) {
      if (stopping.raised()) break;
    }
    if (flight->landed) landed = std::move(*flight->landed);
  }
  loop.run([&] {
    flight->cancel();
    flight->exchange.reset();
    flight.reset();
  });
  return landed;
}

}  // namespace proconsul::base::net
