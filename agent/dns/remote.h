// Look-ups that other servers answer: of another datacenter, of this one where the state here may not be shown, and on
// a client agent all of them.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/dns/image.h"
#include "catalog/types/node.h"

namespace proconsul::agent::dns {

/// What is looked up. Equal ones have the same answer.
struct RemoteKey {
  enum class Kind : std::uint8_t {
    instances,  // healthy ones of a service
    servers,    // the same of the servers themselves, of which the nodes are wanted
    node,
    query,            // what a prepared query finds
    virtual_address,  // of a service
    reverse,          // who has the address `name`
  };
  Kind kind{};
  std::string name{};
  std::string datacenter{};  // that is asked
  std::string peer{};
  std::string tag{};  // instances: that they must carry; empty: any
  bool connect{}, ingress{};
  std::string source{};  // query: the client's address
  std::string token{};   // that it is asked with
  auto operator<=>(const RemoteKey&) const = default;
};

/// What came back; only what belongs to the kind is filled.
struct RemoteAnswer {
  enum class Outcome : std::uint8_t { found, no_name, failed };
  Outcome outcome = Outcome::failed;
  bool stale{};                        // from a state more than five seconds old
  ImagePtr image{};                    // instances, query
  std::string service{};               // query: that it is about
  std::string ttl{};                   // query: as it says
  std::vector<catalog::Node> nodes{};  // servers, node
  std::string text{};  // virtual_address: of an IP; reverse: the labels before the domain, as the wire has them
  std::size_t memory() const { return sizeof(*this) + (image ? image->memory : 0) + nodes.size() * sizeof(nodes[0]); }
};
using RemoteAnswerPtr = std::shared_ptr<const RemoteAnswer>;

}  // namespace proconsul::agent::dns
