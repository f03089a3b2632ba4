#include "raft/recovery.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "base/type.h"
#include "raft/configuration.h"
#include "raft/memory_storage.h"
#include "raft/rocks_storage.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxPeersJson = std::size_t{1} << 20;

constexpr const char* kPeersInfo =
    R"(peers.json in this directory is read once, when the server starts, and only to recover a cluster that has
lost too many servers to elect a leader. It lists all servers that shall form the cluster from then on:

[
  {
    "id": "adf4238a-882b-9ddc-4a9d-5b6758e4159e",
    "address": "10.1.0.1:8300",
    "non_voter": false
  },
  {
    "id": "8b6dda82-3103-11e7-93ae-92361f002671",
    "address": "10.1.0.2:8300",
    "non_voter": false
  }
]

"id" is the server's node ID: its log shows it at start, and the file "node-id" in the data directory holds it.
"address" is the server's address and its server port. "non_voter" may be left out.

Stop all servers, put the same peers.json on each one, then start them. A server deletes the file when it has
followed it. A peers.json that was here before this peers.info is taken for a leftover and deleted unread.
)";

struct PeerJson {
  std::string id{};
  std::string address{};
  bool non_voter{};
};
PROCONSUL_DECLARE_TYPE(PeerJson)
PROCONSUL_DESCRIBE_TYPE(PeerJson, "raft.configEntry") {
  type.field("id", &PeerJson::id);
  type.field("address", &PeerJson::address);
  type.field("non_voter", &PeerJson::non_voter);
}

Result<std::unique_ptr<Storage>> open_rocks(const std::string& directory) {
  Result<std::unique_ptr<RocksStorage>> storage = RocksStorage::open({.directory = directory});
  if (!storage) return storage.error();
  return std::unique_ptr<Storage>(std::move(*storage));
}

/// Restores the FSM from the newest snapshot that is whole. Broken ones before it must be covered by the log.
Result<std::optional<SnapshotMeta>> restore_newest(const SnapshotStore& snapshots, const Storage& storage, Fsm& fsm,
                                                   const std::function<void(const std::string&)>& warn) {
  std::optional<Error> broken;
  LogIndex broken_index;
  const auto log_covers = [&](LogIndex from) {
    return storage.first_index().value != 0 && storage.first_index() <= from + 1 &&
           storage.last_index() >= broken_index;
  };
  for (const SnapshotStore::Listed& listed : snapshots.list()) {
    if (broken && !log_covers(listed.index)) break;
    Result<> restored;
    if (!listed.meta) {
      restored = listed.meta.error();
    } else if (Result<std::unique_ptr<SnapshotReader>> reader = snapshots.read(listed.id); !reader) {
      restored = reader.error();
    } else if (restored = fsm.restore(**reader); !restored && restored.error().code != Errc::corrupt) {
      // Nonsense in the records may be the first sign of a damaged file; the checksum knows.
      if (Result<> whole = snapshots.verify(listed.id); !whole)
        restored = whole.error();
      else
        restored = Error{Errc::corrupt, "snapshot " + listed.id + ": " + restored.error().detail};
    }
    if (restored) return std::optional<SnapshotMeta>(*listed.meta);
    warn(restored.error().detail);
    if (!broken) {
      broken = restored.error();
      broken_index = listed.index;
    }
  }
  // Without any snapshot that works the log alone may do, if it goes back to the very beginning.
  if (broken && !log_covers({0})) return *broken;
  return std::optional<SnapshotMeta>();
}

Result<> load_log(Storage& storage, LogView& log) {
  if (storage.first_index().value == 0) return {};
  for (LogIndex next = storage.first_index(); next <= storage.last_index();) {
    Result<std::vector<EntryPtr>> entries = storage.read(next, storage.last_index(), kReadBytes);
    if (!entries) return entries.error();
    for (EntryPtr& entry : *entries) {
      next = entry->index + 1;
      if (Result<> loaded = log.load(std::move(entry)); !loaded) return loaded;
    }
  }
  return {};
}

