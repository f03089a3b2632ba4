#include "agent/cluster/pools.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <utility>

#include "agent/cluster/flood.h"
#include "agent/cluster/join_address.h"
#include "agent/cluster/keyring_file.h"
#include "agent/cluster/merge_rules.h"
#include "agent/cluster/wan_gateways.h"
#include "agent/config/interfaces.h"
#include "agent/version.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::cluster {
namespace {

using base::Errc;
using base::Result;
using config::Config;
using gossip::serf::Member;
using gossip::serf::MemberEventType;
using gossip::serf::MemberPtr;

const char* logger_name(const Config& config) {
  return config.server_mode ? "agent.server" : "agent.client";
}

gossip::swim::Timing timing(const Config& config, bool wan) {
  gossip::swim::Timing timing = wan ? gossip::swim::Timing::wan() : gossip::swim::Timing::lan();
  timing.gossip_interval = wan ? config.gossip_wan_gossip_interval : config.gossip_lan_gossip_interval;
  timing.gossip_nodes = static_cast<int>(wan ? config.gossip_wan_gossip_nodes : config.gossip_lan_gossip_nodes);
  timing.probe_interval = wan ? config.gossip_wan_probe_interval : config.gossip_lan_probe_interval;
  timing.probe_timeout = wan ? config.gossip_wan_probe_timeout : config.gossip_lan_probe_timeout;
  timing.suspicion_mult = static_cast<int>(wan ? config.gossip_wan_suspicion_mult : config.gossip_lan_suspicion_mult);
  timing.retransmit_mult =
      static_cast<int>(wan ? config.gossip_wan_retransmit_mult : config.gossip_lan_retransmit_mult);
  return timing;
}

base::Map<std::string> tags(const Config& config, const server::ServerInfo& own, bool wan) {
  if (!config.server_mode) {
    base::Map<std::string> tags = server::client_tags(config.datacenter, own.id, kBuildTag);
    if (config.advertise_reconnect_timeout.nanoseconds != 0) {
      tags.emplace("rc_tm", base::to_string(config.advertise_reconnect_timeout));
    }
    return tags;
  }
  server::ServerInfo server = own;
  if (wan) server.wan_join_port = 0;
  return server::server_tags(server, kBuildTag);
}

gossip::serf::Settings settings(const Config& config, const server::ServerInfo& own, bool wan) {
  using gossip::serf::Settings;
  Settings settings = wan ? Settings::consul_wan() : Settings::consul_lan();
  settings.node_name = wan ? config.node_name + "." + config.datacenter : config.node_name;
  settings.tags = tags(config, own, wan);
  settings.timing = timing(config, wan);
  settings.rejoin_after_leave = config.rejoin_after_leave;
  settings.disable_coordinates = config.disable_coordinates;
  if (const auto& networks = wan ? config.serf_allowed_cidrs_wan : config.serf_allowed_cidrs_lan; !networks.empty()) {
    settings.allowed_address = [networks](std::string_view raw) {
      const std::optional<config::Ip> ip = config::Ip::parse(gossip::ip_text(raw));
      return ip && std::ranges::any_of(networks, [&ip](const config::Network& each) { return each.contains(*ip); });
    };
  }
  const base::Duration reconnect = wan ? config.reconnect_timeout_wan : config.reconnect_timeout_lan;
  if (reconnect.nanoseconds > 0) settings.reconnect_timeout = reconnect;
  settings.merge = [wan, datacenter = config.datacenter, id = own.id, name = config.node_name,
                    log = base::log::Logger(logger_name(config))](const std::vector<Member>& members) -> Result<> {
    const auto refusal = wan ? refuse_wan(members) : refuse_lan(members, datacenter, id, name);
    if (!refusal) return {};
    log.warn("refused to merge with members", {{"reason", refusal->text}, {"advice", refusal->advice}});
    return {Errc::conflict, refusal->text};
  };
  return settings;
}

Result<gossip::PoolConfig> pool_config(const Config& config, const server::ServerInfo& own, bool wan) {
  const config::Address& bind = wan ? config.serf_bind_addr_wan : config.serf_bind_addr_lan;
  const config::Address& advertise = wan ? config.serf_advertise_addr_wan : config.serf_advertise_addr_lan;
  gossip::PoolConfig pool;
  pool.settings = settings(config, own, wan);
  pool.logger = logger_name(config);
  pool.network = wan ? "wan" : "lan";
  pool.bind_ip = bind.ip.to_string();
  pool.bind_port = static_cast<std::uint16_t>(bind.port);
  pool.advertise = {.ip = gossip::ip_bytes(advertise.ip.to_string()).value_or(std::string()),
                    .port = static_cast<std::uint16_t>(advertise.port)};
  pool.verify_incoming = config.encrypt_verify_incoming;
  pool.verify_outgoing = config.encrypt_verify_outgoing;
  if (!config.dev_mode) {
    const std::string folder = config.data_dir + "/serf";
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return {Errc::internal, "cannot create " + folder + ": " + failed.message()};
    pool.snapshot_file = folder + (wan ? "/remote.snapshot" : "/local.snapshot");
  }
  if (Result<> keys = load_keys(config, wan, pool); !keys) return keys.error();
  return pool;
}

server::Fate fate_of(MemberEventType type) {
  switch (type) {
    case MemberEventType::failed:
      return server::Fate::failed;
    case MemberEventType::leave:
      return server::Fate::left;
    case MemberEventType::reap:
      return server::Fate::reaped;
    case MemberEventType::join:
    case MemberEventType::update:
      break;
  }
  return server::Fate::alive;
}

Result<std::vector<gossip::swim::Address>> resolve(const std::string& text, std::uint16_t port) {
  const Result<JoinAddress> address = parse_join_address(text, port);
  if (!address) return address.error();
  return resolve(*address);
}

bool ends_with_datacenter(const std::string& name, const std::string& datacenter) {
  return name.ends_with("." + datacenter);
}

}  // namespace

