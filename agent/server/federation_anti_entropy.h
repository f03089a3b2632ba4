// How the leader of a datacenter keeps its federation state as its mesh gateways are: in the primary through the log,
// in a secondary by asking the primary, from where it comes back by replication.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "agent/server/replication_rounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/store.h"
#include "catalog/types/federation_state.h"

namespace proconsul::agent::server {

class FederationAntiEntropy {
 public:
  /// All but `write`, `wait` and `pause` return at once.
  struct Means {
    std::function<catalog::ViewPtr()> view{};
    std::function<base::Watch(const base::KeySet& keys)> watch{};
    /// Until the watch has fired, the time has passed, or it is over.
    std::function<void(const base::Watch& watch, base::Duration most)> wait{};
    const base::Clock* clock = nullptr;
    std::function<bool()> ready{};         // whether all servers, here and in the primary, know such states
    std::function<std::string()> token{};  // the replication token: another one may be all that was missing
    std::function<base::Result<>(catalog::FederationState state)> write{};  // waits until it is done
    ReplicationPause pause{};
    std::string datacenter{};                                 // this one
    std::function<void(const base::Result<bool>&)> report{};  // of each pass. None: to nobody
  };
  explicit FederationAntiEntropy(Means means) : means_(std::move(means)) {}

  /// Until `over`. At most a pass in five seconds, in the long run.
  void run(const std::stop_token& over);
  /// Writes the state if it is another one than the gateways make it by now; whether it did. The watch fires when that
  /// is to be looked at again.
  base::Result<bool> pass(base::Watch& watch);

 private:
  const Means means_;
  const base::log::Logger log_{"agent.server"};
};

}  // namespace proconsul::agent::server
