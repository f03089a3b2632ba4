#include "agent/server/archives.h"

#include <optional>
#include <span>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "catalog/snapshot.h"
#include "raft/archive.h"
#include "raft/pipe.h"

namespace proconsul::agent::server {

using base::Result;

namespace {

const base::log::Logger kLog("agent.server.snapshot");

Result<catalog::SnapshotCheck> check_state(raft::ScratchFile& state) {
  state.rewind();
  return catalog::check_snapshot([&state](std::span<char> buffer) { return state.read(buffer); });
}

/// A further file, of what is restored.
Result<std::unique_ptr<raft::ScratchFile>> without(raft::ScratchFile& state,
                                                   const std::vector<catalog::SnapshotCheck::Range>& left_out,
                                                   const std::string& scratch) {
  Result<std::unique_ptr<raft::ScratchFile>> rest = raft::ScratchFile::create(scratch);
  if (!rest) return rest;
  state.rewind();
  const Result<> copied = catalog::copy_without(
      left_out, [&state](std::span<char> buffer) { return state.read(buffer); },
      [&rest](std::string_view piece) { return (*rest)->write(piece); });
  if (!copied) return copied.error();
  return rest;
}

}  // namespace

void send_archive(base::Background& background, Operator::Snapshot snapshot, std::shared_ptr<base::net::Pipe> pipe) {
  background.run([pipe = std::move(pipe), state = std::move(snapshot.state)]() mutable {
    base::give_way();
    raft::PipeSink sink(pipe);
    const std::int64_t now = base::system_clock().wall().seconds - base::kUnixEpochSeconds;
    const Result<> written = raft::write_archive(*state, now, sink);
    pipe->end(written ? std::nullopt : std::optional(written.error()));
  });
}

void receive_archive(Operator& cluster, const std::string& scratch, raft::ByteSource& upload, Restored done) {
  Result<std::unique_ptr<raft::ScratchFile>> file = raft::ScratchFile::create(scratch);
  if (!file) return done(file.error());
  const Result<raft::SnapshotMeta> meta = raft::read_archive(upload, **file);
  if (!meta) return done(meta.error());
  Result<catalog::SnapshotCheck> check = check_state(**file);
  if (!check) return done(check.error());
  for (const catalog::SnapshotLoss& loss : check->losses) {
    kLog.warn("a snapshot that is restored holds what this version does not know: it is left out",
              {{"record", loss.Record}, {"field", loss.Field}, {"records", loss.Count}, {"reason", loss.Reason}});
  }
  if (!check->left_out.empty()) {
    file = without(**file, check->left_out, scratch);
    if (!file) return done(file.error());
  }
  (*file)->rewind();
  raft::SnapshotMeta described = *meta;
  described.size = (*file)->size();
  cluster.restore_snapshot(std::move(*file), described,
                           [done = std::move(done), losses = std::move(check->losses)](Result<> restored) mutable {
                             if (!restored) return done(restored.error());
                             done(std::move(losses));
                           });
}

std::string header_value(const std::vector<catalog::SnapshotLoss>& losses) {
  return base::to_json(base::List<catalog::SnapshotLoss>(losses));
}

}  // namespace proconsul::agent::server
