// How entries and the hard state lie in the log's database: fixed header, checksum over everything, variable parts
// last.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "raft/types.h"

namespace proconsul::raft {

/// Key of an entry; ordered as the log is. Nine bytes.
std::string entry_key(LogIndex index);
/// The index in a key made by entry_key; 0 if it is none.
LogIndex index_of_key(std::string_view key);

/// Appends the stored form of an entry to `out`. The checksum covers the index too, so a misplaced entry is noticed.
void encode_entry(const Entry& entry, std::string& out);
/// The entry stored under `index`. Errc::corrupt says what is wrong, without naming index or place.
base::Result<EntryPtr> decode_entry(LogIndex index, std::string_view record);
/// Term and checksum only: what the scan at start needs, without copying the data.
base::Result<Term> check_entry(LogIndex index, std::string_view record);

std::string encode_hard_state(const HardState& state);
base::Result<HardState> decode_hard_state(std::string_view record);

}  // namespace proconsul::raft