std::string list_errors(const std::vector<std::string>& errors) {
  std::string text = std::to_string(errors.size()) + (errors.size() == 1 ? " error" : " errors") + " occurred:\n";
  for (const std::string& error : errors) text += "\t* " + error + "\n";
  return text + "\n";
}

/// Hears one pool.
class Pools::Handler final : public gossip::PoolHandler {
 public:
  Handler(const Events& events, bool wan, const Config& config)
      : events_(events), wan_(wan), datacenter_(config.datacenter), log_(logger_name(config)) {}

  void member_event(const gossip::serf::MemberEvent& event) override {
    const server::Fate fate = fate_of(event.type);
    for (const MemberPtr& member : event.members) {
      tell_of_server(*member, fate, event.type == MemberEventType::update);
      if (const auto& told = wan_ ? events_.wan_member : events_.lan_member) told(member, fate);
    }
    if (flood_ != nullptr && fate == server::Fate::alive) flood_->look();
  }
  /// On the loop's thread: who is to look when somebody joins.
  void flood(Flood* flood) { flood_ = flood; }
  void user_event(const gossip::serf::UserEventMessage& event) override {
    if (wan_) return;
    if (event.Name == server::kNewLeaderEvent) {
      log_.info("New leader elected", {{"payload", std::string_view(event.Payload)}});
      if (events_.leader_elected) events_.leader_elected();
    } else if (events_.user_event) {
      events_.user_event(event.Name, event.Payload, event.LTime);
    }
  }
  void query(gossip::serf::IncomingQuery) override {}  // Consul's agents answer none but serf's own

 private:
  void tell_of_server(const Member& member, server::Fate fate, bool update) {
    const auto server = server::server_info(member);
    if (!server) return;
    const char* what = update ? "Updating" : fate == server::Fate::alive ? "Adding" : "Removing";
    if (!wan_ && server->datacenter != datacenter_) return;
    log_.info(std::string(what) + (wan_ ? " WAN server" : " LAN server"),
              {{"server", server->name}, {"address", server->rpc_address()}, {"datacenter", server->datacenter}});
  }

  const Events& events_;
  const bool wan_;
  const std::string datacenter_;
  const base::log::Logger log_;
  Flood* flood_ = nullptr;
};

