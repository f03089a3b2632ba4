// What the catalog has to say of the LAN pool's members: planned here, written by the leader (architecture.md: gossip
// to catalog). Pure: questions to a version of the state.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/types/register.h"
#include "gossip/serf/message.h"

namespace proconsul::catalog {
struct Tables;
}

namespace proconsul::agent::server {

/// What became of a member.
enum class Fate : std::uint8_t { alive, failed, left, reaped };
/// Nothing for one that is about to leave: it is still there, and will have left soon.
std::optional<Fate> fate_of(gossip::serf::MemberStatus status);

/// Clients and servers of this datacenter are in the catalog; everybody else in the pool is not.
bool belongs_in_catalog(const gossip::serf::Member& member, std::string_view datacenter);

/// The node with a passing "serfHealth", a server with its service "consul". Nothing if it is so already. `unstable`:
/// why the check is critical all the same.
std::optional<catalog::RegisterRequest> plan_alive(const catalog::Tables& tables, const gossip::serf::Member& member,
                                                   const std::string& datacenter,
                                                   const std::optional<std::string>& unstable = {});
/// A critical "serfHealth", if the node is there and it is not so already.
std::optional<catalog::RegisterRequest> plan_failed(const catalog::Tables& tables, const gossip::serf::Member& member,
                                                    const std::string& datacenter);
/// Left or reaped: the node goes, if it is there.
std::optional<catalog::DeregisterRequest> plan_gone(const catalog::Tables& tables, const gossip::serf::Member& member,
                                                    const std::string& datacenter);

/// Nodes with a "serfHealth" that are in no pool any more, as members to be reaped: they went while nobody led.
/// `known`: names of all members in lower case. `server_id`: that of a server at an address, to end its membership in
/// raft; empty if it is not known.
std::vector<gossip::serf::Member> unknown_members(
    const catalog::Tables& tables, const std::set<std::string>& known, const std::string& datacenter,
    const std::function<std::string(const std::string& address)>& server_id);

}  // namespace proconsul::agent::server
