#include "raft/effects.h"

namespace proconsul::raft {

bool Effects::empty() const {
  return !write && messages.empty() && fsm.empty() && reads.empty() && log_reads.empty() && roles.empty() && !lost &&
         !transfer && receive_snapshots.empty() && !store_user_snapshot && !take_snapshot && !compact && !halt;
}

}  // namespace proconsul::raft
