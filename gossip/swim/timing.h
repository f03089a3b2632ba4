// The arithmetic of SWIM with Lifeguard as memberlist does it (gossip.md A6, A8), and the timing profiles of a pool
// (A9).
#pragma once

#include <cstddef>

#include "base/time.h"

namespace proconsul::gossip::swim {

/// How one pool is timed.
struct Timing {
  base::Duration tcp_timeout = base::seconds(10);
  int indirect_checks = 3;
  int retransmit_mult = 4;
  int suspicion_mult = 4;
  int suspicion_max_timeout_mult = 6;
  base::Duration push_pull_interval = base::seconds(30);
  base::Duration probe_interval = base::seconds(1);
  base::Duration probe_timeout = base::milliseconds(500);
  int awareness_max_multiplier = 8;
  base::Duration gossip_interval = base::milliseconds(200);
  int gossip_nodes = 3;
  base::Duration gossip_to_the_dead_time = base::seconds(30);
  base::Duration dead_node_reclaim_time = base::seconds(30);
  bool tcp_pings = true;

  static Timing lan() { return {}; }
  static Timing wan();
  static Timing local();
};

/// How often one broadcast is sent among `nodes` members.
int retransmit_limit(int mult, std::size_t nodes);

/// The shortest time that a node stays suspect.
base::Duration suspicion_timeout(int mult, std::size_t nodes, base::Duration probe_interval);

/// How long a node stays suspect in all after `confirmations` others of the `wanted` said so too.
base::Duration remaining_suspicion(int confirmations, int wanted, base::Duration least, base::Duration most);

/// The time between state exchanges grows with the pool, so that their number per second does not.
base::Duration push_pull_scale(base::Duration interval, std::size_t nodes);

}  // namespace proconsul::gossip::swim
