// Flood join: whoever joins the LAN as a server is joined into the WAN by the servers that are there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/net/loop.h"
#include "gossip/serf/event.h"
#include "gossip/swim/membership.h"

namespace proconsul::agent::cluster {

/// A server of the LAN that the WAN does not know.
struct Missing {
  std::string name{};  // its name on the WAN
  gossip::swim::Address address{};
};
/// Servers of the datacenter that are alive on the LAN and say where they are on the WAN.
std::vector<Missing> missing_on_wan(const std::vector<gossip::serf::MemberPtr>& lan,
                                    const std::vector<gossip::serf::MemberPtr>& wan, const std::string& datacenter);

/// Everything on the thread of its loop, where it ends too.
class Flood final : base::net::Timer {
 public:
  struct Means {
    /// Who is missing now.
    std::function<std::vector<Missing>()> missing{};
    std::function<void(Missing)> join{};
  };
  Flood(base::net::Loop& loop, Means means) : loop_(loop), means_(std::move(means)) {}
  /// Looks now, and from now on every minute.
  void look();

 private:
  void on_timer() override { look(); }

  base::net::Loop& loop_;
  const Means means_;
};

}  // namespace proconsul::agent::cluster
