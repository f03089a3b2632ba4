#include "agent/invite/invitations.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "agent/cluster/keyring_file.h"
#include "agent/invite/token.h"
#include "agent/rpc/method.h"
#include "agent/server/acl_changes.h"
#include "agent/server/acl_links.h"
#include "agent/server/server_info.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/quote.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/commands.h"
#include "catalog/query/federation.h"
#include "catalog/store/store.h"
#include "gossip/pool.h"
#include "wanfed/known.h"

namespace proconsul::agent::invite {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLToken;
using gossip::serf::MemberStatus;
using server::Answered;

namespace {

constexpr std::size_t kMostWaiting = 64;
constexpr std::chrono::milliseconds kLook{20};
constexpr std::chrono::seconds kPatience{30};  // for the log, and for gossip
constexpr std::string_view kReplicationPolicy = "federation-replication";
constexpr std::string_view kGatewayPolicy = "federation-gateway";
// Copies of tokens have their secrets only for who may write them; federation states are the operator's.
constexpr std::string_view kReplicationRules = R"(acl = "write"
operator = "write"
service_prefix "" {
  policy     = "read"
  intentions = "read"
})";
constexpr std::string_view kGatewayRules = R"(service "mesh-gateway" {
  policy = "write"
}
agent_prefix "" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
service_prefix "" {
  policy = "read"
}
mesh = "read")";

std::int64_t now() {
  return base::unix_seconds(base::system_clock().wall());
}

Error failed(std::string text) {
  return {Errc::internal, std::move(text)};
}

base::List<std::string> gateways_of(const catalog::Tables& tables, const std::string& datacenter) {
  const wanfed::Knowledge known = wanfed::known_gateways(tables);
  const auto found = known.states.find(datacenter);
  base::List<std::string> addresses;
  addresses.make_present();
  if (found == known.states.end()) return addresses;
  for (const std::string& address : found->second.wan) {
    if (addresses.size() < kMostGateways) addresses.push_back(address);
  }
  return addresses;
}

std::string domain_of(const config::Config& config) {
  std::string domain = config.dns_domain;
  while (domain.ends_with('.')) domain.pop_back();
  return domain;
}

const ACLToken* living(const catalog::Tables& tables, const std::string& accessor) {
  const ACLToken* token = accessor.empty() ? nullptr : catalog::token_by_accessor(tables, accessor);
  return token && !catalog::is_over(*token, base::system_clock().wall()) ? token : nullptr;
}

}  // namespace

Invitations::Invitations(const config::Config& config, Means means) : config_(config), means_(std::move(means)) {}

void Invitations::stop() {
  over_ = true;
  threads_.wait();
}

/// On a thread that may wait. Whoever shows nothing yet may ask: what waits is bounded.
template <class Reply>
void Invitations::run(Answered<Reply> done, std::move_only_function<Result<Reply>()> work) {
  if (over_) return done(Error{Errc::unavailable, "shutting down"});
  if (waiting_.fetch_add(1) >= kMostWaiting) {
    --waiting_;
    return done(Error{Errc::unavailable, "too many ask at once: try again"});
  }
  threads_.run([this, done = std::move(done), work = std::move(work)]() mutable {
    Result<Reply> result = [&]() -> Result<Reply> {
      const std::lock_guard lock(turn_);
      if (over_) return Error{Errc::unavailable, "shutting down"};
      return work();
    }();
    --waiting_;
    done(std::move(result));
  });
}

/// What `begin` begins calls back once, at any time: perhaps when nobody waits any more.
template <class T, class Begin>
Result<T> Invitations::wait(Begin begin) const {
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();
  begin([promise](Result<T> result) { promise->set_value(std::move(result)); });
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (future.wait_for(kLook) != std::future_status::ready) {
    if (over_) return Error{Errc::unavailable, "shutting down"};
    if (std::chrono::steady_clock::now() > end) return Error{Errc::timeout, "the servers do not agree in time"};
  }
  return future.get();
}

Result<> Invitations::wait_applied(server::Server& server, std::string command) const {
  return wait<void>([&](auto done) {
    server.apply(std::move(command), [done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
      const Error* error = result ? result->error() : &result.error();
      done(error ? Result<>(*error) : Result<>());
    });
  });
}

