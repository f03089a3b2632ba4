// Snapshots in files: archives as the HTTP API gives them, and the state.bin of a server's own store.
#pragma once

#include <string>

#include "agent/cli/snapshot_summary.h"
#include "base/result.h"

namespace proconsul::agent::cli {

struct SnapshotFile {
  SnapshotSummary::Metadata meta{};
  std::string meta_json{};  // all of it, compact
  std::string state{};
};

/// The detail of an error is the whole message for the user.
base::Result<SnapshotFile> read_snapshot_file(const std::string& path);

/// Whether the file is a whole archive whose checksums hold.
base::Result<> verify_snapshot_file(const std::string& path);

}  // namespace proconsul::agent::cli
