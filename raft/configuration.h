// Cluster membership: rules for a change, and the bytes of a configuration entry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "raft/types.h"

namespace proconsul::raft {

enum class Change : std::uint8_t { add_voter, add_nonvoter, demote_voter, remove_server };

struct MembershipChange {
  Change kind{};
  ServerId id{};
  std::string address{};  // add only
};

const Server* find(const Configuration& configuration, const ServerId& id);
bool is_voter(const Configuration& configuration, const ServerId& id);
std::size_t voters(const Configuration& configuration);
inline std::size_t quorum(const Configuration& configuration) {
  return voters(configuration) / 2 + 1;
}

/// Unique, complete servers with at least one voter among them.
base::Result<> check(const Configuration& configuration);
/// The configuration after the change; an error when it would be unusable.
base::Result<Configuration> changed(const Configuration& current, const MembershipChange& change);

/// Data of a configuration entry.
std::string encode(const Configuration& configuration);
base::Result<Configuration> decode_configuration(std::string_view data);
/// The old peers list (voters' addresses) in snapshot meta and InstallSnapshot; decoded, an address is also the id.
std::string encode_peers(const Configuration& configuration);
base::Result<Configuration> decode_peers(std::string_view data);

/// The configuration that an entry of type configuration, add_peer or remove_peer carries.
base::Result<Configuration> configuration_of(const Entry& entry);
inline bool holds_configuration(const Entry& entry) {
  return entry.type == EntryType::configuration || entry.type == EntryType::add_peer ||
         entry.type == EntryType::remove_peer;
}

/// peers.json recovery. The operator's list replaces the membership without a vote: restore the FSM from snapshot and
/// the whole log, store a snapshot of it under this meta, then drop the log. No entry is invented, so logs of other
/// survivors still match. Start only afterwards.
base::Result<SnapshotMeta> forced_snapshot(LogIndex last_index, Term last_term, const Configuration& configuration);

}  // namespace proconsul::raft
