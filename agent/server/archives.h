// A snapshot as an archive on its way out, and one on its way in: for the HTTP API and for peers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/server/operator.h"
#include "base/background.h"
#include "base/net/pipe.h"
#include "catalog/types/snapshot_loss.h"
#include "raft/stream.h"

namespace proconsul::agent::server {

/// Writes the archive into the pipe as the disk gives it, on a thread of its own.
void send_archive(base::Background& background, Operator::Snapshot snapshot, std::shared_ptr<base::net::Pipe> pipe);

/// What of an archive was left out, because this version has no place for it.
using Restored = std::move_only_function<void(base::Result<std::vector<catalog::SnapshotLoss>>)>;

/// Unpacks the archive to a nameless file in `scratch` (empty: the system's), checks it whole, and only then lets it
/// replace the state. What catalog::check_snapshot() finds is left out, and said in the log, too. Waits for the upload:
/// on a thread of its own.
void receive_archive(Operator& cluster, const std::string& scratch, raft::ByteSource& upload, Restored done);

/// The losses for a response header: JSON.
std::string header_value(const std::vector<catalog::SnapshotLoss>& losses);
inline constexpr const char* kLeftOutHeader = "X-Proconsul-Left-Out";

}  // namespace proconsul::agent::server