/// Its state has all that an earlier leader acknowledged.
Result<> Invitations::leads(server::Server& server) const {
  if (!server.leadership().is_leader) return Error{Errc::not_leader, "this server does not lead (any more): try again"};
  return wait<void>([&](auto done) { server.verify_leader(std::move(done)); });
}

// What an invitation says.

void Invitations::facts(rpc::Services& services, Answered<Facts> done) {
  run<Facts>(std::move(done), [this, &services] { return find_facts(services); });
}

Result<Facts> Invitations::find_facts(rpc::Services& services) const {
  Facts facts;
  facts.Datacenter = config_.datacenter;
  facts.Domain = domain_of(config_);
  facts.Gateways = gateways_of(services.server.view()->tables(), config_.datacenter);
  for (const std::string& pem : means_.authorities()) facts.Authority += pem + (pem.ends_with('\n') ? "" : "\n");
  facts.ACLs = config_.acls_enabled;
  RedeemReply gossip;
  if (Result<> added = add_gossip(gossip); !added) return added.error();
  facts.GossipEncrypted = !gossip.GossipKey.empty();
  facts.Faults.make_present();
  if (config_.datacenter != config_.primary_datacenter) {
    facts.Faults.push_back("datacenter " + config_.datacenter + " is a secondary one: invite in the primary, " +
                           config_.primary_datacenter);
    return facts;
  }
  if (!config_.connect_mesh_gateway_wan_federation_enabled) {
    facts.Faults.push_back("server " + config_.node_name +
                           " does not federate through mesh gateways: set "
                           "connect.enable_mesh_gateway_wan_federation = true on every server");
  }
  if (facts.Gateways.empty()) {
    facts.Faults.push_back("no healthy mesh gateway of datacenter " + config_.datacenter +
                           " is registered with the metadata consul-wan-federation=1 and an address");
  }
  return facts;
}

void Invitations::invite(rpc::Services& services, InviteRequest request, Answered<InviteReply> done) {
  run<InviteReply>(std::move(done),
                   [this, &services, request = std::move(request)] { return do_invite(services, request); });
}

Result<InviteReply> Invitations::do_invite(rpc::Services& services, const InviteRequest& request) const {
  if (config_.datacenter != config_.primary_datacenter) {
    return failed("Invalid invitation: datacenter " + config_.datacenter +
                  " is a secondary one: invite in the primary, " + config_.primary_datacenter);
  }
  const Result<Record> record = new_record(request, config_.datacenter, now());
  if (!record) return failed(record.error().detail);
  if (Result<> current = leads(services.server); !current) return current.error();
  const auto view = services.server.view();
  if (find_record(view->tables(), record->ID)) return failed("Invalid invitation: ID is taken");
  for (std::string& key : keys_over(view->tables(), now())) {
    if (Result<> gone = wait_applied(services.server, delete_command(std::move(key))); !gone) return gone.error();
  }
  std::string command = write_command(key_of_record(record->ID), base::to_json(*record));
  if (Result<> kept = wait_applied(services.server, std::move(command)); !kept) return kept.error();
  log_.info("invited servers of other datacenters",
            {{"invitation", record->ID}, {"servers", static_cast<std::int64_t>(record->Places.size())}});
  return InviteReply{.Expires = record->Expires};
}

// Redeeming it.

void Invitations::redeem(rpc::Services& services, RedeemRequest request, Answered<RedeemReply> done) {
  run<RedeemReply>(std::move(done),
                   [this, &services, request = std::move(request)] { return do_redeem(services, request); });
}

