// The catalog's state machine as raft drives it.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "agent/server/metrics.h"
#include "base/result.h"
#include "catalog/fsm.h"
#include "raft/fsm.h"

namespace proconsul::agent::server {

/// The response of each command is a catalog::ApplyResult.
class RaftFsm final : public raft::Fsm {
 public:
  struct Reports {
    /// After a batch is visible to readers: what a leader's clocks must know.
    std::function<void(const catalog::Effects&)> effects{};
    /// An entry cannot be applied: the server must stop. Nothing is applied any more after this.
    std::function<void(const base::Error&)> fatal{};
    /// The state was replaced by a snapshot's.
    std::function<void()> restored{};
  };

  RaftFsm(catalog::Store& store, Reports reports) : machine_(store), reports_(std::move(reports)) {}

  void apply(std::span<raft::Applied> batch) override;
  std::unique_ptr<raft::FsmSnapshot> snapshot() override;
  base::Result<> restore(raft::ByteSource& source) override;

 private:
  catalog::StateMachine machine_;
  const Reports reports_;
  CommandTimes times_{};
  std::uint64_t applied_ = 0;
  bool stopped_ = false;
};

}  // namespace proconsul::agent::server
