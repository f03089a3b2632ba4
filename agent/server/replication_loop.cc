#include "agent/server/replication_loop.h"

#include <algorithm>

#include "agent/cluster/way_advice.h"

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
    const std::string what = prefix + "replication error (will retry if still leader)";
    const base::log::Level level = std::min(cluster::level_of(done.error()), base::log::Level::warn);
    const std::string advice = cluster::advice_on_replication(done.error().detail);
    if (advice.empty()) {
      log.write(level, what, {{"error", done.error()}});
    } else {
      log.write(level, what, {{"error", done.error()}, {"advice", advice}});
    }
    after = 0;  // whatever was missed
    // Another token may be all that was missing.
    if (!rounds.back_off(failures++, [&] { return token && token() != used; })) break;
  }
  status.set(0);
  index.set(0);
  log.info("stopped " + name + " replication");
}

}  // namespace proconsul::agent::server
