// A server's side of auto_config: introduces client agents that know nothing but its address and a token of somebody
// whom the server trusts. The leader answers, the others ask it.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/auth/logins.h"
#include "agent/auto_config/messages.h"
#include "agent/config/config.h"
#include "agent/server/acl_settings.h"
#include "agent/server/changes.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"

namespace proconsul::agent::rpc {
struct Services;
}

namespace proconsul::agent::auto_config {

class Server {
 public:
  struct Means {
    std::function<base::Result<base::net::Destination>(const std::string& address)> insecure{};  // another server
    std::function<std::vector<std::string>()> join_addresses{};  // of the servers, for the LAN's gossip
    std::function<base::List<std::string>()> manual_roots{};     // of the servers' own certificates, PEM; reads files
  };
  /// All outlive it.
  Server(const config::Config& config, const server::AclSettings& acl, base::net::Loops& loops, Means means);
  ~Server() { stop(); }
  Server(const Server&) = delete;
  /// What waits is answered with an error. Idempotent; not from a loop.
  void stop();

  /// Any thread; `done` comes from any. Errors have Consul's texts.
  void introduce(rpc::Services& services, Request request, server::Answered<Response> done);

 private:
  void work(rpc::Services& services, const base::Result<auth::MethodPtr>& method, Request request,
            server::Answered<Response> done);
  base::Result<Response> ask_leader(rpc::Services& services, const Request& request);
  base::Result<Response> answer(const Request& request) const;
  base::Result<> add_gossip(Config& config) const;
  Acl acl_settings() const;
  void add_token(rpc::Services& services, Request request, Response response, server::Answered<Response> done);
  void add_certificate(rpc::Services& services, const Request& request, Response response,
                       server::Answered<Response> done) const;

  const config::Config& config_;
  const server::AclSettings& acl_;
  base::net::Loops& loops_;
  const Means means_;
  std::stop_source over_{};
  auth::Logins workers_;  // clients that have shown nothing yet: what waits is bounded
};

}  // namespace proconsul::agent::auto_config
