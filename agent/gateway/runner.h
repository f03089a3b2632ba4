// A gateway at work: listens, follows an agent for its routes and its registration, forwards, drains.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "agent/cli/api_client.h"
#include "agent/gateway/follower.h"
#include "agent/gateway/metrics.h"
#include "base/interrupt.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "catalog/types/service.h"
#include "wanfed/gateway/gateway.h"

namespace proconsul::agent::gateway {

/// How the agent is asked.
struct Asking {
  cli::ApiConfig api{};
  std::optional<catalog::ServiceDefinition> registration{};  // none: as it is
  bool wan_federation{};
};

class Runner {
 public:
  struct Options {
    cli::ApiConfig api{};
    std::optional<Identity> identity{};
    bool wan_federation{};
    std::string file{};  // where routes are kept; empty: nowhere
    /// Where it listens. Empty: by the registration, once that is known.
    std::vector<wanfed::gateway::Address> listen{};
    /// ID of the own service at the agent, whose registration is followed; empty: `listen` and wan_federation stand.
    std::string service{};
    /// What is registered, at the start and whenever the agent has lost it; none: somebody else registers.
    std::optional<catalog::ServiceDefinition> registration{};
    /// It was registered. Another thread.
    std::function<void()> registered{};
    wanfed::gateway::Limits limits{};
  };

  /// Listens if it is told where, and forwards by what is on disk. `loops` outlive it. Errors: an address cannot be
  /// listened at.
  static base::Result<std::unique_ptr<Runner>> start(base::net::Loops& loops, Options options);
  ~Runner();
  Runner(const Runner&) = delete;

  // One thread.
  /// From now on the agent is asked; once. Errors: certificates cannot be read.
  base::Result<> follow();
  /// What is to be another; connections and routes stay.
  struct Change {
    std::optional<std::vector<wanfed::gateway::Address>> listen{};
    std::optional<wanfed::gateway::Limits> limits{};
    std::optional<Asking> asking{};  // another way to the agent, which is asked anew
  };
  /// All of it; an error changes nothing.
  base::Result<> change(Change change);
  /// Takes the registration back if it was made here; no new connections; returns when the open ones have ended or were
  /// cut, after Limits::drain at the latest or once `cut` is raised.
  void drain(base::Interrupt& cut);

  const wanfed::gateway::Gateway& gateway() const { return gateway_; }

 private:
  Runner(base::net::Loops& loops, Options options);
  void set_routes(const wanfed::gateway::Topology& topology);
  base::Result<std::unique_ptr<Follower>> follower(const cli::ApiConfig& api, bool wan_federation);
  void follow(std::unique_ptr<Follower> follower);
  base::Result<> listen(const std::vector<wanfed::gateway::Address>& addresses);
  base::Result<> told(const http::AgentService* service);
  base::Result<> register_now();
  base::Result<> deregister(base::Interrupt& cut) const;

  Options options_;                   // changes while nobody follows
  base::Interrupt stop_{};            // for good
  std::mutex mutex_{};                // guards the next one
  wanfed::gateway::Limits limits_{};  // in force
  wanfed::gateway::Gateway gateway_;
  const Metrics metrics_{gateway_};
  bool registered_ = false;  // by the follower's thread, and while there is none
  bool has_routes_ = false;
  std::unique_ptr<base::Interrupt> asking_{};  // ends a registration that is under way
  std::unique_ptr<Follower> follower_{};
};

}  // namespace proconsul::agent::gateway
