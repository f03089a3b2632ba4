#include "agent/server/archives.h"

#include <optional>
#include <utility>

#include "base/clock.h"
#include "raft/archive.h"
#include "raft/pipe.h"

namespace proconsul::agent::server {

using base::Result;

void send_archive(base::Background& background, Operator::Snapshot snapshot, std::shared_ptr<base::net::Pipe> pipe) {
  background.run([pipe = std::move(pipe), state = std::move(snapshot.state)]() mutable {
    base::give_way();
    raft::PipeSink sink(pipe);
    const std::int64_t now = base::system_clock().wall().seconds - base::kUnixEpochSeconds;
    const Result<> written = raft::write_archive(*state, now, sink);
    pipe->end(written ? std::nullopt : std::optional(written.error()));
  });
}

void receive_archive(Operator& cluster, const std::string& scratch, raft::ByteSource& upload, Done done) {
  Result<std::unique_ptr<raft::ScratchFile>> file = raft::ScratchFile::create(scratch);
  if (!file) return done(file.error());
  const Result<raft::SnapshotMeta> meta = raft::read_archive(upload, **file);
  if (!meta) return done(meta.error());
  (*file)->rewind();
  cluster.restore_snapshot(std::move(*file), *meta, std::move(done));
}

}  // namespace proconsul::agent::server