Result<RedeemReply> Invitations::do_redeem(rpc::Services& services, const RedeemRequest& request) const {
  if (!is_datacenter_name(request.Joining) || request.Joining == config_.datacenter) {
    return failed(base::quote(request.Joining) + " cannot join: it is the primary datacenter itself, or no name");
  }
  // Before he has a place, which he would keep under a name that nothing can be made for.
  if (const std::string why = wrong_node_name(request.Node, config_.acls_enabled); !why.empty()) return failed(why);
  if (Result<> current = leads(services.server); !current) return current.error();
  Result<Record> record = find_record(services.server.view()->tables(), request.ID);
  if (!record) return failed(record.error().detail);
  const Result<std::size_t> place = take_place(*record, request, now());
  if (!place) {
    log_.warn("an invitation was not redeemed",
              {{"invitation", record->ID}, {"datacenter", request.Joining}, {"error", place.error()}});
    return failed(place.error().detail);
  }
  // It is his before he has anything of it.
  std::string command = write_command(key_of_record(record->ID), base::to_json(*record));
  if (Result<> kept = wait_applied(services.server, std::move(command)); !kept) return kept.error();

  RedeemReply reply;
  reply.Sealed = record->Places[*place].Sealed;
  reply.Servers = places_for(*record, request.Joining);
  reply.ACLs = config_.acls_enabled;
  reply.DefaultPolicy = config_.acl_resolver.default_policy;
  reply.DownPolicy = config_.acl_resolver.down_policy;
  if (Result<> added = add_gossip(reply); !added) return added.error();
  if (reply.ACLs) {
    if (Result<> added = add_tokens(services, request, reply); !added) return added.error();
  }
  log_.info("a server joins by invitation",
            {{"invitation", record->ID}, {"datacenter", request.Joining}, {"node", request.Node}});
  return reply;
}

Result<> Invitations::add_tokens(rpc::Services& services, const RedeemRequest& request, RedeemReply& reply) const {
  // What they will be called is kept first: a token that nobody knows of could never be taken back.
  const auto view = services.server.view();
  const catalog::Tables& tables = view->tables();
  const auto taken = [&](std::string_view id) { return catalog::token_by_accessor(tables, id) != nullptr; };
  Guest guest = find_guest(tables, request.Joining);
  if (!living(tables, guest.Replication)) guest.Replication = server::new_id(taken);
  std::string& agent = guest.Agents[request.Node];
  if (!living(tables, agent)) agent = server::new_id(taken);
  std::string command = write_command(key_of_guest(request.Joining), base::to_json(guest));
  if (Result<> kept = wait_applied(services.server, std::move(command)); !kept) return kept;

  if (Result<> added = add_policy(services, kReplicationPolicy); !added) return added;
  if (Result<> added = add_policy(services, kGatewayPolicy); !added) return added;
  ACLToken replication;
  replication.AccessorID = guest.Replication;
  replication.Description = "Replication token of datacenter " + request.Joining + ", made by an invitation";
  replication.Policies.push_back({.ID = {}, .Name = std::string(kReplicationPolicy)});
  Result<std::string> secret = token(services, std::move(replication));
  if (!secret) return secret.error();
  reply.ReplicationToken = std::move(*secret);
  ACLToken own;
  own.AccessorID = agent;
  own.Description =
      "Agent token of server " + request.Node + " in datacenter " + request.Joining + ", made by an invitation";
  own.NodeIdentities.emplace_back().emplace() = {.NodeName = request.Node, .Datacenter = request.Joining};
  own.Policies.push_back({.ID = {}, .Name = std::string(kGatewayPolicy)});
  secret = token(services, std::move(own));
  if (!secret) return secret.error();
  reply.AgentToken = std::move(*secret);
  return {};
}

/// The secret of the token with that accessor, which is made if it is not there.
Result<std::string> Invitations::token(rpc::Services& services, ACLToken wanted) const {
  const auto view = services.server.view();
  if (const ACLToken* known = catalog::token_by_accessor(view->tables(), wanted.AccessorID)) return known->SecretID;
  Result<ACLToken> made = wait<ACLToken>(
      [&](auto done) { server::create_token(services.server, *services.acl, std::move(wanted), std::move(done)); });
  if (!made) return made.error();
  return std::move(made->SecretID);
}

Result<> Invitations::add_policy(rpc::Services& services, std::string_view name) const {
  if (catalog::policy_by_name(services.server.view()->tables(), name)) return {};
  catalog::ACLPolicy policy;
  policy.Name = name;
  policy.Description = "For servers that join by \"federation invite\"";
  policy.Rules = name == kReplicationPolicy ? kReplicationRules : kGatewayRules;
  const Result<catalog::ACLPolicy> made = wait<catalog::ACLPolicy>(
      [&](auto done) { server::set_policy(services.server, std::move(policy), std::move(done)); });
  return made ? Result<>() : Result<>(made.error());
}

/// The key that the WAN uses now, which the keyring's file has.
Result<> Invitations::add_gossip(RedeemReply& reply) const {
  gossip::PoolConfig pool;
  if (Result<> loaded = cluster::load_keys(config_, true, pool); !loaded) return loaded;
  reply.GossipVerifyIncoming = config_.encrypt_verify_incoming;
  reply.GossipVerifyOutgoing = config_.encrypt_verify_outgoing;
  if (pool.keyring) reply.GossipKey = base::to_base64(pool.keyring->primary());
  return {};
}

