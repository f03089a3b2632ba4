// Which endpoint of a cluster gets the next connection, and which ones get none for a while. Pure: the time and the
// dice come from outside, and somebody else connects.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::wanfed::gateway {

/// An endpoint of one balancer; never given twice.
enum class EndpointId : std::uint32_t {};

struct BalancerOptions {
  int failures_to_eject = 2;                        // refused connections in a row; one that times out is enough
  std::chrono::milliseconds first_ejection{1'000};  // each further one is twice as long
  std::chrono::milliseconds silent_ejection{
      4'000};  // the first one of an endpoint that takes connections and is silent
  std::chrono::milliseconds longest_ejection{10'000};
  std::chrono::milliseconds forgives_after{60'000};  // well for so long: the next ejection is one step shorter
  double most_ejected = 0.8;                         // share of the endpoints
};

/// silent: it took a connection and a hello, and said nothing for long.
enum class Failure : std::uint8_t { refused, timed_out, silent };

class Balancer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Choice {
    EndpointId id{};
    Address address{};
  };
  struct Status {
    Address address{};
    std::uint32_t active = 0;
    std::uint32_t failures = 0;  // in a row
    bool ejected = false;
    Time until{};  // when ejected: probed from then on
  };

  explicit Balancer(BalancerOptions options = {}) : options_(options) {}

  /// Those that stay keep their health and load; what is later told of those that went is ignored.
  void set_endpoints(std::span<const Address> addresses);

  /// The less loaded of two that chance names among the healthy, none of those `tried`. When those are all, one that
  /// failed lately, and at last one that is ejected: better than none. The endpoint counts as loaded until closed() or
  /// failed().
  std::optional<Choice> pick(Time now, base::Random& random, std::span<const EndpointId> tried = {});
  /// A connection stands. True: the endpoint was ejected, and is back. That it connects proves nothing of an endpoint
  /// that was silent before.
  bool connected(EndpointId id, Time now);
  /// It said something on a connection that stands. True: it was ejected, and is back.
  bool answered(EndpointId id, Time now);
  /// No connection came of the pick. For how long the endpoint is ejected by this, if it is.
  std::optional<std::chrono::milliseconds> failed(EndpointId id, Failure failure, Time now);
  /// The connection, or the try, ended otherwise.
  void closed(EndpointId id);

  /// Ejected endpoints whose time is over, each once until probed() tells whether it takes connections again.
  std::vector<Choice> due_for_probe(Time now);
  /// True: it is back. One that was silent gets one connection at a time until it answers.
  bool probed(EndpointId id, bool well, Time now);
  /// When the next one is due; nothing while none is ejected or all those are being probed.
  std::optional<Time> next_probe() const;

  std::size_t size() const { return endpoints_.size(); }
  std::size_t ejected() const;
  std::vector<Status> status() const;

 private:
  struct Endpoint {
    EndpointId id{};
    Address address{};
    std::uint32_t active = 0;
    std::uint32_t failures = 0;
    std::uint32_t ejections = 0;  // how often of late: the next one is as much longer
    bool is_ejected = false;
    bool is_probed = false;
    bool was_silent = false;   // and has not answered since
    bool is_on_trial = false;  // has a connection that shows whether it is still silent: others first
    Time until{};              // ejected: until then
    Time suspect_until{};      // failed lately: others first
    Time well_since{};
  };
  Endpoint* find(EndpointId id);
  std::chrono::milliseconds eject(Endpoint& endpoint, Time now);
  void recover(Endpoint& endpoint, Time now);

  BalancerOptions options_;
  std::vector<Endpoint> endpoints_{};  // by address
  std::uint32_t last_id_ = 0;
};

}  // namespace proconsul::wanfed::gateway
