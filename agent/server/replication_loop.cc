#include "agent/server/replication_loop.h"

#include "agent/rpc/cluster.h"

namespace proconsul::agent::server {

using base::Result;

void ReplicationLoop::run(ReplicationRounds& rounds, const std::stop_token& over) const {
  log.info("started " + name + " replication");
  std::uint64_t after = 0;
  int failures = first_failure;
  while (rounds.wait_for_turn()) {
    if (wanted && !wanted()) {
      after = 0;
      continue;
    }
    const std::string used = token ? token() : std::string();
    const Result<std::uint64_t> done = round(after);
    if (over.stop_requested()) break;
    if (report) report(done);
    status.set(done ? 1 : 0);
    if (done) {
      index.set(static_cast<double>(*done));
      log.debug(prefix + "replication completed through remote index", {{"index", *done}});
      after = *done;
      failures = first_failure;
      continue;
    }
    // Before the first server of the primary is known it merely waits; whoever routes calls complains of that.
    const bool waits = done.error().detail.ends_with(rpc::kNoPath);
    log.write(waits ? base::log::Level::debug : base::log::Level::warn,
              prefix + "replication error (will retry if still leader)", {{"error", done.error()}});
    after = 0;  // whatever was missed
    // Another token may be all that was missing.
    if (!rounds.back_off(failures++, [&] { return token && token() != used; })) break;
  }
  status.set(0);
  index.set(0);
  log.info("stopped " + name + " replication");
}

}  // namespace proconsul::agent::server