Result<std::unique_ptr<Pools>> Pools::start(base::net::Loop& loop, const Config& config, const server::ServerInfo& own,
                                            Events events, WanGateways* gateways) {
  std::unique_ptr<Pools> pools(new Pools(loop, std::move(events), gateways));
  pools->datacenter_ = config.datacenter;
  pools->is_server_ = config.server_mode;
  pools->lan_port_ = static_cast<std::uint16_t>(config.serf_bind_addr_lan.port);
  pools->wan_port_ = static_cast<std::uint16_t>(config.serf_bind_addr_wan.port);
  for (const bool wan : {true, false}) {
    if (wan && (!config.server_mode || config.serf_port_wan <= 0)) continue;
    auto& handler = wan ? pools->wan_handler_ : pools->lan_handler_;
    handler = std::make_unique<Handler>(pools->events_, wan, config);
    Result<gossip::PoolConfig> settings = pool_config(config, own, wan);
    if (!settings) return settings.error();
    if (wan && gateways != nullptr) settings->detour = &gateways->detour();
    const bool has_keys = settings->keyring.has_value();
    Result<std::unique_ptr<gossip::Pool>> pool = gossip::Pool::start(loop, std::move(*settings), *handler);
    if (!pool) {
      return {pool.error().code,
              std::string("Failed to start ") + (wan ? "WAN" : "LAN") + " Serf: " + pool.error().detail};
    }
    (wan ? pools->wan_ : pools->lan_) = std::move(*pool);
    const config::Address& advertised = wan ? config.serf_advertise_addr_wan : config.serf_advertise_addr_lan;
    if (!has_keys && !config::is_special_purpose(advertised.ip)) {
      base::log::Logger(logger_name(config))
          .named(wan ? "memberlist.wan" : "memberlist.lan")
          .warn("memberlist: Binding to public address without encryption!");
    }
  }
  if (pools->wan_) pools->begin_flood();
  if (pools->wan_ && gateways != nullptr) gateways->open(*pools->wan_);
  return pools;
}

Pools::Pools(base::net::Loop& loop, Events events, WanGateways* gateways)
    : events_(std::move(events)), loop_(loop), gateways_(gateways) {}

Pools::~Pools() {
  if (gateways_ != nullptr) gateways_->stop();
  if (!flood_) return;
  loop_.run([this] {
    lan_handler_->flood(nullptr);
    flood_.reset();
  });
}

void Pools::begin_flood() {
  flood_ = std::make_unique<Flood>(
      loop_, Flood::Means{.missing = [this] { return missing_on_wan(members(false), members(true), datacenter_); },
                          .join =
                              [this](Missing server) {
                                std::string name = std::move(server.name);
                                wan_->join({std::move(server.address)}, true,
                                           [this, name = std::move(name)](const Result<gossip::swim::JoinOutcome>& to) {
                                             const bool joined = to && to->joined > 0;
                                             log_.debug(joined ? "Successfully performed flood-join for server"
                                                               : "Failed to flood-join server",
                                                        {{"server", name}});
                                           });
                              }});
  loop_.post([this] {
    lan_handler_->flood(flood_.get());
    flood_->look();
  });
}

gossip::PoolViewPtr Pools::view(bool wan) const {
  return pool(wan)->view();
}

gossip::serf::Stats Pools::stats(bool wan) const {
  return pool(wan)->stats();
}

std::vector<MemberPtr> Pools::members(bool wan) const {
  std::vector<MemberPtr> members;
  if (!pool(wan)) return members;
  const gossip::PoolViewPtr view = pool(wan)->view();
  for (const auto [name, member] : view->members.all()) members.push_back(MemberPtr::share(member));
  return members;
}

void Pools::join(std::vector<std::string> addresses, bool wan, std::move_only_function<void(Result<int>)> done) {
  if (!pool(wan)) {
    return done(base::Error{Errc::internal,
                            is_server_ ? "WAN federation is disabled" : "Must be a server to join WAN cluster"});
  }
  if (wan && gateways_ != nullptr) {
    return done(base::Error{Errc::internal, "WAN join is disabled when wan federation via mesh gateways is enabled"});
  }
  std::string texts;
  for (const std::string& address : addresses) texts += (texts.empty() ? "" : " ") + address;
  log_.info(wan ? "(WAN) joining" : "(LAN) joining", {{wan ? "wan_addresses" : "lan_addresses", "[" + texts + "]"}});
  resolvers_.run([this, wan, addresses = std::move(addresses), done = std::move(done)]() mutable {
    std::vector<gossip::swim::Address> found;
    std::vector<std::string> errors;
    for (const std::string& text : addresses) {
      Result<std::vector<gossip::swim::Address>> resolved = resolve(text, wan ? wan_port_ : lan_port_);
      if (resolved) {
        found.insert(found.end(), resolved->begin(), resolved->end());
      } else {
        errors.push_back("Failed to resolve " + text + ": " + resolved.error().detail);
      }
    }
    pool(wan)->join(std::move(found), true,
                    [this, wan, errors = std::move(errors),
                     done = std::move(done)](Result<gossip::swim::JoinOutcome> outcome) mutable {
                      joined(wan, std::move(errors), std::move(outcome), std::move(done));
                    });
  });
}

