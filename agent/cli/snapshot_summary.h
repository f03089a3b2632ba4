// What a snapshot holds, by kind of record and by key prefix: the answer of `snapshot inspect`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/type.h"

namespace proconsul::agent::cli {

struct SnapshotSummary {
  struct Metadata {
    std::string ID{};
    std::int64_t Size{};
    std::uint64_t Index{};
    std::uint64_t Term{};
    base::Int Version{};
  };
  struct Row {
    std::string Name{};
    base::Int Sum{};  // bytes
    base::Int Count{};
  };
  Metadata Meta{};
  base::List<Row> Stats{};    // biggest first
  base::List<Row> StatsKV{};  // nil unless asked for
  base::Int TotalSize{};
  base::Int TotalSizeKV{};
};
PROCONSUL_DECLARE_TYPE(SnapshotSummary::Metadata)
PROCONSUL_DECLARE_TYPE(SnapshotSummary::Row)
PROCONSUL_DECLARE_TYPE(SnapshotSummary)

struct SummaryOptions {
  bool key_details{};
  std::int64_t key_depth{2};  // segments of a key that make one row
  std::string key_filter{};   // only keys with this prefix
};

/// Counts the records of a snapshot's state; fails at the first that cannot be read. The meta stays empty.
base::Result<SnapshotSummary> summarise(std::string_view state, const SummaryOptions& options);

/// The tables that people read.
std::string summary_text(const SnapshotSummary& summary);

/// "1.5KB", "0".
std::string byte_size(std::uint64_t bytes);

}  // namespace proconsul::agent::cli
