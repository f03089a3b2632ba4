#include "agent/http/member_endpoint.h"

#include <utility>

#include "agent/cluster/pools.h"
#include "agent/http/answers.h"
#include "agent/http/asking.h"
#include "agent/http/member_types.h"
#include "base/filter/filter.h"
#include "base/json.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(Member, "serf.Member") {
  type.field("Name", &Member::Name);
  type.field("Addr", &Member::Addr);
  type.field("Port", &Member::Port);
  type.field("Tags", &Member::Tags);
  type.field("Status", &Member::Status);
  type.field("ProtocolMin", &Member::ProtocolMin);
  type.field("ProtocolMax", &Member::ProtocolMax);
  type.field("ProtocolCur", &Member::ProtocolCur);
  type.field("DelegateMin", &Member::DelegateMin);
  type.field("DelegateMax", &Member::DelegateMax);
  type.field("DelegateCur", &Member::DelegateCur);
}

Member shown(const gossip::serf::Member& member) {
  Member shown{};
  shown.Name = member.Name;
  shown.Addr = gossip::ip_text(member.Addr);
  shown.Port = member.Port;
  shown.Tags = member.Tags;
  shown.Status = static_cast<std::int32_t>(static_cast<long>(member.Status));
  shown.ProtocolMin = member.ProtocolMin;
  shown.ProtocolMax = member.ProtocolMax;
  shown.ProtocolCur = member.ProtocolCur;
  shown.DelegateMin = member.DelegateMin;
  shown.DelegateMax = member.DelegateMax;
  shown.DelegateCur = member.DelegateCur;
  return shown;
}

namespace {

/// An empty answer, or the error.
auto answer_when_done(Responder responder) {
  return [responder = std::move(responder)](const auto& done) mutable {
    if (!done) return responder.send(Result<Reply>(Errc::internal, done.error().detail));
    responder.send(empty());
  };
}

}  // namespace

Result<Reply> agent_members(Context& agent, const Request& request) {
  const bool wan = !request.param("wan").empty();
  const std::string_view segment = request.param("segment");
  if (!segment.empty() && segment != "_all") {
    if (wan) return {Errc::invalid_argument, "Cannot provide a segment with wan=true"};
    return {Errc::internal, "Network segments are not supported in this version of Consul"};
  }
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  Result<base::filter::Filter> filter = base::filter::Filter::create<Member>(request.param("filter"));
  if (!filter) return filter.error();
  if (wan && !agent.pools->has_wan()) return json("null");  // a client agent, or no WAN port: Go's nil list
  std::string body = "[";
  bool filtered = false;
  for (const gossip::serf::MemberPtr& each : agent.pools->members(wan)) {
    if (!(*who)->allows(acl::Resource::node, each->Name, acl::Access::read)) {
      filtered = true;
      continue;
    }
    const Member member = shown(*each);
    if (!filter->matches(member)) continue;
    if (body.size() > 1) body += ',';
    base::append_json(body, member);
  }
  Reply reply = json(body + ']');
  if (tokens::says_filtered(*who, filtered)) reply.header("X-Consul-Results-Filtered-By-ACLs", "true");
  return reply;
}

void agent_join(Context& agent, const Request& request, Responder responder) {
  agent.pools->join({std::string(request.rest)}, !request.param("wan").empty(), answer_when_done(std::move(responder)));
}

void agent_force_leave(Context& agent, const Request& request, Responder responder) {
  agent.pools->force_leave(std::string(request.rest), request.has_param("prune"), request.has_param("wan"),
                           answer_when_done(std::move(responder)));
}

}  // namespace proconsul::agent::http
