// What the dispatcher must know of other servers. Gossip tells it in a cluster; a lone server knows of none.
#pragma once

#include <string>
#include <string_view>

#include "agent/server/server.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// A server to call.
struct Target {
  std::string datacenter{};
  std::string node{};     // its name: one connection is kept for each (datacenter, name, address)
  std::string address{};  // "10.0.0.1:8300"
};

/// Any thread may ask.
class Cluster {
 public:
  virtual ~Cluster() = default;
  /// Who leads this datacenter, when it is not this server. Errc::no_leader: "No cluster leader"; Errc::unavailable:
  /// raft names one that gossip does not know, "Raft leader not found in server lookup mapping".
  virtual base::Result<Target> leader() const = 0;
  /// Whether this server does by now: nobody else is to be asked.
  virtual bool leads() const { return false; }
  /// A server of another datacenter. Errc::not_found: "No path to datacenter"; Errc::unavailable: "Remote DC has no
  /// server currently reachable".
  virtual base::Result<Target> route(std::string_view datacenter) const = 0;
  /// It did not answer: another one should be tried next.
  virtual void failed(const Target& target, const base::Error& error) { (void)target, (void)error; }
};

inline constexpr const char* kNoLeader = "No cluster leader";
inline constexpr const char* kLeaderNotTracked = "Raft leader not found in server lookup mapping";
inline constexpr const char* kNoPath = "No path to datacenter";
inline constexpr const char* kDatacenterUnreachable = "Remote DC has no server currently reachable";

/// A server without others.
class NoCluster final : public Cluster {
 public:
  base::Result<Target> leader() const override { return base::Error{base::Errc::no_leader, kNoLeader}; }
  base::Result<Target> route(std::string_view) const override { return base::Error{base::Errc::not_found, kNoPath}; }
};

}  // namespace proconsul::agent::rpc
