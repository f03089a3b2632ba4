// A snapshot as an archive on its way out, and one on its way in: for the HTTP API and for peers.
#pragma once

#include <memory>
#include <string>

#include "agent/server/operator.h"
#include "base/background.h"
#include "base/net/pipe.h"
#include "raft/stream.h"

namespace proconsul::agent::server {

/// Writes the archive into the pipe as the disk gives it, on a thread of its own.
void send_archive(base::Background& background, Operator::Snapshot snapshot, std::shared_ptr<base::net::Pipe> pipe);

/// Unpacks the archive to a nameless file in `scratch` (empty: the system's), checks it whole, and only then lets it
/// replace the state. Waits for the upload: on a thread of its own.
void receive_archive(Operator& cluster, const std::string& scratch, raft::ByteSource& upload, Done done);

}  // namespace proconsul::agent::server
