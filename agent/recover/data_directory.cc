#include "agent/recover/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "agent/server/last_seen.h"
#include "agent/server/raft_fsm.h"
#include "base/files.h"
#include "base/net/socket.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/store.h"
#include "raft/recovery.h"
#include "raft/snapshot_store.h"

namespace proconsul::agent::recover {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Result;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// RocksDB's lock is one of fcntl.
bool is_locked(const std::string& path) {
  const base::net::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(file.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/// BoltDB's is one of flock.
bool is_flocked(const std::string& path) {
  const base::net::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::flock(file.get(), LOCK_UN);
  return false;
}

Contents count(const catalog::Tables& tables) {
  return {.nodes = tables.nodes.size(),
          .services = tables.services.size(),
          .checks = tables.checks.size(),
          .keys = tables.kv.size(),
          .sessions = tables.sessions.size(),
          .queries = tables.queries.size(),
          .foreign = tables.foreign.size()};
}

std::string name_of(const catalog::Tables& tables, const std::string& id) {
  const Result<const catalog::NodeRow*> found = catalog::find_node_by_id(tables, id);
  return found && *found != nullptr ? (*found)->get().Node : "";
}

/// A state that nobody serves from.
struct State {
  State() : fsm(store, {.fatal = [this](const base::Error& error) { failure = error.detail; }}) {}
  catalog::Store store{};
  std::string failure{};  // of an entry that cannot be applied
  server::RaftFsm fsm;
};

void describe(DataDirectory& directory, const State& state, Position reached) {
  const catalog::ViewPtr view = state.store.view();
  directory.contents = count(view->tables());
  directory.contents_at = reached;
  directory.node = name_of(view->tables(), directory.node_id);
  for (const raft::Server& server : directory.servers.servers) {
    directory.server_names.push_back(name_of(view->tables(), server.id.value));
  }
}

void list_snapshots(DataDirectory& directory, const raft::SnapshotStore& snapshots) {
  for (const raft::SnapshotStore::Listed& listed : snapshots.list()) {
    directory.snapshots.push_back({.id = listed.id,
                                   .position = {listed.term, listed.index},
                                   .bytes = listed.meta ? listed.meta->size : 0,
                                   .problem = listed.meta ? "" : listed.meta.error().detail});
  }
}

/// Where the log is of no use, the newest snapshot that is whole still tells much.
void read_snapshot_alone(DataDirectory& directory, const std::string& raft) {
  const auto snapshots = raft::SnapshotStore::to_read(raft + "/snapshots");
  for (Snapshot& snapshot : directory.snapshots) {
    if (!snapshot.problem.empty()) continue;
    State state;
    Result<std::unique_ptr<raft::SnapshotReader>> reader = snapshots->read(snapshot.id);
    const Result<> restored = reader ? state.fsm.restore(**reader) : Result<>(reader.error());
    if (!restored) {
      snapshot.problem = restored.error().detail;
      continue;
    }
    directory.servers = (*reader)->meta().configuration;
    directory.servers_index = (*reader)->meta().configuration_index;
    return describe(directory, state, snapshot.position);
  }
}

void read_ours(DataDirectory& directory, const std::string& raft) {
  State state;
  Result<raft::Recovered> found =
      raft::read_directory(raft, state.fsm, [&](const std::string& remark) { directory.remarks.push_back(remark); });
  if (!found) {
    directory.problem = found.error().detail;
    return read_snapshot_alone(directory, raft);
  }
  if (!state.failure.empty()) directory.problem = "the log cannot be applied to its end: " + state.failure;
  directory.hard_state = found->start.hard_state;
  directory.log = std::move(found->start.log);
  directory.storage = std::move(found->storage);
  if (const auto& changes = directory.log.configurations(); !changes.empty()) {
    directory.servers = changes.back().configuration;
    directory.servers_index = changes.back().index;
  } else if (found->start.snapshot) {
    directory.servers = found->start.snapshot->configuration;
    directory.servers_index = found->start.snapshot->configuration_index;
  }
  describe(directory, state, directory.last());
}

}  // namespace

DataDirectory read_data_directory(const std::string& path) {
  DataDirectory directory;
  directory.path = path;
  const std::string raft = path + "/raft";
  std::error_code failed;
  (void)fs::directory_iterator(path, failed);
  if (failed) {
    directory.problem = "open " + path + ": " + base::net::errno_text(failed.value());
    return directory;
  }
  constexpr std::size_t kLongestId = 256;
  if (Result<std::string> id = base::read_file(path + "/node-id", kLongestId)) {
    directory.node_id = id->substr(0, id->find_first_of(" \t\r\n"));
  }
  if (const Result<std::int64_t> seen = server::read_last_seen(path)) directory.last_seen = *seen;
  directory.recovery_asked = exists(raft + "/peers.json");
  if (exists(raft + "/log/CURRENT")) {
    directory.kind = DataDirectory::Kind::ours;
    directory.running = is_locked(raft + "/log/LOCK");
  } else if (exists(raft + "/raft.db") || exists(raft + "/wal")) {
    const bool bolt = exists(raft + "/raft.db");
    directory.kind = DataDirectory::Kind::consul;
    directory.format = bolt ? "BoltDB (raft/raft.db)" : "write-ahead log (raft/wal)";
    directory.running = is_flocked(raft + (bolt ? "/raft.db" : "/wal/wal-meta.db"));
  }
  if (directory.running) {
    directory.problem = "an agent runs on this directory; stop it first";
    return directory;
  }
  list_snapshots(directory, *raft::SnapshotStore::to_read(raft + "/snapshots"));
  if (directory.kind == DataDirectory::Kind::ours) {
    read_ours(directory, raft);
  } else {
    read_snapshot_alone(directory, raft);
    if (directory.kind == DataDirectory::Kind::consul) {
      directory.problem =
          "a Consul server's data directory, with its log in the format " + directory.format +
          ", which cannot be read here. Its snapshots can; what came after the newest is known to Consul alone";
    } else if (directory.snapshots.empty()) {
      directory.problem = "no server's data directory: there is no raft log in it";
    } else {
      directory.problem = "there are snapshots, but no raft log";
    }
  }
  return directory;
}

}  // namespace proconsul::agent::recover