Result<> apply_all(Storage& storage, LogIndex after, Fsm& fsm) {
  for (LogIndex next = after + 1; storage.last_index().value != 0 && next <= storage.last_index();) {
    Result<std::vector<EntryPtr>> entries = storage.read(next, storage.last_index(), kReadBytes);
    if (!entries) return entries.error();
    std::vector<Applied> batch;
    for (const EntryPtr& entry : *entries) {
      if (entry->type == EntryType::command) batch.push_back({entry.get(), false, {}});
    }
    if (!batch.empty()) fsm.apply(batch);
    next = entries->back()->index + 1;
  }
  return {};
}

/// The FSM from the newest snapshot, and what was voted.
Result<> restore(Recovered& recovered, Fsm& fsm, const std::function<void(const std::string&)>& warn) {
  Result<std::optional<SnapshotMeta>> snapshot = restore_newest(*recovered.snapshots, *recovered.storage, fsm, warn);
  if (!snapshot) return snapshot.error();
  recovered.start.snapshot = std::move(*snapshot);
  recovered.start.hard_state = recovered.storage->hard_state();
  return {};
}

/// The log behind it.
Result<> load(const std::string& directory, Recovered& recovered) {
  Start& start = recovered.start;
  const LogIndex reached = start.snapshot ? start.snapshot->index : LogIndex{};
  if (recovered.storage->first_index() > reached + 1) {
    return {Errc::corrupt, "raft log in " + directory + "/log begins at entry " +
                               std::to_string(recovered.storage->first_index().value) + ", but " +
                               (start.snapshot ? "the newest snapshot ends at " + std::to_string(reached.value)
                                               : std::string("there is no snapshot"))};
  }
  if (start.snapshot) start.log.set_snapshot(start.snapshot->index, start.snapshot->term);
  if (Result<> loaded = load_log(*recovered.storage, start.log); !loaded) return loaded;
  recovered.applied = reached;
  return {};
}

Result<> write_text(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return {Errc::unavailable, path + ": " + std::strerror(errno)};
  return {};
}

/// The operator's list becomes the configuration of a snapshot of everything here; the log goes.
Result<> follow_peers_json(const std::string& path, Recovered& recovered, Fsm& fsm) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxPeersJson + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxPeersJson) return {Errc::corrupt, "recovery failed to parse peers.json: it is too large"};
  Result<Configuration> configuration = parse_peers_json(text);
  if (!configuration) return {Errc::corrupt, "recovery failed to parse peers.json: " + configuration.error().detail};

  Storage& storage = *recovered.storage;
  Start& start = recovered.start;
  LogIndex last = start.snapshot ? start.snapshot->index : LogIndex{};
  Term term = start.snapshot ? start.snapshot->term : Term{};
  if (storage.last_index() > last) {
    Result<std::vector<EntryPtr>> entry = storage.read(storage.last_index(), storage.last_index(), 1);
    if (!entry) return entry.error();
    if (Result<> applied = apply_all(storage, last, fsm); !applied) return applied;
    last = entry->front()->index;
    term = entry->front()->term;
  }
  Result<SnapshotMeta> meta = forced_snapshot(last, term, *configuration);
  if (!meta) return {meta.error().code, "recovery failed: " + meta.error().detail};
  Result<std::unique_ptr<SnapshotWriter>> writer = recovered.snapshots->create(*meta);
  if (!writer) return {writer.error().code, "recovery failed: " + writer.error().detail};
  Result<> written = fsm.snapshot()->write(**writer);
  if (!written) return {written.error().code, "recovery failed: " + written.error().detail};
  Result<SnapshotMeta> stored = (*writer)->commit();
  if (!stored) return {stored.error().code, "recovery failed: " + stored.error().detail};
  if (Result<> compacted = storage.compact(last); !compacted) return compacted;
  if (::unlink(path.c_str()) != 0) {
    return {Errc::unavailable,
            "recovery failed to delete peers.json, please delete manually (see peers.info for details): " +
                std::string(std::strerror(errno))};
  }
  start.snapshot = std::move(*stored);
  return {};
}

}  // namespace

