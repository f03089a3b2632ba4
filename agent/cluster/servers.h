// Which servers there are: of this datacenter by what gossip says of raft's leader, of others by the WAN.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/server/server_info.h"
#include "base/clock.h"
#include "base/result.h"
#include "gossip/serf/event.h"

namespace proconsul::agent::cluster {

/// Any thread.
class Servers {
 public:
  struct Options {
    std::string datacenter{};
    std::string own_id{};
    std::function<std::vector<gossip::serf::MemberPtr>(bool wan)> members{};
    const base::Clock* clock = &base::system_clock();
  };
  explicit Servers(Options options) : options_(std::move(options)) {}

  /// Of this datacenter, of any status.
  std::vector<server::ServerInfo> local() const;
  /// Those that can be reached.
  std::vector<server::ServerInfo> alive() const;
  /// By its ID, alive or not; gossip may know a newer address than raft.
  std::optional<server::ServerInfo> by_id(std::string_view id) const;
  /// Names of all datacenters that have a server, this one among them, sorted.
  std::vector<std::string> datacenters() const;
  /// A server of the datacenter: each in its turn, those that failed lately last. Nothing: none is alive there.
  std::optional<server::ServerInfo> route(std::string_view datacenter);
  /// It did not answer.
  void failed(std::string_view name);
  /// "no path to datacenter": what is known of it, for the log.
  std::string explain(std::string_view datacenter) const;

 private:
  const Options options_;
  std::mutex mutex_{};  // guards what follows
  std::uint64_t turn_ = 0;
  std::map<std::string, base::MonotonicTime, std::less<>> failed_{};  // when
};

}  // namespace proconsul::agent::cluster
