// meta.json, as it lies beside a snapshot on disk and in an archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "raft/types.h"

namespace proconsul::raft {

constexpr std::size_t kMaxMetaBytes = std::size_t{1} << 20;

struct MetaFile {
  SnapshotMeta meta{};
  std::optional<std::uint64_t> crc{};  // CRC-64 of state.bin; archives have none
};

/// Compact JSON with a final newline, fields in Consul's order.
std::string encode_meta(const MetaFile& file);
/// Refuses what is too large, not JSON, of another version, or without index and term.
base::Result<MetaFile> decode_meta(std::string_view json);

}  // namespace proconsul::raft
