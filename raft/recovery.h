// What a node finds on disk when it starts.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "raft/core.h"
#include "raft/fsm.h"
#include "raft/snapshot_store.h"
#include "raft/storage.h"

namespace proconsul::raft {

using OpenStorage = std::function<base::Result<std::unique_ptr<Storage>>(const std::string& directory)>;

struct Recovered {
  std::unique_ptr<Storage> storage{};
  std::unique_ptr<SnapshotStore> snapshots{};
  Start start{};
  LogIndex applied{};  // the FSM's state
};

/// Opens log and snapshots, restores the FSM from the newest good snapshot, and loads the log. A broken snapshot is
/// named through `warn`; an older one stands in only if the log reaches from there past the broken one, else
/// Errc::corrupt. So does a gap between snapshot and log. Follows peers.json if an operator left one.
base::Result<Recovered> recover(const std::string& directory, std::size_t retained_snapshots, Fsm& fsm,
                                const std::function<void(const std::string&)>& warn,
                                const OpenStorage& open_storage = {});

/// The same for who only looks: nothing on disk is changed, peers.json is not followed, and the FSM gets the whole log,
/// committed or not, as recovery by peers.json would. Errc::not_found if there is no log.
base::Result<Recovered> read_directory(const std::string& directory, Fsm& fsm,
                                       const std::function<void(const std::string&)>& warn);

/// Asks the next start in this directory to form the cluster of these servers: writes peers.json, durable and in one
/// step. It is checked as that start will check it.
base::Result<> request_recovery(const std::string& directory, const Configuration& servers);

/// Servers in a peers.json: objects with id, address and non_voter, or the old list of addresses.
base::Result<Configuration> parse_peers_json(std::string_view text);

}  // namespace proconsul::raft
