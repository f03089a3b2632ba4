// The running agent: everything between its configuration and its sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/config/load.h"
#include "base/result.h"

namespace proconsul::agent {

class Agent {
 public:
  struct Events {
    /// The agent has left the cluster by request of the API: the process should end. Any thread.
    std::function<void()> left{};
    /// What it was told to join cannot be joined: the process should end as failed. Any thread.
    std::function<void()> failed{};
  };

  /// Opens the state, takes part in the cluster and listens. The error says what failed and what to do.
  static base::Result<std::unique_ptr<Agent>> start(config::Loaded loaded, config::LoadOptions options, Events events);
  ~Agent();
  Agent(const Agent&) = delete;

  /// Leaves the cluster for good; listeners stay up until stop().
  base::Result<> leave();
  /// Reads the configuration again and takes over what may change while running.
  base::Result<> reload();
  /// Whether every event loop has done what the last call gave it to do. One thread.
  bool responsive();
  /// Closes the listeners, answers what waits, writes what is queued. Idempotent.
  void stop();
  /// Has stop() wait no longer for connections through the mesh gateway. Any thread.
  void hurry();

  const config::Config& config() const;
  const std::string& node_id() const;

 private:
  struct Impl;
  explicit Agent(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::agent
