// Tries endpoints that get no connections, so that no client has to.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/net/loop.h"
#include "wanfed/gateway/dial.h"
#include "wanfed/gateway/upstream.h"

namespace proconsul::wanfed::gateway {

/// On the loop's thread only. It is idle while nothing is ejected.
class Prober final : base::net::Timer {
 public:
  Prober(base::net::Loop& loop, LiveRoutes& routes, base::net::Resolver& resolver)
      : loop_(loop), routes_(routes), names_(loop, resolver) {}

  /// Something was ejected.
  void wake();
  void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }

 private:
  struct Probe {
    std::shared_ptr<Upstream> upstream;
    Balancer::Choice choice;
    std::unique_ptr<Dial> dial{};
  };
  void on_timer() override { wake(); }
  void begin(std::shared_ptr<Upstream> upstream, Balancer::Choice choice);
  void ended(std::uint64_t id, const base::Result<base::net::Fd>& result);

  base::net::Loop& loop_;
  LiveRoutes& routes_;
  NameCache names_;
  std::chrono::milliseconds timeout_{3'000};
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Probe> probes_{};
};

}  // namespace proconsul::wanfed::gateway