Result<Configuration> parse_peers_json(std::string_view text) {
  base::List<PeerJson> peers;
  if (Result<> read = base::read_json(text, peers, {.input = base::JsonInput::first}); !read) return read.error();
  Configuration configuration;
  for (PeerJson& peer : peers) {
    configuration.servers.push_back(
        {{std::move(peer.id)}, std::move(peer.address), peer.non_voter ? Suffrage::nonvoter : Suffrage::voter});
  }
  if (Result<> usable = check(configuration); !usable) return usable.error();
  return configuration;
}

Result<> request_recovery(const std::string& directory, const Configuration& servers) {
  base::List<PeerJson> peers;
  for (const Server& server : servers.servers) {
    peers.push_back({server.id.value, server.address, server.suffrage != Suffrage::voter});
  }
  const std::string text = base::to_json(peers) + "\n";
  const Result<Configuration> read = parse_peers_json(text);
  if (!read) return read.error();
  // Without it a peers.json is taken for a leftover.
  const std::string info = directory + "/peers.info";
  std::error_code ignored;
  if (!std::filesystem::exists(info, ignored)) {
    if (Result<> written = base::write_file_atomically(info, kPeersInfo, 0644); !written) return written;
  }
  return base::write_file_atomically(directory + "/peers.json", text, 0600);
}

Result<Recovered> read_directory(const std::string& directory, Fsm& fsm,
                                 const std::function<void(const std::string&)>& warn) {
  Recovered recovered;
  Result<std::unique_ptr<RocksStorage>> storage = RocksStorage::open_to_read({.directory = directory + "/log"});
  if (!storage) return storage.error();
  recovered.storage = std::move(*storage);
  recovered.snapshots = SnapshotStore::to_read(directory + "/snapshots");
  if (Result<> restored = restore(recovered, fsm, warn); !restored) return restored.error();
  if (Result<> loaded = load(directory, recovered); !loaded) return loaded.error();
  if (Result<> applied = apply_all(*recovered.storage, recovered.applied, fsm); !applied) return applied.error();
  recovered.applied = std::max(recovered.applied, recovered.storage->last_index());
  return recovered;
}

Result<Recovered> recover(const std::string& directory, std::size_t retained_snapshots, Fsm& fsm,
                          const std::function<void(const std::string&)>& warn, const OpenStorage& open_storage) {
  Recovered recovered;
  recovered.start.seed = base::system_random().next();
  if (directory.empty()) {
    recovered.storage = std::make_unique<MemoryStorage>();
    recovered.snapshots = SnapshotStore::in_memory();
    return recovered;
  }
  Result<std::unique_ptr<Storage>> storage =
      open_storage ? open_storage(directory + "/log") : open_rocks(directory + "/log");
  if (!storage) return storage.error();
  recovered.storage = std::move(*storage);
  Result<std::unique_ptr<SnapshotStore>> snapshots = SnapshotStore::open(directory + "/snapshots", retained_snapshots);
  if (!snapshots) return snapshots.error();
  recovered.snapshots = std::move(*snapshots);

  if (Result<> restored = restore(recovered, fsm, warn); !restored) return restored.error();

  const std::string peers = directory + "/peers.json", info = directory + "/peers.info";
  std::error_code ignored;
  if (!std::filesystem::exists(info, ignored)) {
    if (Result<> written = write_text(info, kPeersInfo); !written)
      return {written.error().code, "failed to write peers.info file: " + written.error().detail};
    if (std::filesystem::remove(peers, ignored)) warn("deleted peers.json file (see peers.info for details)");
  } else if (std::filesystem::exists(peers, ignored)) {
    warn("found peers.json file, recovering Raft configuration...");
    if (Result<> followed = follow_peers_json(peers, recovered, fsm); !followed) return followed.error();
    warn("deleted peers.json file after successful recovery");
  }

  if (Result<> loaded = load(directory, recovered); !loaded) return loaded.error();
  return recovered;
}

}  // namespace proconsul::raft
