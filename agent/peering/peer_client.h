// How the servers of other clusters are called: by gRPC on their public port, with TLS that their token asks for.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/grpc/client.h"
#include "base/net/loop.h"
#include "base/net/tls.h"
#include "base/result.h"
#include "base/task_thread.h"
#include "catalog/types/peering.h"

namespace proconsul::agent::peering {

class PeerClient {
 public:
  /// The loops outlive it.
  explicit PeerClient(base::net::Loops& loops);
  ~PeerClient() { stop(); }
  /// Calls end. Not from a loop. Idempotent.
  void stop();

  /// Takes over whom the peering trusts; connections from now on. Any thread. Errors: certificates that are none.
  base::Result<> know(const catalog::Peering& peering);
  /// The peering is gone. Any thread.
  void forget(const std::string& id);
  /// A server of it to call at this address, whose host is an IP address.
  rpc::Target target(const std::string& id, const std::string& address) const;
  grpc::Client& client() { return client_; }
  /// What these hosts and ports are as IP addresses and ports, each several perhaps; what has none is left out, and
  /// so is what comes behind very many. `done` comes on the loop, unless this stops before.
  void resolve(std::vector<std::string> addresses, base::net::Loop& loop,
               std::move_only_function<void(std::vector<std::string>)> done);

 private:
  struct Trust {
    std::uint64_t version{};
    std::string pems{};
    std::string name{};
    std::shared_ptr<base::net::TlsContext> tls{};  // null: plain
  };
  base::net::Destination route(const rpc::Target& target) const;

  mutable std::mutex mutex_{};
  std::map<std::string, Trust> known_{};  // by the peering's ID
  std::uint64_t versions_ = 0;
  std::atomic<bool> stopping_{false};
  base::TaskThread resolver_{};
  grpc::Client client_;
};

}  // namespace proconsul::agent::peering
