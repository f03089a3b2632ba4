#include "agent/cli/snapshot_summary.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "agent/cli/text.h"
#include "base/msgpack.h"
#include "base/value.h"
#include "catalog/snapshot_records.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

constexpr std::uint8_t kKeyValueRecord = 2;

// The first `depth` segments of a key.
std::string key_prefix(std::string_view key, std::int64_t depth) {
  std::size_t end = 0;
  for (std::int64_t segment = 0; segment < depth; ++segment) {
    end = key.find('/', end);
    if (end == std::string_view::npos) return std::string(key);
    if (segment + 1 < depth) ++end;
  }
  return std::string(key.substr(0, depth > 0 ? end : 0));
}

using Rows = std::map<std::string, SnapshotSummary::Row>;

void count(Rows& rows, const std::string& name, std::size_t size) {
  SnapshotSummary::Row& row = rows[name];
  row.Name = name;
  row.Sum += static_cast<std::int64_t>(size);
  ++row.Count;
}

base::List<SnapshotSummary::Row> biggest_first(const Rows& rows) {
  base::List<SnapshotSummary::Row> sorted;
  for (const auto& [name, row] : rows) sorted.push_back(row);
  std::sort(sorted.begin(), sorted.end(), [](const SnapshotSummary::Row& a, const SnapshotSummary::Row& b) {
    return a.Sum != b.Sum ? a.Sum > b.Sum : a.Name < b.Name;
  });
  return sorted;
}

std::string table(std::string_view title, const base::List<SnapshotSummary::Row>& rows, std::int64_t total) {
  std::string text = "\n " + std::string(title) + "\tCount\tSize\n ----\t----\t----";
  for (const SnapshotSummary::Row& row : rows) {
    text += "\n " + row.Name + '\t' + std::to_string(row.Count) + '\t' + byte_size(static_cast<std::uint64_t>(row.Sum));
  }
  return text + "\n ----\t----\t----\n Total\t\t" + byte_size(static_cast<std::uint64_t>(total));
}

}  // namespace

PROCONSUL_DESCRIBE_TYPE(SnapshotSummary::Metadata, "inspect.MetadataInfo") {
  using T = SnapshotSummary::Metadata;
  type.field("ID", &T::ID);
  type.field("Size", &T::Size);
  type.field("Index", &T::Index);
  type.field("Term", &T::Term);
  type.field("Version", &T::Version);
}

PROCONSUL_DESCRIBE_TYPE(SnapshotSummary::Row, "inspect.typeStats") {
  type.field("Name", &SnapshotSummary::Row::Name);
  type.field("Sum", &SnapshotSummary::Row::Sum);
  type.field("Count", &SnapshotSummary::Row::Count);
}

PROCONSUL_DESCRIBE_TYPE(SnapshotSummary, "inspect.OutputFormat") {
  type.field("Meta", &SnapshotSummary::Meta);
  type.field("Stats", &SnapshotSummary::Stats);
  type.field("StatsKV", &SnapshotSummary::StatsKV);
  type.field("TotalSize", &SnapshotSummary::TotalSize);
  type.field("TotalSizeKV", &SnapshotSummary::TotalSizeKV);
}

Result<SnapshotSummary> summarise(std::string_view state, const SummaryOptions& options) {
  SnapshotSummary summary;
  Rows records;
  Rows keys;
  base::MsgpackReader header(state);
  header.skip();
  if (Result<> read = header.status(); !read) return read.error();

  std::size_t start = 0;  // of the row being counted: the header counts with the first record
  for (std::size_t at = header.position(); at < state.size(); at = start) {
    const auto kind = static_cast<std::uint8_t>(state[at]);
    base::MsgpackReader record(state.substr(at + 1));
    std::string key;
    const bool wanted = options.key_details && kind == kKeyValueRecord;
    if (wanted) {
      const base::Value value = record.value();
      const base::Value* found = value.find("Key");
      if (found != nullptr && found->as_string() != nullptr) key = *found->as_string();
    } else {
      record.skip();
    }
    if (Result<> read = record.status(); !read) {
      return {Errc::corrupt,
              "failed to decode msg type " + catalog::record_name(kind) + ", error " + read.error().detail};
    }
    const std::size_t end = at + 1 + record.position();
    const std::size_t size = end - start;
    start = end;
    count(records, catalog::record_name(kind), size);
    if (!wanted || !key.starts_with(options.key_filter)) continue;
    count(keys, key_prefix(key, options.key_depth), size);
    summary.TotalSizeKV += static_cast<std::int64_t>(size);
  }
  summary.TotalSize = static_cast<std::int64_t>(start);
  summary.Stats = biggest_first(records).make_present();
  if (!keys.empty()) summary.StatsKV = biggest_first(keys).make_present();
  return summary;
}

std::string summary_text(const SnapshotSummary& summary) {
  std::string text = " ID\t" + summary.Meta.ID + "\n Size\t" + std::to_string(summary.Meta.Size) + "\n Index\t" +
                     std::to_string(summary.Meta.Index) + "\n Term\t" + std::to_string(summary.Meta.Term) +
                     "\n Version\t" + std::to_string(summary.Meta.Version) + '\n' +
                     table("Type", summary.Stats, summary.TotalSize);
  if (!summary.StatsKV.empty()) text += '\n' + table("Key Name", summary.StatsKV, summary.TotalSizeKV);
  return align_tabs(text, {.minimum = 8, .padding = 6});
}

std::string byte_size(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  constexpr std::string_view kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (unit < 4 && bytes >> (10 * (unit + 1)) != 0) ++unit;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f",
                static_cast<double>(bytes) / static_cast<double>(std::uint64_t{1} << (10 * unit)));
  std::string out = text;
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out.append(kUnits[unit]);
}

}  // namespace proconsul::agent::cli
