// The mesh gateway of the configuration (mesh_gateway { ... }), inside the agent's process. It follows this agent as
// one outside would; the agent registers it with the services of its configuration.
#pragma once

#include <memory>
#include <optional>

#include "agent/config/load.h"
#include "agent/config/mesh_gateway.h"
#include "base/interrupt.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "catalog/types/service.h"

namespace proconsul::agent {

namespace gateway {
class Runner;
}

/// The service of the configured gateway; none where it is off. An error names the key.
base::Result<std::optional<catalog::ServiceDefinition>> own_gateway_service(const config::Loaded& loaded);

/// Whether there is a gateway, and its name, is settled at the start: where `fresh` has others, its block is as before.
void keep_own_gateway(config::Settings& fresh, const config::Settings& before);

class OwnGateway {
 public:
  /// Null where it is off. It listens, and forwards by what is on disk. `loops` outlive it.
  static base::Result<std::unique_ptr<OwnGateway>> start(const config::Loaded& loaded, base::net::Loops& loops);
  ~OwnGateway();
  OwnGateway(const OwnGateway&) = delete;

  /// The agent's API is open: it is asked from now on.
  base::Result<> follow();
  /// Addresses, limits and token that may change while it runs. An error changes nothing.
  base::Result<> reload(const config::Loaded& loaded);
  /// No new connections; returns when those that are open have ended, after drain_timeout, or once `cut` is raised.
  void drain(base::Interrupt& cut);

 private:
  OwnGateway();
  config::MeshGateway settings_{};
  std::unique_ptr<gateway::Runner> runner_{};
};

}  // namespace proconsul::agent
