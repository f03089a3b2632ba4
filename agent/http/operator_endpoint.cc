#include "agent/http/operator_endpoint.h"

#include <algorithm>
#include <utility>

#include "agent/grpc/operator_service.h"
#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/changes.h"
#include "agent/http/operator_types.h"
#include "agent/rpc/autopilot_state.h"
#include "agent/server/operator.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/settings.h"
#include "catalog/registry/usage.h"
#include "gossip/serf/message.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using server::Operator;

/// The name of the node that runs a server, found by the server's id.
std::string node_name(const catalog::View& view, const std::string& id) {
  const Result<const catalog::NodeRow*> row = catalog::find_node_by_id(view.tables(), id);
  return row && *row != nullptr ? (*row)->get().Node : "(unknown)";
}

base::Time to_seconds(base::Time time) {
  if (time.nanoseconds >= 500'000'000) ++time.seconds;
  time.nanoseconds = 0;
  return time;
}

void answer_when_done(Responder responder, Reply reply, const std::function<void(server::Done)>& start) {
  start([responder = std::move(responder), reply = std::move(reply)](Result<> done) mutable {
    if (!done) return responder.send(Result<Reply>(Errc::internal, done.error().detail));
    responder.send(std::move(reply));
  });
}

}  // namespace

void raft_configuration(Context& agent, const Request&, Responder responder) {
  // How far each server is, the leader alone knows; without one there is still the configuration.
  agent.cluster->leaders_view_of_health([&agent, responder = std::move(responder)](
                                            const Result<Operator::Health>& health) mutable {
    const auto view = agent.server->view();
    const Operator::Peers peers = agent.cluster->raft_peers();
    // It has not been taken into a cluster (again): whom to ask, it does not know either.
    if (peers.servers.empty()) return responder.send(Result<Reply>(Errc::internal, "No cluster leader"));
    RaftConfiguration shown{};  // its index is 0: Consul asks raft for the configuration in a way that tells none
    for (const Operator::Peer& peer : peers.servers) {
      std::uint64_t last_index = peer.last_index;
      for (const Operator::ServerHealth& server : health ? health->servers : std::vector<Operator::ServerHealth>()) {
        if (server.peer.id == peer.id) last_index = std::max(last_index, server.peer.last_index);
      }
      shown.Servers.push_back({.ID = peer.id,
                               .Node = node_name(*view, peer.id),
                               .Address = peer.address,
                               .Leader = peer.leader,
                               .ProtocolVersion = "3",
                               .Voter = peer.voter,
                               .LastIndex = last_index});
    }
    responder.send(json(base::to_json(shown)));
  });
}

void raft_remove_peer(Context& agent, const Request& request, Responder responder) {
  const bool by_id = request.has_param("id"), by_address = request.has_param("address");
  if (!by_id && !by_address) {
    return responder.send(
        Result<Reply>(Errc::invalid_argument,
                      "Must specify either ?id with the server's ID or ?address with IP:port of peer to remove"));
  }
  if (by_id && by_address) {
    return responder.send(Result<Reply>(Errc::invalid_argument, "Must specify only one of ?id or ?address"));
  }
  const std::string_view wanted = request.param(by_id ? "id" : "address");
  // The leader alone can do it.
  if (!is_here(agent, request.options.datacenter) || (agent.caller && !agent.server->leadership().is_leader)) {
    rpc::RaftRemovePeerRequest change{};
    change.Token = request.options.token;
    change.Datacenter = request.options.datacenter;
    (by_id ? change.ID : change.Address) = wanted;
    return ask<rpc::RaftRemovePeerRequest, rpc::Nothing>(
        agent, by_id ? "Operator.RaftRemovePeerByID" : "Operator.RaftRemovePeerByAddress", std::move(change),
        [responder = std::move(responder)](Result<rpc::Nothing> removed) mutable {
          responder.send(removed ? Result<Reply>(empty()) : Result<Reply>(removed.error()));
        });
  }
  const Operator::Peers peers = agent.cluster->raft_peers();
  const auto found = std::find_if(peers.servers.begin(), peers.servers.end(), [&](const Operator::Peer& peer) {
    return (by_id ? peer.id : peer.address) == wanted;
  });
  if (found == peers.servers.end()) {
    return responder.send(Result<Reply>(Errc::internal, std::string(by_id ? "id " : "address ") + base::quote(wanted) +
                                                            " was not found in the Raft configuration"));
  }
  answer_when_done(std::move(responder), empty(),
                   [&](server::Done done) { agent.cluster->remove_peer(found->id, std::move(done)); });
}

void raft_transfer_leader(Context& agent, const Request& request, Responder responder) {
  answer_when_done(
      std::move(responder), json(base::to_json(TransferLeaderResponse{.Success = true})), [&](server::Done done) {
        agent.transfer->transfer_leader(std::string(request.param("id")), token_of(request), std::move(done));
      });
}

