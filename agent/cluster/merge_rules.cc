#include "agent/cluster/merge_rules.h"

#include <map>

#include "agent/server/server_info.h"
#include "catalog/store/key.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::cluster {
namespace {

using gossip::serf::Member;
using gossip::serf::MemberStatus;

std::string at(const Member& member) {
  return member.Name + " at " + gossip::ip_text(member.Addr) + ":" + std::to_string(member.Port);
}

constexpr char kSameId[] = " have the same node ID: remove the file node-id of one of them and start it again";

}  // namespace

std::optional<Refusal> refuse_lan(const std::vector<Member>& members, const std::string& datacenter,
                                  const std::string& own_id, const std::string& own_name) {
  std::map<std::string, const Member*> by_id;
  for (const Member& member : members) {
    const auto id = member.Tags.find("id");
    if (id != member.Tags.end() && !id->second.empty()) {
      if (member.Status == MemberStatus::left) continue;
      const std::string clash = "Member '" + member.Name + "' has conflicting node ID '" + id->second + "' with ";
      if (id->second == own_id && catalog::lower_case(member.Name) != catalog::lower_case(own_name)) {
        return Refusal{clash + "this agent's ID", at(member) + " and this agent, " + own_name + "," + kSameId};
      }
      const auto [other, fresh] = by_id.emplace(id->second, &member);
      if (!fresh) {
        return Refusal{clash + "member '" + other->second->Name + "'",
                       at(member) + " and " + at(*other->second) + kSameId};
      }
    }
    std::optional<std::string> there = server::client_datacenter(member);
    if (!there) {
      if (const auto server = server::server_info(member)) there = server->datacenter;
    }
    if (there && *there != datacenter) {
      return Refusal{"Member '" + member.Name + "' part of wrong datacenter '" + *there + "'",
                     at(member) + " is of datacenter " + *there + ", this agent of " + datacenter +
                         ": datacenters are joined on the WAN, by their servers"};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> refuse_wan(const std::vector<Member>& members) {
  for (const Member& member : members) {
    if (!server::server_info(member)) {
      return Refusal{"Member '" + member.Name + "' is not a server",
                     at(member) + " is no server: only servers join the WAN, at their WAN port"};
    }
  }
  return std::nullopt;
}

}  // namespace proconsul::agent::cluster
