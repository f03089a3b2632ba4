// Anti-entropy as plain code: what differs between this agent and the catalog, and which registrations mend it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/local/state.h"
#include "catalog/types/node.h"
#include "catalog/types/register.h"

namespace proconsul::agent::local {

/// This agent's node as it must stand in the catalog.
struct NodeInfo {
  std::string datacenter{};
  std::string id{};
  std::string address{};
  base::Map<std::string> tagged_addresses{};
  base::Map<std::string> meta{};
  base::Pointer<catalog::Locality> locality{};
};

/// What the catalog has of this agent's node.
struct Remote {
  std::optional<catalog::Node> node{};
  std::vector<catalog::NodeService> services{};
  std::vector<catalog::HealthCheck> checks{};
};

/// Marks what differs. Entries that only the catalog has are to be deleted there, but not what servers keep themselves:
/// the service "consul" and the check "serfHealth".
void compare(State& state, const NodeInfo& node, const Remote& remote);

/// One call to the catalog, and which entries it settles.
struct Step {
  struct Settles {
    std::string id;
    std::uint64_t revision;
  };
  using Request = std::variant<catalog::RegisterRequest, catalog::DeregisterRequest>;
  Request request{};
  std::vector<Settles> services{};
  std::vector<Settles> checks{};
  bool node = false;  // the node's own row
};
/// With which tokens the catalog is told.
struct SyncTokens {
  std::string agent{};   // the node itself, and what goes
  std::string file{};    // what the configuration defines without one
  std::string others{};  // what else brings none

  template <class Entry>
  const std::string& of(const Entry& entry) const {
    if (!entry.token.empty()) return entry.token;
    return entry.source == Source::file && !file.empty() ? file : others;
  }
};
/// The fewest calls that bring the catalog up to date: the node's own row first, a service with its checks in one.
std::vector<Step> plan(const State& state, const NodeInfo& node, const SyncTokens& tokens);

/// The call succeeded: what has not changed since is in sync, what was deleted is forgotten.
void settle(State& state, const Step& step);

}  // namespace proconsul::agent::local
