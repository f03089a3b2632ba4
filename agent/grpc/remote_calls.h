// Unary calls of other servers: of the leader, or of any server on a client agent.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "agent/grpc/calls.h"
#include "agent/grpc/client.h"
#include "agent/rpc/cluster.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::grpc {

class RemoteCalls {
 public:
  struct Means {
    std::function<base::Result<rpc::Target>()> choose{};           // whom to ask now
    std::function<void(const rpc::Target& target)> unreachable{};  // it could not be reached
    base::Duration hold{};                                         // how long to look for somebody
  };
  /// Both outlive it.
  RemoteCalls(base::net::Loops& loops, Client& client, Means means);
  ~RemoteCalls() { stop(); }
  /// Who waits is answered. Not from a loop; before the client is stopped. Idempotent.
  void stop();
  /// `path` is "/service/method". A call that surely did not begin is made again for a while. Any thread.
  void call(std::string path, const std::string& request, base::net::H2Fields fields, CallDone done);

 private:
  class Job;
  base::net::Loops& loops_;
  Client& client_;
  const Means means_;
  std::mutex mutex_{};  // guards what follows
  bool stopped_ = false;
  std::unordered_map<Job*, std::shared_ptr<Job>> jobs_{};
};

}  // namespace proconsul::agent::grpc
