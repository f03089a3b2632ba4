#include "agent/server/raft_fsm.h"

#include <chrono>
#include <utility>

#include "catalog/snapshot.h"

namespace proconsul::agent::server {

using base::Result;

namespace {

class Image final : public raft::FsmSnapshot {
 public:
  explicit Image(catalog::StateImage image) : image_(std::move(image)) {}
  Result<> write(raft::ByteSink& sink) override {
    const base::metrics::ScopedTimer timer(server_metrics().fsm_persist);
    return catalog::write_snapshot(image_, [&sink](std::string_view bytes) { return sink.write(bytes); });
  }

 private:
  catalog::StateImage image_;
};

}  // namespace

void RaftFsm::apply(std::span<raft::Applied> batch) {
  if (stopped_) return;
  for (raft::Applied& applied : batch) {
    const raft::Entry& entry = *applied.entry;
    const auto begun = std::chrono::steady_clock::now();
    Result<catalog::ApplyResult> result = machine_.apply(
        {.index = entry.index.value, .term = entry.term.value, .data = entry.data, .extensions = entry.extensions});
    if (!result) {
      stopped_ = true;
      machine_.commit();  // what came before is good
      if (reports_.fatal) reports_.fatal(result.error());
      return;
    }
    const auto number = static_cast<unsigned char>(entry.data.front()) & ~catalog::kIgnoreUnknown;
    times_.add(static_cast<std::uint8_t>(number), machine_.operation(), begun);
    applied_ = entry.index.value;
    if (applied.wanted) applied.response = std::move(*result);
  }
  const catalog::Effects effects = machine_.commit();
  if (reports_.effects) reports_.effects(effects);
}

std::unique_ptr<raft::FsmSnapshot> RaftFsm::snapshot() {
  return std::make_unique<Image>(machine_.image());
}

Result<> RaftFsm::restore(raft::ByteSource& source) {
  Result<catalog::RestoredState> state =
      catalog::read_snapshot([&source](std::span<char> buffer) { return source.read(buffer); });
  if (!state) return state.error();
  applied_ = state->last_index;
  machine_.replace(std::move(state->tables), std::move(state->chunks), applied_);
  if (reports_.restored) reports_.restored();
  return {};
}

}  // namespace proconsul::agent::server
