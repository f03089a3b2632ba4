// What all that is copied from the primary datacenter has in common: round after round while this server leads, from
// the last index that was copied, from the beginning after an error, and at once with another replication token.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "agent/server/replication_rounds.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"

namespace proconsul::agent::server {

struct ReplicationLoop {
  /// Copies what is newer than `after` (0: everything); the index of the primary that this is as far as.
  std::function<base::Result<std::uint64_t>(std::uint64_t after)> round{};
  std::function<bool()> wanted{};        // no: looked at again at the next turn, and begun anew then. None: always
  std::function<std::string()> token{};  // the replication token. None: what failed is not tried sooner for it
  std::function<void(const base::Result<std::uint64_t>&)> report{};  // of each round. None: to nobody
  std::string name{};                                                // for the log: "ACL token"
  std::string prefix{};                                              // of what the log says of a round: "ACL "
  int first_failure = 0;                                             // as ReplicationRounds::back_off counts them
  const base::log::Logger& log;
  const base::metrics::Gauge &status, &index;

  /// Until `over`, or `rounds` say so.
  void run(ReplicationRounds& rounds, const std::stop_token& over) const;
};

}  // namespace proconsul::agent::server