// Forgetting a datacenter.

void Invitations::forget(rpc::Services& services, ForgetRequest request, Answered<ForgetReply> done) {
  run<ForgetReply>(std::move(done),
                   [this, &services, request = std::move(request)] { return do_forget(services, request); });
}

Result<ForgetReply> Invitations::do_forget(rpc::Services& services, const ForgetRequest& request) const {
  const std::string& name = request.Forgotten;
  if (config_.datacenter != config_.primary_datacenter) {
    return failed("datacenter " + config_.datacenter + " is a secondary one: datacenters are removed in the primary, " +
                  config_.primary_datacenter);
  }
  if (name == config_.datacenter) return failed("datacenter " + name + " is the primary itself: it cannot be removed");
  if (Result<> current = leads(services.server); !current) return current.error();
  std::vector<std::string> members;
  std::string alive;
  for (const gossip::serf::MemberPtr& member : means_.wan_members()) {
    const std::optional<server::ServerInfo> info = server::server_info(*member);
    if (!info || info->datacenter != name) continue;
    members.push_back(member->Name);
    if (member->Status == MemberStatus::alive) alive += (alive.empty() ? "" : ", ") + member->Name;
  }
  const auto view = services.server.view();
  const catalog::Tables& tables = view->tables();
  const bool has_state = catalog::federation_state(tables, name, nullptr).row != nullptr;
  const Guest guest = find_guest(tables, name);
  const std::vector<std::string> invitations = keys_for(tables, name);
  const bool is_guest = !guest.Replication.empty() || !guest.Agents.empty();
  if (members.empty() && !has_state && !is_guest && invitations.empty()) {
    return failed("nothing is known here of a datacenter " + base::quote(name));
  }
  if (!alive.empty() && !request.Force) {
    return failed("datacenter " + name + " is alive (" + alive +
                  "): let its servers leave or stop them first; -force removes it all the same, and it comes back as "
                  "long as they run");
  }

  ForgetReply reply;
  reply.Done.make_present();
  // Tokens first: a server that still runs could write the state anew.
  std::vector<std::pair<std::string, std::string>> tokens;
  if (!guest.Replication.empty()) tokens.emplace_back(guest.Replication, "replication token");
  for (const auto& [node, accessor] : guest.Agents) tokens.emplace_back(accessor, "agent token of " + node);
  for (const auto& [accessor, what] : tokens) {
    if (!config_.acls_enabled || !catalog::token_by_accessor(services.server.view()->tables(), accessor)) continue;
    const Result<std::string> deleted = wait<std::string>(
        [&](auto done) { server::delete_token(services.server, accessor, request.Token, std::move(done)); });
    if (!deleted) return failed("the " + what + " (" + accessor + ") was not revoked: " + deleted.error().detail);
    reply.Done.push_back("revoked the " + what + " (accessor " + accessor + ")");
  }
  std::vector<std::string> keys = invitations;
  if (is_guest) keys.push_back(key_of_guest(name));
  for (const std::string& key : keys) {
    if (Result<> gone = wait_applied(services.server, delete_command(key)); !gone) return gone.error();
  }
  if (!invitations.empty()) {
    reply.Done.push_back("withdrew " + std::to_string(invitations.size()) + " invitation(s) for it");
  }
  if (has_state) {
    catalog::FederationStateRequest change;
    change.Op = "delete";
    change.Datacenter = config_.datacenter;
    change.State.emplace().Datacenter = name;
    std::string command = catalog::encode_command(catalog::Command::federation_state, change);
    if (Result<> gone = wait_applied(services.server, std::move(command)); !gone) return gone.error();
    reply.Done.push_back("deleted its federation state: the other datacenters drop it with their next copy");
  }
  for (const std::string& member : members) {
    const Result<> left = wait<void>([&](auto done) { means_.force_leave(member, std::move(done)); });
    if (!left) return failed(member + " was not taken out of the WAN pool: " + left.error().detail);
    reply.Done.push_back("took " + member + " out of the WAN pool");
  }
  log_.info("forgot a datacenter", {{"datacenter", name}});
  return reply;
}

}  // namespace proconsul::agent::invite
