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
#include "base/random.h"
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
    base::Random* random = &base::system_random();
  };
  explicit Servers(Options options) : options_(std::move(options)) {}

  /// Of this datacenter, of any status.
  std::vector<server::ServerInfo> local() const;
  /// Those that can be reached.
  std::vector<server::ServerInfo> alive() const;
  /// By its ID, alive or not; gossip may know a newer address than raft.
  std::optional<server::ServerInfo> by_id(std::string_view id) const;
  /// Names of all datacenters that have a server which has not left, this one among them, sorted.
  std::vector<std::string> datacenters() const;
  /// Whether all servers of the datacenter, failed ones among them, have a feature ("fs"); false if there are none.
  bool have_feature(std::string_view datacenter, std::string_view feature) const;
  /// A server of the datacenter: the same one until it fails, or some minutes have passed; those that failed lately
  /// come last. One that gossip takes for dead is tried when there is no other, but not again and again. Nothing: there
  /// is none to try.
  std::optional<server::ServerInfo> route(std::string_view datacenter);
  /// It did not answer.
  void failed(std::string_view datacenter, std::string_view name);
  /// "no path to datacenter": what is known of it, for the log.
  std::string explain(std::string_view datacenter) const;
  /// Whether to complain of a datacenter or a server again: a log is not filled by whoever asks over and over.
  bool may_complain(std::string_view of);

 private:
  /// The servers of one datacenter in the order in which they are tried.
  struct Order {
    std::vector<std::string> names{};
    std::optional<base::MonotonicTime> shuffled{};
  };
  void arrange(Order& order, const std::vector<server::ServerInfo>& servers);

  const Options options_;
  std::mutex mutex_{};                                                // guards what follows
  std::map<std::string, Order, std::less<>> orders_{};                // by datacenter
  std::map<std::string, base::MonotonicTime, std::less<>> failed_{};  // when; by the name of the server
  std::map<std::string, base::MonotonicTime, std::less<>> complained_{};
};

}  // namespace proconsul::agent::cluster
