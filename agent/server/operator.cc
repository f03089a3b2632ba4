#include "agent/server/operator.h"

#include <algorithm>

namespace proconsul::agent::server {

bool Operator::Health::healthy() const {
  return !servers.empty() &&
         std::all_of(servers.begin(), servers.end(), [](const ServerHealth& server) { return server.healthy; });
}

int Operator::Health::failure_tolerance() const {
  int voters = 0, healthy_voters = 0;
  for (const ServerHealth& server : servers) {
    voters += server.peer.voter;
    healthy_voters += server.peer.voter && server.healthy;
  }
  return std::max(0, healthy_voters - (voters / 2 + 1));
}

}  // namespace proconsul::agent::server