void Pools::joined(bool wan, std::vector<std::string> errors, Result<gossip::swim::JoinOutcome> outcome,
                   std::move_only_function<void(Result<int>)> done) {
  Result<int> joined = 0;
  if (!outcome) {
    joined = outcome.error();
  } else if (outcome->joined > 0) {
    joined = outcome->joined;
  } else {
    errors.insert(errors.end(), outcome->errors.begin(), outcome->errors.end());
    joined = base::Error{Errc::internal, list_errors(errors)};
  }
  if (joined) {
    log_.info(wan ? "(WAN) joined" : "(LAN) joined", {{"number_of_nodes", *joined}});
  } else {
    log_.warn(wan ? "(WAN) couldn't join" : "(LAN) couldn't join", {{"error", joined.error()}});
  }
  done(std::move(joined));
}

Result<int> Pools::join_and_wait(std::vector<std::string> addresses, bool wan, const base::Interrupt& stopping) {
  auto promise = std::make_shared<std::promise<Result<int>>>();  // outlives whoever stops waiting
  std::future<Result<int>> joined = promise->get_future();
  join(std::move(addresses), wan, [promise](Result<int> result) { promise->set_value(std::move(result)); });
  while (joined.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
    if (stopping.raised()) return {Errc::cancelled, "the agent is stopping"};
  }
  return joined.get();
}

void Pools::force_leave(const std::string& node, bool prune, bool wan, Done done) {
  log_.info(wan ? "(WAN) Force leaving node" : "Force leaving node", {{"node", node}});
  if (wan && !is_server_) {
    return done(base::Error{Errc::internal, "Must be a server to force-leave a node from the WAN cluster"});
  }
  // Servers of other datacenters are named in full.
  const bool in_full = ends_with_datacenter(node, datacenter_) || (wan && wan_ && view(true)->members.contains(node));
  const std::string wan_name = in_full ? node : node + "." + datacenter_;
  const bool in_lan = !wan && view(false)->members.contains(node);
  const bool in_wan = wan_ && view(true)->members.contains(wan_name);
  if (!in_lan && !in_wan) {
    base::Error error{Errc::internal, "agent: No node found with name '" + node + "'"};
    log_.warn("Failed to remove node", {{"node", node}, {"error", error}});
    return done(std::move(error));
  }
  // The answer tells of both pools.
  struct Both {
    Done done;
    std::vector<std::string> errors{};
    int waiting = 0;
  };
  auto both = std::make_shared<Both>(std::move(done));
  both->waiting = static_cast<int>(in_lan) + static_cast<int>(in_wan);
  const auto ended = [both](const char* where) {
    return [both, where](Result<> result) {
      if (!result) {
        both->errors.push_back(std::string("could not remove failed node from ") + where + ": " +
                               result.error().detail);
      }
      if (--both->waiting > 0) return;
      if (both->errors.empty()) return both->done({});
      both->done(base::Error{Errc::internal, list_errors(both->errors)});
    };
  };
  if (in_lan) lan_->force_leave(node, prune, ended("LAN"));
  if (in_wan) wan_->force_leave(wan_name, prune, ended("WAN"));
}

void Pools::leave(Done done) {
  auto lan = [this, done = std::move(done)](const Result<>& left) mutable {
    if (!left) log_.error("failed to leave WAN Serf cluster", {{"error", left.error()}});
    lan_->leave(std::move(done));
  };
  if (!wan_) return lan({});
  wan_->leave(std::move(lan));
}

void Pools::user_event(std::string name, std::string payload, Done done) {
  lan_->user_event(std::move(name), base::Bytes(std::move(payload)), false, std::move(done));
}

void Pools::key_operation(bool wan, gossip::serf::KeyOperation operation, std::string key, std::uint8_t relay_factor,
                          gossip::serf::KeyDone done) {
  pool(wan)->key_operation(operation, std::move(key), relay_factor, std::move(done));
}

}  // namespace proconsul::agent::cluster
