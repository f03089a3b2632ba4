// What the server that leads does for peerings: it dials those that are to be dialed, and cleans up after those that
// are over.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/peering/imports.h"
#include "agent/peering/peer_client.h"
#include "agent/peering/stream.h"
#include "agent/peering/tracker.h"
#include "agent/server/server.h"
#include "base/net/loop.h"
#include "base/watch.h"
#include "catalog/types/node.h"

namespace proconsul::agent::peering {

class Duties final : base::WakeSink {
 public:
  struct Parts {
    base::net::Loops& loops;
    server::Server& server;
    PeerClient& peers;
    Streams& streams;
    Tracker& tracker;
    std::string datacenter;
    base::Pointer<catalog::Locality> locality{};
  };
  /// All outlive it, and the server's writer ends before it does.
  explicit Duties(Parts parts);
  ~Duties() override;
  void start();
  /// Not from a loop. Idempotent.
  void stop();

 private:
  class Dialer;
  void wake(std::vector<std::uint64_t>) override;
  void look();
  void look_at(const catalog::Tables& tables, const catalog::Peering& peering);
  void clean_up(const catalog::Tables& tables, const catalog::Peering& peering);

  const Parts parts_;
  base::net::Loop& loop_;
  Tick tick_;
  base::Watch watch_{};
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<std::string, std::unique_ptr<Dialer>> dialers_;  // by the peering's ID
  bool leading_ = false;
  bool cleaning_ = false;
  bool stopped_ = false;
};

}  // namespace proconsul::agent::peering
