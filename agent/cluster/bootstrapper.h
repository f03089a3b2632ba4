// Begins raft's first configuration once the servers that bootstrap_expect asks for are here.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "agent/server/bootstrap.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/result.h"

namespace proconsul::agent::cluster {

class Bootstrapper {
 public:
  struct Means {
    std::function<server::BootstrapView()> view{};
    std::function<base::Result<std::vector<std::string>>(const server::ServerInfo&)> peers_of{};
    std::function<base::Result<>(raft::Configuration)> bootstrap{};
  };
  /// Looks several times a second, on a thread of its own, until there is a cluster.
  explicit Bootstrapper(Means means);
  ~Bootstrapper();

 private:
  void run();
  /// Whether it is done.
  bool attempt();

  const Means means_;
  const base::log::Logger log_{"agent.server"};
  std::string last_reason_{};
  base::Interrupt stopping_{};
  std::thread thread_{};
};

}  // namespace proconsul::agent::cluster
