// How a secondary datacenter's federation states become those of the primary. It waits only through what it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/rpc/federation_types.h"
#include "agent/server/difference.h"
#include "agent/server/replication_rounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

using FederationDifference = Difference<const catalog::FederationState*>;
/// What makes `here` like `there`, by datacenter. Of what both have only what changed after that index counts, and is
/// not here yet.
FederationDifference federation_difference(std::vector<const catalog::FederationState*> here,
                                           std::vector<const catalog::FederationState*> there, std::uint64_t after);

class FederationReplicator {
 public:
  struct Limits {
    double rounds_a_second = 1;  // in the long run
    std::int64_t burst = 5;
    std::int64_t applies_a_second = 100;  // within a round
  };
  /// All but `ask`, `apply` and `pause` return at once.
  struct Means {
    /// All states of the primary, once there is something newer than `after`.
    std::function<base::Result<rpc::IndexedFederationStates>(std::uint64_t after, const std::stop_token& over)> ask{};
    const base::Clock* clock = nullptr;
    std::function<bool()> ready{};         // whether all servers, here and in the primary, know such states
    std::function<std::string()> token{};  // the replication token
    std::function<catalog::ViewPtr()> view{};
    std::function<base::Result<>(std::string command)> apply{};  // waits until it is applied here
    ReplicationPause pause{};
    std::string datacenter{};                                          // this one
    std::function<void(const base::Result<std::uint64_t>&)> report{};  // of each round. None: to nobody
  };
  FederationReplicator(Limits limits, Means means);

  /// Until `over`.
  void run(const std::stop_token& over);
  /// Asks once, waiting until there is something newer than `after` (0: for everything), and makes it so. The index of
  /// the primary that it is as far as. Errc::unavailable: over.
  base::Result<std::uint64_t> round(std::uint64_t after, const std::stop_token& over);

 private:
  base::Result<> write(const std::vector<const catalog::FederationState*>& states, bool gone);

  const Limits limits_;
  const Means means_;
  const base::log::Logger log_;
  const base::metrics::Gauge status_, index_;
  const base::metrics::Sample fetch_, apply_;
};

}  // namespace proconsul::agent::server
