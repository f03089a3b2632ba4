// Asks the next start in a data directory to form a cluster anew.
#pragma once

#include <string>

#include "agent/recover/data_directory.h"
#include "base/result.h"
#include "raft/types.h"

namespace proconsul::agent::recover {

/// "ID=ADDRESS:PORT", separated by commas. The ID may be the name of a node that the directory's catalog knows. Errors
/// say which one is wrong and why.
base::Result<raft::Configuration> parse_servers(const std::string& text, const DataDirectory& directory);
/// The directory's own server alone, at the address that it had.
base::Result<raft::Configuration> this_server_alone(const DataDirectory& directory);

/// Whether it can be rebuilt with these servers; says why not.
base::Result<> check_rebuild(const DataDirectory& directory, const raft::Configuration& servers);

struct Rebuilt {
  std::string backup{};  // a copy of what the start will change; empty: none was wanted
};
/// Copies the raft folder beside itself if `backup`, keeps an older peers.json under another name, and writes the new
/// one. The copy is whole and durable before anything else happens. `unix_seconds` becomes part of its name.
base::Result<Rebuilt> rebuild(const DataDirectory& directory, const raft::Configuration& servers, bool backup,
                              std::int64_t unix_seconds);

}  // namespace proconsul::agent::recover
