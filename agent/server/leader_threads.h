// Threads that have work while this server leads, and sleep otherwise.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/server/replication_rounds.h"
#include "agent/server/server.h"
#include "base/result.h"

namespace proconsul::agent::server {

class LeaderThreads {
 public:
  /// Ends soon after `over` is requested, or `pause` says so.
  using Work = std::function<void(std::stop_token over, const ReplicationPause& pause)>;
  ~LeaderThreads();

  /// One more; its work begins anew with every term that this server leads.
  void start(Work work);
  /// This server leads, as far as its state is current, or no longer. Any thread; returns at once.
  void lead(bool leading);
  /// Ends the threads; no work is under way afterwards. Idempotent.
  void stop();

 private:
  void run(const Work& work);

  std::vector<std::thread> threads_{};
  std::mutex mutex_{};  // guards what follows
  std::condition_variable changed_{};
  bool stopping_ = false;
  std::optional<std::stop_source> term_{};  // while this server leads
};

/// Proposes a command and waits until it is applied here; an error on a server that does not lead (any more): whoever
/// does has such work of its own, and what this one has read may be old by then.
base::Result<> apply_as_leader(Server& server, std::string command);

}  // namespace proconsul::agent::server
