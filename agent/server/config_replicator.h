// How a secondary datacenter's config entries become those of the primary: what differs, in which order it is written,
// and what happens when the primary cannot be asked. It waits only through what it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rpc/config_types.h"
#include "agent/server/difference.h"
#include "agent/server/replication_rounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

/// By kind, then by name.
using ConfigDifference = Difference<catalog::ConfigEntryPtr>;
/// What makes `here` like `there`. Of what both have only what changed after that index counts.
ConfigDifference config_difference(std::vector<catalog::ConfigEntryPtr> here,
                                   std::vector<catalog::ConfigEntryPtr> there, std::uint64_t after);

class ConfigReplicator {
 public:
  struct Limits {
    double rounds_a_second = 1;  // in the long run
    std::int64_t burst = 5;
    std::int64_t applies_a_second = 100;  // within a round
  };
  /// All but `ask`, `apply` and `pause` return at once.
  struct Means {
    /// All entries of the primary, once there is something newer than `after`.
    std::function<base::Result<rpc::IndexedGenericConfigEntries>(std::uint64_t after, const std::stop_token& over)>
        ask{};
    const base::Clock* clock = nullptr;
    std::function<catalog::ViewPtr()> view{};
    std::function<base::Result<>(std::string command)> apply{};  // waits until it is applied here
    ReplicationPause pause{};
    std::function<std::string()> token{};  // the replication token: another one may be all that was missing
    std::string datacenter{};              // this one
    std::function<void(const base::Result<std::uint64_t>&)> report{};  // of each round. None: to nobody
  };
  ConfigReplicator(Limits limits, Means means);

  /// Until `over`.
  void run(const std::stop_token& over);
  /// Asks once, waiting until there is something newer than `after` (0: for everything), and makes it so. The index of
  /// the primary that it is as far as. Errc::unavailable: over.
  base::Result<std::uint64_t> round(std::uint64_t after, const std::stop_token& over);

 private:
  base::Result<> write(const std::vector<catalog::ConfigEntryPtr>& entries, std::string_view operation,
                       std::vector<std::string>& faults);

  const Limits limits_;
  const Means means_;
  const base::log::Logger log_;
  const base::metrics::Gauge status_, index_;
  const base::metrics::Sample fetch_, apply_;
};

}  // namespace proconsul::agent::server