Result<Reply> autopilot_get(Context& agent, const Request&) {
  const auto view = agent.server->view();
  const catalog::AutopilotConfig* config = catalog::autopilot_config(view->tables(), nullptr);
  if (config == nullptr) return {Errc::internal, "autopilot config not initialized yet"};
  return json(base::to_json(shown(*config)));
}

void autopilot_put(Context& agent, const Request& request, Responder responder) {
  AutopilotConfiguration wanted{};
  if (Result<> read = base::read_json(request.body, wanted, {.input = base::JsonInput::first, .reject_unknown = true});
      !read) {
    return responder.send(
        Result<Reply>(Errc::invalid_argument, "Error parsing autopilot config: " + read.error().detail));
  }
  catalog::AutopilotSetConfigRequest change{};
  change.Token = request.options.token;
  change.Datacenter = request.options.datacenter;
  change.Config = stored(wanted);
  if (request.has_param("cas")) {
    const Result<std::uint64_t> index = base::parse_uint(request.param("cas"));
    if (!index) {
      return responder.send(Result<Reply>(Errc::invalid_argument, "Error parsing cas value: " + index.error().detail));
    }
    change.Config.ModifyIndex = *index;
    change.CAS = true;
  }
  change_autopilot(agent, std::move(change), [responder = std::move(responder)](Result<bool> set) mutable {
    responder.send(set ? Result<Reply>(json(*set ? "true" : "false")) : Result<Reply>(set.error()));
  });
}

namespace {

/// What `shape` makes of the leader's view.
void with_health(Context& agent, Responder responder, Reply (*shape)(Context&, const Operator::Health&)) {
  agent.cluster->leaders_view_of_health(
      [&agent, shape, responder = std::move(responder)](Result<Operator::Health> health) mutable {
        if (!health) return responder.send(Result<Reply>(health.error()));
        responder.send(shape(agent, *health));
      });
}

void too_many(Reply& reply) {
  reply.status = 429;
  reply.as_text = true;
}

Reply shown_health(Context& agent, const Operator::Health& health) {
  const auto view = agent.server->view();
  OperatorHealth shown{.Healthy = health.healthy(), .FailureTolerance = health.failure_tolerance(), .Servers = {}};
  for (const Operator::ServerHealth& server : health.servers) {
    shown.Servers.push_back({.ID = server.peer.id,
                             .Name = node_name(*view, server.peer.id),
                             .Address = server.peer.address,
                             .SerfStatus = server.gossip_status,
                             .Version = server.version,
                             .Leader = server.peer.leader,
                             .LastContact = server.last_contact,
                             .LastTerm = server.last_term,
                             .LastIndex = server.peer.last_index,
                             .Healthy = server.healthy,
                             .Voter = server.peer.voter,
                             .StableSince = to_seconds(server.stable_since)});
  }
  Reply reply = json(base::to_json(shown));
  if (!shown.Healthy) too_many(reply);
  return reply;
}

Reply shown_state(Context& agent, const Operator::Health& health) {
  const auto view = agent.server->view();
  AutopilotState shown{};
  shown.Healthy = health.healthy();
  shown.FailureTolerance = health.failure_tolerance();
  shown.OptimisticFailureTolerance = shown.FailureTolerance;
  shown.Servers.make_present();
  for (const Operator::ServerHealth& server : health.servers) {
    AutopilotServer entry{};
    entry.ID = server.peer.id;
    entry.Name = node_name(*view, server.peer.id);
    entry.Address = server.peer.address;
    entry.NodeStatus = server.gossip_status;
    entry.Version = server.version;
    entry.LastContact = server.last_contact;
    entry.LastTerm = server.last_term;
    entry.LastIndex = server.peer.last_index;
    entry.Healthy = server.healthy;
    entry.StableSince = server.stable_since;
    entry.Status = server.peer.leader ? "leader" : server.peer.voter ? "voter" : "non-voter";
    entry.NodeType = "voter";
    if (const catalog::NodeRow* node = catalog::find_node(view->tables(), entry.Name)) entry.Meta = node->get().Meta;
    if (server.peer.leader) shown.Leader = entry.ID;
    if (server.peer.voter) shown.Voters.push_back(entry.ID);
    std::string id = entry.ID;
    shown.Servers.emplace(std::move(id), std::move(entry));
  }
  return json(base::to_json(shown));
}

}  // namespace

void autopilot_health(Context& agent, const Request&, Responder responder) {
  with_health(agent, std::move(responder), shown_health);
}

void autopilot_state(Context& agent, const Request&, Responder responder) {
  with_health(agent, std::move(responder), shown_state);
}

