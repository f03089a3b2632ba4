// How a client agent calls its servers: the one that it keeps to, and the next one when that does not answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "agent/cluster/server_list.h"
#include "agent/rpc/archive_call.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/pool.h"
#include "agent/rpc/retry.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/token_bucket.h"

namespace proconsul::agent::cluster {

class ServerCaller final : public rpc::Caller, public rpc::ArchiveServers {
 public:
  struct Options {
    rpc::CallTimes times{};
    double rate = base::TokenBucket::kUnlimited;  // limits.rpc_rate, calls a second
    std::int64_t burst = 1000;                    // limits.rpc_max_burst
    std::function<std::size_t()> nodes{};         // how many members the LAN has
  };
  /// All outlive it.
  ServerCaller(base::net::Loops& loops, rpc::Pool& pool, Options options);
  ~ServerCaller() override;
  /// Calls that wait are answered; not from a loop. Before the pool is stopped. Idempotent.
  void stop();

  // Any thread.
  void add(rpc::Target server);
  void remove(std::string_view node);
  std::size_t known_servers() const;
  void limit(double rate, std::int64_t burst);

  /// The server to ask now. Errors: "No known Consul servers".
  base::Result<rpc::Target> chosen();
  /// The same, limited as a call is; also for what is no call (an archive). Also "RPC rate limit exceeded".
  base::Result<rpc::Target> choose();
  base::Result<base::net::Destination> archive_server(std::string_view datacenter) override;
  /// It did not answer.
  void failed(const rpc::Target& server);

  /// Also "No known Consul servers" and "RPC rate limit exceeded".
  std::unique_ptr<rpc::Running> call(base::net::Loop& loop, const rpc::Method& method, rpc::InvocationPtr invocation,
                                     rpc::Finished done) override;

 private:
  class Job;
  class Shuffle;

  base::net::Loops& loops_;
  rpc::Pool& pool_;
  const Options options_;
  const base::log::Logger log_{"agent.client"};
  std::vector<std::unordered_set<Job*>> running_;  // of each loop
  std::atomic<bool> stopped_ = false;
  mutable std::mutex mutex_{};  // guards what follows
  ServerList list_;
  base::TokenBucket bucket_{};
  std::unique_ptr<Shuffle> shuffle_;  // on a loop
};

inline constexpr const char* kNoServers = "No known Consul servers";
inline constexpr const char* kRateExceeded = "RPC rate limit exceeded";

}  // namespace proconsul::agent::cluster
