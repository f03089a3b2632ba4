#include "agent/cluster/merge_rules.h"

#include <map>

#include "agent/server/server_info.h"
#include "catalog/store/key.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::cluster {
namespace {

using base::Errc;
using base::Result;
using gossip::serf::Member;
using gossip::serf::MemberStatus;

std::string where(const Member& member) {
  return " (at " + gossip::ip_text(member.Addr) + ":" + std::to_string(member.Port) + ")";
}

}  // namespace

Result<> allow_lan(const std::vector<Member>& members, const std::string& datacenter, const std::string& own_id,
                   const std::string& own_name) {
  std::map<std::string, const Member*> by_id;
  for (const Member& member : members) {
    const auto id = member.Tags.find("id");
    if (id != member.Tags.end() && !id->second.empty()) {
      if (member.Status == MemberStatus::left) continue;
      if (id->second == own_id && catalog::lower_case(member.Name) != catalog::lower_case(own_name)) {
        return {Errc::conflict, "Member '" + member.Name + "' has conflicting node ID '" + id->second +
                                    "' with this agent's ID" + where(member) +
                                    "; remove the file node-id of one of them and start it again"};
      }
      const auto [other, fresh] = by_id.emplace(id->second, &member);
      if (!fresh) {
        return {Errc::conflict, "Member '" + member.Name + "' has conflicting node ID '" + id->second +
                                    "' with member '" + other->second->Name + "'" + where(member) +
                                    where(*other->second) +
                                    "; remove the file node-id of one of them and start it again"};
      }
    }
    std::optional<std::string> there = server::client_datacenter(member);
    if (!there) {
      if (const auto server = server::server_info(member)) there = server->datacenter;
    }
    if (there && *there != datacenter) {
      return {Errc::conflict, "Member '" + member.Name + "' part of wrong datacenter '" + *there + "'" + where(member) +
                                  "; this agent is of '" + datacenter + "'"};
    }
  }
  return {};
}

Result<> allow_wan(const std::vector<Member>& members) {
  for (const Member& member : members) {
    if (!server::server_info(member)) {
      return {Errc::conflict, "Member '" + member.Name + "' is not a server" + where(member)};
    }
  }
  return {};
}

}  // namespace proconsul::agent::cluster
