#include <mutex>

#include "agent/rpc/asking.h"
#include "agent/rpc/autopilot_state.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "base/log.h"
#include "base/quote.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/settings.h"
#include "catalog/registry/usage.h"
#include "catalog/types/system.h"
#include "gossip/serf/message.h"

namespace proconsul::agent::rpc {
namespace {

const base::log::Logger kLog("agent.server");

using base::Errc;
using base::Error;
using base::Result;
using server::Operator;

/// Of serf's statuses; 0, none, if the pool does not know the server.
int status_number(std::string_view status) {
  for (const auto each : {gossip::serf::MemberStatus::alive, gossip::serf::MemberStatus::leaving,
                          gossip::serf::MemberStatus::left, gossip::serf::MemberStatus::failed}) {
    if (to_string(each) == status) return static_cast<int>(static_cast<long>(each));
  }
  return 0;
}

Result<> raft_configuration(Services& services, const DCSpecificRequest&, RaftConfigurationResponse& reply) {
  const auto view = services.server.view();
  const Operator::Peers peers = services.cluster->raft_peers();
  reply.Index = peers.index;
  for (const Operator::Peer& peer : peers.servers) {
    RaftServer shown{};
    shown.ID = peer.id;
    shown.Node = node_name(view->tables(), peer.id);
    shown.Address = peer.address;
    shown.Leader = peer.leader;
    shown.ProtocolVersion = "3";
    shown.Voter = peer.voter;
    shown.LastIndex = peer.last_index;
    reply.Servers.emplace_back(std::move(shown));
  }
  return {};
}

void remove(Services& services, const RaftRemovePeerRequest& request, bool by_id, server::Answered<Nothing> done) {
  const std::string& wanted = by_id ? request.ID : request.Address;
  const Operator::Peers peers = services.cluster->raft_peers();
  const auto found = std::ranges::find_if(
      peers.servers, [&](const Operator::Peer& peer) { return (by_id ? peer.id : peer.address) == wanted; });
  if (found == peers.servers.end()) {
    return done(Error{Errc::internal, std::string(by_id ? "id " : "address ") + base::quote(wanted) +
                                          " was not found in the Raft configuration"});
  }
  services.cluster->remove_peer(found->id, [done = std::move(done)](Result<> removed) mutable {
    done(removed ? Result<Nothing>(Nothing{}) : Result<Nothing>(removed.error()));
  });
}

void remove_by_address(Services& services, RaftRemovePeerRequest& request, server::Answered<Nothing> done) {
  remove(services, request, false, std::move(done));
}
void remove_by_id(Services& services, RaftRemovePeerRequest& request, server::Answered<Nothing> done) {
  remove(services, request, true, std::move(done));
}

Result<Found> autopilot_get(Services&, const catalog::View& view, base::KeySet*, const DCSpecificRequest&,
                            catalog::AutopilotConfig& reply) {
  const catalog::AutopilotConfig* config = catalog::autopilot_config(view.tables(), nullptr);
  if (config == nullptr) return Error{Errc::internal, "autopilot config not initialized yet"};
  reply = *config;
  return Found::yes;
}

void autopilot_set(Services& services, catalog::AutopilotSetConfigRequest& request, server::Answered<bool> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::change_autopilot(services.server, *who, request, std::move(done));
}

Result<> server_health(Services& services, const DCSpecificRequest&, AutopilotHealthReply& reply) {
  const auto view = services.server.view();
  const Operator::Health health = services.cluster->health();
  reply.Healthy = health.healthy();
  reply.FailureTolerance = health.failure_tolerance();
  for (const Operator::ServerHealth& server : health.servers) {
    AutopilotServerHealth shown{};
    shown.ID = server.peer.id;
    shown.Name = node_name(view->tables(), server.peer.id);
    shown.Address = server.peer.address;
    shown.SerfStatus = status_number(server.gossip_status);
    shown.Version = server.version;
    shown.Leader = server.peer.leader;
    shown.LastContact = server.last_contact;
    shown.LastTerm = server.last_term;
    shown.LastIndex = server.peer.last_index;
    shown.Healthy = server.healthy;
    shown.Voter = server.peer.voter;
    shown.StableSince = server.stable_since;
    reply.Servers.push_back(std::move(shown));
  }
  return {};
}

Result<> state_of_autopilot(Services& services, const DCSpecificRequest&, AutopilotState& reply) {
  reply = autopilot_state(services.server.view()->tables(), services.cluster->health());
  return {};
}

Result<Found> usage(Services& services, const catalog::View& view, base::KeySet* watch, const OperatorUsageRequest&,
                    catalog::Usage& reply) {
  const catalog::UsageAnswer found = catalog::service_usage(view.tables(), watch);
  reply.Usage.insert_or_assign(services.datacenter, found.usage);
  reply.Index = found.index;
  return Found::yes;
}

/// What the datacenters have answered so far.
struct Gathered {
  std::mutex mutex{};
  catalog::Usage usage{};
  std::size_t missing = 0;
  std::move_only_function<void(catalog::Usage)> done{};
};

/// Of all other datacenters; one that does not answer is left out.
void usage_elsewhere(Services& services, const std::string& token, std::move_only_function<void(catalog::Usage)> done) {
  std::vector<std::string> others;
  if (services.federation != nullptr && services.caller != nullptr) others = services.federation->datacenters();
  std::erase(others, services.datacenter);
  if (others.empty()) return done({});
  auto gathered = std::make_shared<Gathered>();
  gathered->missing = others.size();
  gathered->done = std::move(done);
  for (const std::string& datacenter : others) {
    OperatorUsageRequest request{};
    request.Datacenter = datacenter;
    request.Token = token;
    ask<OperatorUsageRequest, catalog::Usage>(
        *services.caller, services.loops->next(), "Operator.Usage", std::move(request),
        [gathered, datacenter](Result<catalog::Usage> answer) {
          std::unique_lock lock(gathered->mutex);
          if (!answer) {
            kLog.warn("error forwarding usage request to remote datacenter",
                      {{"datacenter", datacenter}, {"error", answer.error()}});
          } else if (const auto found = answer->Usage.find(datacenter); found != answer->Usage.end()) {
            gathered->usage.Usage.insert_or_assign(datacenter, found->second);
          }
          if (--gathered->missing > 0) return;
          lock.unlock();
          gathered->done(std::move(gathered->usage));
        });
  }
}

/// A query of this datacenter, or with Global a question to all of them, which waits for no change.
class UsageCall final : public TypedInvocation<OperatorUsageRequest, catalog::Usage> {
 public:
  bool is_query() const override { return !request.Global; }
  Result<Found> evaluate(Services& services, const catalog::View& view, base::KeySet* watch) override {
    reply = {};
    return usage(services, view, watch, request, reply);
  }
  void run(Services& services, Finished done) override {
    usage_elsewhere(services, request.Token, [this, &services, done = std::move(done)](catalog::Usage others) mutable {
      reply = std::move(others);
      const auto add_own = [this, &services] {
        const auto view = services.server.view();
        (void)usage(services, *view, nullptr, request, reply);
      };
      if (!request.RequireConsistent) {
        add_own();
        return done({});
      }
      services.server.verify_leader([add_own, done = std::move(done)](Result<> leads) mutable {
        if (leads) add_own();
        done(std::move(leads));
      });
    });
  }
};

}  // namespace

std::span<const Method> operator_methods() {
  static constexpr Method kRows[] = {
      method<&raft_configuration>("Operator.RaftGetConfiguration", kReads, tokens::kOperatorRead),
      method<&remove_by_address>("Operator.RaftRemovePeerByAddress", 0, tokens::kOperatorWrite),
      method<&remove_by_id>("Operator.RaftRemovePeerByID", 0, tokens::kOperatorWrite),
      method<&autopilot_get>("Operator.AutopilotGetConfiguration", kReads, tokens::kOperatorRead),
      method<&autopilot_set>("Operator.AutopilotSetConfiguration", 0),
      method<&server_health>("Operator.ServerHealth", kReads, tokens::kOperatorRead),
      method<&state_of_autopilot>("Operator.AutopilotState", kReads, tokens::kOperatorRead),
      {"Operator.Usage", kReads, [] -> InvocationPtr { return std::make_shared<UsageCall>(); }, tokens::kOperatorRead},
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
