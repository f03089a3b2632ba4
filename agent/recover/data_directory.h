// What a server left in its data directory. Nothing there is changed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/type.h"
#include "raft/log_view.h"
#include "raft/storage.h"
#include "raft/types.h"

namespace proconsul::agent::recover {

/// The last entry of a log, and what decides which of two logs is newer.
struct Position {
  raft::Term term{};
  raft::LogIndex index{};
  auto operator<=>(const Position&) const = default;
};

struct Snapshot {
  std::string id{};
  Position position{};
  std::uint64_t bytes{};
  std::string problem{};  // empty: its size and description are right
};

/// How much of each kind the state has: the whole log applied, committed or not, as a recovery would.
struct Contents {
  std::uint64_t nodes{}, services{}, checks{}, keys{}, sessions{}, queries{};
  std::uint64_t foreign{};  // records of parts that this version keeps and does not read
};

struct DataDirectory {
  enum class Kind : std::uint8_t { none, ours, consul };
  std::string path{};  // as it was named
  Kind kind{};
  std::string format{};                // of Consul's log
  bool running{};                      // an agent has it open: nothing below is known
  std::string problem{};               // a sentence; empty: all of it was read
  std::vector<std::string> remarks{};  // what was passed over

  std::string node_id{};     // empty: there is no node-id file
  std::string node{};        // its name in its own catalog
  std::int64_t last_seen{};  // unix seconds at which the server still ran; 0: unknown
  bool recovery_asked{};     // there is a peers.json

  raft::HardState hard_state{};
  raft::LogView log{};                // with the newest snapshot before it
  std::vector<Snapshot> snapshots{};  // newest first
  raft::Configuration servers{};      // the latest in force
  raft::LogIndex servers_index{};
  std::vector<std::string> server_names{};  // beside them, empty where the catalog has none
  std::optional<Contents> contents{};
  Position contents_at{};  // how far they reach

  std::unique_ptr<raft::Storage> storage{};  // open for reading; null if the log could not be read

  /// Whether its log was read: then it can be compared and rebuilt.
  bool readable() const { return storage != nullptr; }
  Position last() const { return {log.last_term(), log.last()}; }
};

/// `path` is a data_dir. What is wrong is said in the result.
DataDirectory read_data_directory(const std::string& path);

}  // namespace proconsul::agent::recover