// The same, asked of other servers.

Result<Question> ask_raft_configuration(const Context&, const Request& request) {
  return question(
      "Operator.RaftGetConfiguration", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, rpc::RaftConfigurationResponse& found) -> Result<Answer> {
        RaftConfiguration shown{.Servers = {}, .Index = found.Index};
        for (const auto& server : found.Servers) {
          if (!server) continue;
          shown.Servers.push_back({.ID = server->ID,
                                   .Node = server->Node,
                                   .Address = server->Address,
                                   .Leader = server->Leader,
                                   .ProtocolVersion = server->ProtocolVersion,
                                   .Voter = server->Voter,
                                   .LastIndex = server->LastIndex});
        }
        return Answer{.reply = json(base::to_json(shown))};
      });
}

Result<Question> ask_autopilot_get(const Context&, const Request& request) {
  return question(
      "Operator.AutopilotGetConfiguration", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, catalog::AutopilotConfig& found) -> Result<Answer> {
        return Answer{.reply = json(base::to_json(shown(found)))};
      });
}

Result<Question> ask_autopilot_health(const Context&, const Request& request) {
  return question(
      "Operator.ServerHealth", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, rpc::AutopilotHealthReply& found) -> Result<Answer> {
        OperatorHealth shown{.Healthy = found.Healthy, .FailureTolerance = found.FailureTolerance, .Servers = {}};
        for (const rpc::AutopilotServerHealth& server : found.Servers) {
          const auto status = static_cast<gossip::serf::MemberStatus>(static_cast<std::int64_t>(server.SerfStatus));
          shown.Servers.push_back({.ID = server.ID,
                                   .Name = server.Name,
                                   .Address = server.Address,
                                   .SerfStatus = std::string(to_string(status)),
                                   .Version = server.Version,
                                   .Leader = server.Leader,
                                   .LastContact = server.LastContact,
                                   .LastTerm = server.LastTerm,
                                   .LastIndex = server.LastIndex,
                                   .Healthy = server.Healthy,
                                   .Voter = server.Voter,
                                   .StableSince = to_seconds(server.StableSince)});
        }
        Answer answer{.reply = json(base::to_json(shown))};
        if (!shown.Healthy) too_many(answer.reply);
        return answer;
      });
}

Result<Question> ask_autopilot_state(const Context&, const Request& request) {
  return question(
      "Operator.AutopilotState", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, rpc::AutopilotState& found) -> Result<Answer> {
        AutopilotState shown{};
        shown.Healthy = found.Healthy;
        shown.FailureTolerance = shown.OptimisticFailureTolerance = found.FailureTolerance;
        shown.Leader = std::move(found.Leader);
        shown.Voters = std::move(found.Voters);
        shown.Servers.make_present();
        for (auto& [id, server] : found.Servers) {
          if (!server) continue;
          AutopilotServer entry{};
          entry.ID = std::move(server->Server.ID);
          entry.Name = std::move(server->Server.Name);
          entry.Address = std::move(server->Server.Address);
          entry.NodeStatus = std::move(server->Server.NodeStatus);
          entry.Version = std::move(server->Server.Version);
          entry.LastContact = server->Stats.LastContact;
          entry.LastTerm = server->Stats.LastTerm;
          entry.LastIndex = server->Stats.LastIndex;
          entry.Healthy = server->Health.Healthy;
          entry.StableSince = server->Health.StableSince;
          entry.Status = std::move(server->State);
          entry.Meta = std::move(server->Server.Meta);
          entry.NodeType = std::move(server->Server.NodeType);
          shown.Servers.emplace(id, std::move(entry));
        }
        return Answer{.reply = json(base::to_json(shown))};
      });
}

Result<Question> ask_operator_usage(const Context&, const Request& request) {
  auto query = query_of<rpc::OperatorUsageRequest>(request);
  query.Datacenter.clear();  // Consul does not look at ?dc here
  query.Global = request.has_param("global");
  return question(
      "Operator.Usage", std::move(query), +[](const AskedContext& context, catalog::Usage& found) -> Result<Answer> {
        found.ConsistencyLevel = context.request.options.consistency();
        return Answer{.reply = json(base::to_json(found))};
      });
}

Result<Answer> operator_usage(const ReadContext& context) {
  const catalog::UsageAnswer found = catalog::service_usage(context.view.tables(), context.watch);
  catalog::Usage usage{};
  usage.Usage.emplace(context.agent.settings.datacenter, found.usage);
  usage.Index = found.index;
  usage.KnownLeader = context.agent.server->leadership().known;
  usage.ConsistencyLevel = context.request.options.consistency();
  return Answer{.reply = json(base::to_json(usage)), .index = found.index};
}

}  // namespace proconsul::agent::http
