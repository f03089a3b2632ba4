// The snapshot RPC, kind 5 of the server port: one request, one archive in or out, and the connection ends. rpc.md 7 of
// the wire reference.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>

#include "agent/rpc/cluster.h"
#include "agent/rpc/method.h"
#include "agent/rpc/pool.h"
#include "base/background.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/net/tls.h"

namespace proconsul::agent::rpc {

/// A request for another datacenter, or that only the leader can answer, goes there with all its bytes.
class SnapshotService {
 public:
  /// All outlive it. `scratch`: a folder for archives on their way in; empty: the system's.
  SnapshotService(base::net::Loop& loop, Services services, Cluster& cluster, Pool& pool, std::string scratch);
  ~SnapshotService();
  /// A peer's connection, behind its kind byte. Any thread.
  void accept(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls, std::shared_ptr<const void> place);
  /// Closes what is open; not from a loop. Idempotent.
  void stop();

 private:
  class Connection;
  void bury(Connection& connection);

  base::net::Loop& loop_;
  Services services_;
  Cluster& cluster_;
  Pool& pool_;
  const std::string scratch_;
  const base::log::Logger log_{"agent.server.rpc"};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::atomic<bool> stopped_{false};
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  base::Background background_;
};

}  // namespace proconsul::agent::rpc
