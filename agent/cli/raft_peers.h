// The table of raft peers that `operator raft list-peers` and `debug` show.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/api_types.h"

namespace proconsul::agent::cli {

/// With the headings first.
std::vector<std::vector<std::string>> raft_peer_rows(const RaftConfiguration& raft);

}  // namespace proconsul::agent::cli
