// Whether a server that waits for bootstrap_expect others may begin the first raft configuration. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/server/server_info.h"
#include "raft/types.h"

namespace proconsul::agent::server {

struct BootstrapView {
  std::string datacenter{};
  int expect{};
  bool read_replica{};                // this server
  bool has_log{};                     // this server has been in a cluster before
  std::vector<ServerInfo> servers{};  // of the LAN pool, this one among them; alive ones
};

struct BootstrapPlan {
  enum class Verdict : std::uint8_t {
    wait,   // not all are here, or they do not agree: look again when a server joins
    never,  // there is a cluster already
    ask,    // ask each of `servers` for its raft peers; if all have none, `configuration` is the first one
  };
  Verdict verdict{};
  std::string reason{};  // for the operator's log; empty: nothing worth saying
  bool is_mistake{};     // the reason is something that only an operator can mend
  std::vector<ServerInfo> servers{};
  raft::Configuration configuration{};
};
BootstrapPlan plan_bootstrap(const BootstrapView& view);

}  // namespace proconsul::agent::server
