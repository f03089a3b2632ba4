// What this agent's own services need of the catalog, wherever that is: on a server in this process, on a client agent
// behind calls to servers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/local/sync.h"
#include "base/result.h"

namespace proconsul::agent::local {

/// What an alias check of another node follows.
struct NodeHealth {
  std::vector<catalog::HealthCheck> checks{};  // of the node and of all its services
  bool service_exists = true;                  // told only when no check is of the service
};

class Catalog {
 public:
  virtual ~Catalog() = default;

  // What is called back is called from any thread, also from within the call.
  /// What the catalog has of this agent's node.
  virtual void fetch(std::move_only_function<void(base::Result<Remote>)> done) = 0;
  /// Requests are carried out in order as far as they depend on each other.
  virtual void submit(Step::Request request, std::move_only_function<void(base::Result<>)> done) = 0;

  /// Belongs to one thread, but for what it calls. It dies before the catalog.
  class Followed {
   public:
    virtual ~Followed() = default;
    /// The latest; nothing: not known yet.
    virtual std::optional<base::Result<NodeHealth>> read() = 0;
  };
  /// As far as the token may read it. `changed` is called from any thread when there may be something new to read.
  virtual std::unique_ptr<Followed> follow(const std::string& node, const std::string& service_id,
                                           const std::string& token, std::function<void()> changed) = 0;
};

}  // namespace proconsul::agent::local
