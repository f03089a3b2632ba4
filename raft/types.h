// The vocabulary of raft: distinct ids, log entries, configurations. Wire layout: raft.md of the wire reference.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"

namespace proconsul::raft {

struct Term {
  std::uint64_t value{};
  auto operator<=>(const Term&) const = default;
};
/// Position in the log; the first entry has 1, 0 means none.
struct LogIndex {
  std::uint64_t value{};
  auto operator<=>(const LogIndex&) const = default;
};
inline LogIndex operator+(LogIndex index, std::uint64_t n) {
  return {index.value + n};
}
inline LogIndex operator-(LogIndex index, std::uint64_t n) {
  return {index.value - n};
}

/// A server's UUID text; it stays when the address changes.
struct ServerId {
  std::string value{};
  auto operator<=>(const ServerId&) const = default;
};

enum class EntryType : std::uint8_t {
  command = 0,
  noop = 1,
  add_peer = 2,
  remove_peer = 3,
  barrier = 4,
  configuration = 5
};

/// Immutable once appended; shared by the core, the storage thread, the transport and the FSM without copies.
struct Entry {
  LogIndex index{};
  Term term{};
  EntryType type{};
  std::string data{};        // opaque to raft, except configurations
  std::string extensions{};  // stored and forwarded byte for byte; empty is written as nil
  base::Time appended_at{};  // leader's clock, for metrics only
};
using EntryPtr = std::shared_ptr<const Entry>;

enum class Suffrage : std::uint8_t { voter = 0, nonvoter = 1, staging = 2 };
struct Server {
  ServerId id{};
  std::string address{};
  Suffrage suffrage{};
  bool operator==(const Server&) const = default;
};
/// Takes effect when appended, not when committed.
struct Configuration {
  std::vector<Server> servers{};
  bool operator==(const Configuration&) const = default;
};

/// What must be durable before a vote or an answer in a term leaves the server (Raft paper, figure 2).
struct HardState {
  Term term{};
  Term vote_term{};
  std::string voted_for{};  // candidate's address, as Consul's stable store has it; empty: none
  bool operator==(const HardState&) const = default;
};

struct SnapshotMeta {
  std::string id{};  // "<term>-<index>-<milliseconds>"
  LogIndex index{};
  Term term{};
  Configuration configuration{};
  LogIndex configuration_index{};
  std::uint64_t size{};  // bytes of state.bin
};

}  // namespace proconsul::raft
