// Follows an agent over its HTTP API and tells what a gateway must know: blocking queries, each on a thread of its own,
// asked again when the agent is back. What was known stays as long as nobody answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/cli/api_client.h"
#include "agent/http/agent_types.h"
#include "base/result.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::agent::gateway {

struct Identity {
  std::string datacenter{};
  std::string domain{};  // "consul"
};

class Follower {
 public:
  struct Options {
    /// How to reach the agent, with the token to ask by.
    cli::ApiConfig api{};
    /// None: /v1/agent/self is asked.
    std::optional<Identity> identity{};
    /// Whether the gateway leads to servers, until `registered` has told of a service.
    bool wan_federation{};
    /// ID of the gateway's own service, to follow its registration; empty: it is not followed.
    std::string service{};
    /// Topologies are kept here (kept.h); empty: nowhere.
    std::string file{};
    /// The topology is another. On one of the threads, never on two at once.
    std::function<void(const wanfed::gateway::Topology&)> changed{};
    /// The own registration is another, or there is none (null). The same. After an error it is asked and told again.
    std::function<base::Result<>(const http::AgentService*)> registered{};
    /// Some topology is in force: nothing is told before everything is known.
    bool in_force{};
  };

  /// It asks nothing before begin(). Errors are those of ApiClient::make.
  static base::Result<std::unique_ptr<Follower>> make(Options options);
  /// Once.
  void begin();
  /// Ends the requests, and waits.
  ~Follower();
  Follower(const Follower&) = delete;

 private:
  struct Impl;
  explicit Follower(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::agent::gateway
