#include "agent/cluster/wan_gateways.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "agent/cluster/connections.h"
#include "agent/cluster/join_address.h"
#include "agent/cluster/way_advice.h"
#include "agent/rpc/kind_byte.h"
#include "agent/server/server_info.h"
#include "catalog/store/store.h"
#include "gossip/ip_text.h"
#include "wanfed/incoming.h"
#include "wanfed/known.h"
#include "wanfed/names.h"
#include "wanfed/transport.h"
#include "wanfed/ways.h"

namespace proconsul::agent::cluster {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using base::net::Destination;
using gossip::serf::MemberStatus;

namespace {

constexpr std::chrono::milliseconds kBeat{250};  // in which news of gateways is looked for
constexpr std::chrono::seconds kProbeTime{5};    // for a gateway, and a server behind it, to answer
constexpr std::chrono::seconds kFirstRejoin{1};  // after a datacenter was tried in vain; doubled by each more
constexpr std::chrono::seconds kMostRejoin{10};
constexpr std::chrono::seconds kPatience{5};     // a way is often there a moment before the servers behind it
constexpr std::chrono::seconds kComplaints{30};  // between two of one kind in the log
constexpr std::size_t kMostProbes = 64;          // at a time
constexpr std::size_t kMostNames = 1024;         // of hosts
constexpr base::Duration kFirstResolve = base::seconds(1);
constexpr base::Duration kStep = base::milliseconds(200);  // in which the resolver's thread looks whether it is needed
// Of any server of a datacenter, where the name alone says where to (TEST-NET-1).
const std::string kPlaceholder("\xc0\x00\x02\x02", 4);

std::string_view host_of(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

bool has_ip(std::string_view address) {
  return gossip::ip_bytes(std::string(host_of(address))).has_value();
}

}  // namespace

/// Names of hosts that federation states have instead of addresses, and the primary's gateways as they were configured:
/// resolved on a thread of their own.
struct WanGateways::Names {
  std::mutex mutex{};
  std::set<std::string> wanted{};
  std::set<std::string> asked{};
  std::map<std::string, std::vector<std::string>> found{};  // IP addresses by name, as text
  std::atomic<std::uint64_t> version{1};                    // of `found`

  bool has_news() {
    const std::lock_guard lock(mutex);
    return wanted != asked;
  }
  wanfed::Addresses resolved(const wanfed::Addresses& addresses, std::set<std::string>& used) {
    wanfed::Addresses out;
    for (const std::string& address : addresses) {
      if (has_ip(address)) {
        out.push_back(address);
        continue;
      }
      const std::string host(host_of(address));
      if (used.size() < kMostNames) used.insert(host);
      const std::lock_guard lock(mutex);
      const auto known = found.find(host);
      if (known == found.end()) continue;
      for (const std::string& ip : known->second) out.push_back(ip + address.substr(address.rfind(':')));
    }
    return out;
  }
};

/// What is done from time to time, on the loop of the pools.
class WanGateways::Duties final : base::net::Timer {
 public:
  Duties(WanGateways& gateways, gossip::Pool& wan) : gateways_(gateways), wan_(wan), wan_port_(wan.port()) {
    arm(gateways_.loop_, Clock::now());
  }
  void follow(const server::Server& server) { server_ = &server; }

 private:
  struct Rejoin {
    Clock::time_point next{};
    std::chrono::seconds rest{};
  };

  void on_timer() override {
    learn();
    probe();
    join();
    gateways_.transport_->leave_outdated();
    arm(gateways_.loop_, Clock::now() + kBeat);
  }
  void learn();
  void probe();
  /// A datacenter that was not reached is joined now.
  void hurry(const std::string& datacenter) {
    if (const auto found = rejoins_.find(datacenter); found != rejoins_.end()) found->second = {};
  }
  void join();
  void join(const std::string& datacenter, gossip::swim::Address address);

  WanGateways& gateways_;
  gossip::Pool& wan_;
  const std::uint16_t wan_port_;
  const server::Server* server_ = nullptr;
  std::uint64_t seen_index_ = 0;
  std::uint64_t seen_names_ = 0;
  std::map<wanfed::Way, std::unique_ptr<base::net::Attempt>> probes_;
  std::map<std::string, Rejoin> rejoins_{};  // by datacenter
  bool joins_ = false;
  bool joined_ = false;                                   // another datacenter, since the start
  std::set<std::string> federated_{};                     // other datacenters with a federation state
  std::map<std::string, Clock::time_point> complains_{};  // from when on, by datacenter that is not reached
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

void WanGateways::Duties::learn() {
  if (server_ == nullptr) return;
  Names& names = *gateways_.names_;
  const auto view = server_->view();
  const std::uint64_t version = names.version;
  if (view->applied_index() == seen_index_ && version == seen_names_) return;
  seen_index_ = view->applied_index();
  seen_names_ = version;
  wanfed::Knowledge known = wanfed::known_gateways(view->tables());
  std::set<std::string> used;
  federated_.clear();
  for (const auto& [datacenter, gateways] : known.states) {
    if (gateways_.is_elsewhere(datacenter)) federated_.insert(datacenter);
  }
  for (auto& [datacenter, gateways] : known.states) {
    gateways.lan = names.resolved(gateways.lan, used);
    gateways.wan = names.resolved(gateways.wan, used);
  }
  known.local = names.resolved(known.local, used);
  {
    const std::lock_guard lock(names.mutex);
    names.wanted = std::move(used);
  }
  gateways_.ways_->learn_states(std::move(known.states), std::move(known.local));
}

void WanGateways::Duties::probe() {
  for (wanfed::Way& way : gateways_.ways_->due()) {
    if (probes_.size() >= kMostProbes || probes_.contains(way)) continue;
    Destination to = gateways_.dial("", way.datacenter, rpc::kRpcMulti, way.gateway);
    auto& place = probes_[way];
    place = base::net::connect(
        gateways_.loop_, std::move(to), Clock::now() + kProbeTime,
        [this, way](Result<std::shared_ptr<base::net::TcpChannel>> channel) {
          const auto found = probes_.find(way);
          gateways_.loop_.post([dead = std::move(found->second)] {});  // it is on the stack
          probes_.erase(found);
          if (channel) return hurry(way.datacenter);
          gateways_.log_.debug("a mesh gateway leads nowhere",
                               {{"gateway", way.gateway}, {"datacenter", way.datacenter}, {"error", channel.error()}});
        });
  }
}

void WanGateways::Duties::join() {
  if (joins_) return;
  struct Datacenter {
    bool reached = false;
    std::vector<gossip::swim::Address> failed{};
  };
  std::map<std::string, Datacenter> datacenters;
  if (gateways_.is_elsewhere(gateways_.primary_)) datacenters[gateways_.primary_];
  const gossip::PoolViewPtr view = wan_.view();
  for (const auto [name, row] : view->members.all()) {
    const gossip::serf::Member& member = *row;
    const auto of = wanfed::split_node_name(member.Name);
    if (!of || !gateways_.is_elsewhere(of->datacenter) || member.Status == MemberStatus::left) continue;
    Datacenter& datacenter = datacenters[std::string(of->datacenter)];
    if (member.Status == MemberStatus::failed) {
      datacenter.failed.push_back({.ip = std::string(member.Addr), .port = member.Port, .node = member.Name});
    } else {
      datacenter.reached = true;
    }
  }
  std::set<std::string> expected;
  for (const auto& [name, datacenter] : datacenters) expected.insert(name);
  gateways_.ways_->expect(std::move(expected));
  // Gossip tells of some members before this server has joined anybody; what it has missed comes by a join. After a
  // restart of everything here nobody is a member yet who has a federation state.
  if (!joined_) {
    for (const std::string& name : federated_) datacenters[name];
    for (auto& [name, datacenter] : datacenters) datacenter.reached = false;
  }
  std::erase_if(rejoins_, [&](const auto& entry) {
    const auto at = datacenters.find(entry.first);
    return at == datacenters.end() || at->second.reached;
  });
  const Clock::time_point now = Clock::now();
  for (auto& [name, datacenter] : datacenters) {
    if (datacenter.reached || !gateways_.ways_->knows_way(name)) continue;
    Rejoin& rejoin = rejoins_[name];
    if (now < rejoin.next) continue;
    rejoin.rest = rejoin.rest.count() == 0 ? kFirstRejoin : std::min(rejoin.rest * 2, kMostRejoin);
    if (datacenter.failed.empty()) {
      return join(name, {.ip = kPlaceholder, .port = wan_port_, .node = "*." + name});
    }
    return join(name, datacenter.failed[base::system_random().below(datacenter.failed.size())]);
  }
}

void WanGateways::Duties::join(const std::string& datacenter, gossip::swim::Address address) {
  joins_ = true;
  const std::string shown = address.node + "/" + gossip::ip_text(address.ip);
  gateways_.log_.debug("(WAN) joining", {{"wan_addresses", "[" + shown + "]"}});
  wan_.join({std::move(address)}, true,
            [this, datacenter, here = std::weak_ptr(here_)](const Result<gossip::swim::JoinOutcome>& outcome) {
              if (here.expired()) return;
              joins_ = false;
              const Clock::time_point now = Clock::now();
              rejoins_[datacenter].next = now + rejoins_[datacenter].rest;
              if (outcome && outcome->joined > 0) {
                complains_.erase(datacenter);
                joined_ = true;
                return gateways_.log_.info("(WAN) joined",
                                           {{"number_of_nodes", outcome->joined}, {"datacenter", datacenter}});
              }
              Clock::time_point& next = complains_.emplace(datacenter, now + kPatience).first->second;
              if (now < next) return;
              next = now + kComplaints;
              const std::string why = !outcome                  ? outcome.error().detail
                                      : outcome->errors.empty() ? std::string("no answer")
                                                                : outcome->errors.front();
              const std::string name = wanfed::server_name("", datacenter, gateways_.domain_);
              gateways_.log_.warn(
                  "(WAN) couldn't join",
                  {{"datacenter", datacenter}, {"error", why}, {"advice", advice_on_way(why, datacenter, name)}});
            });
}

Result<std::unique_ptr<WanGateways>> WanGateways::create(base::net::Loop& loop, const config::Config& config) {
  if (!config.connect_mesh_gateway_wan_federation_enabled) return std::unique_ptr<WanGateways>();
  const config::TlsListener& tls = config.tls.internal_rpc;
  const auto needs = [](const std::string& key, const std::string& why) {
    return Error{Errc::invalid_argument,
                 "'connect.enable_mesh_gateway_wan_federation = true' requires '" + key + "': " + why};
  };
  if (tls.ca_file.empty() && tls.ca_path.empty()) {
    return needs("tls.internal_rpc.ca_file",
                 "servers of other datacenters are known by the authority of their "
                 "certificates");
  }
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    return needs(tls.cert_file.empty() ? "tls.internal_rpc.cert_file" : "tls.internal_rpc.key_file",
                 "servers show a certificate for server." + config.datacenter + "." + tls_rules(config).domain +
                     " and " + wanfed::server_name(config.node_name, config.datacenter, tls_rules(config).domain));
  }
  std::unique_ptr<WanGateways> gateways(new WanGateways(loop, config));
  Result<std::shared_ptr<base::net::TlsContext>> outgoing = gateways->context(config);
  if (!outgoing) return outgoing.error();
  gateways->outgoing_ = std::move(*outgoing);
  if (!tls.verify_server_hostname) {
    gateways->log_.info(
        "names of servers of other datacenters are verified, also without tls.internal_rpc.verify_server_hostname");
  }
  return gateways;
}

WanGateways::WanGateways(base::net::Loop& loop, const config::Config& config)
    : loop_(loop),
      datacenter_(config.datacenter),
      primary_(config.primary_datacenter),
      domain_(tls_rules(config).domain),
      primary_gateways_(config.primary_gateways.begin(), config.primary_gateways.end()),
      interval_(config.primary_gateways_interval),
      names_(std::make_unique<Names>()) {
  wanfed::Ways::Options ways{.locator = {.datacenter = datacenter_, .primary_datacenter = primary_}};
  if (!config.dev_mode) ways.file = config.data_dir + "/mesh-gateways.json";
  ways_ = std::make_unique<wanfed::Ways>(std::move(ways));
  wanfed::Transport::Options transport{.datacenter = datacenter_};
  transport.route = [this](const std::string& node, const std::string& datacenter, std::string_view protocol) {
    const auto way = ways_->pick(datacenter);
    if (!way) return Destination{.refusal = rpc::kDatacenterUnreachable};
    return dial(node, datacenter, protocol, way->gateway);
  };
  transport.outdated = [this](const std::string& datacenter, const std::string& gateway) {
    return ways_->outdated(datacenter, gateway);
  };
  transport_ = std::make_unique<wanfed::Transport>(loop, std::move(transport));
  incoming_ = std::make_unique<wanfed::Incoming>(loop);
  resolver_.run([this] { resolve(); });
}

WanGateways::~WanGateways() {
  stopping_.raise();
}

Result<std::shared_ptr<base::net::TlsContext>> WanGateways::context(const config::Config& config) const {
  return base::net::TlsContext::client(tls_rules(config).files);
}

Result<> WanGateways::reload_tls(const config::Config& config) {
  Result<std::shared_ptr<base::net::TlsContext>> outgoing = context(config);
  if (!outgoing) return outgoing.error();
  const std::lock_guard lock(mutex_);
  outgoing_ = std::move(*outgoing);
  return {};
}

Destination WanGateways::dial(const std::string& node, const std::string& datacenter, std::string_view protocol,
                              const std::string& gateway) {
  Destination to{.address = gateway};
  {
    const std::lock_guard lock(mutex_);
    to.tls = outgoing_;
  }
  to.peer = {.name = wanfed::server_name(node, datacenter, domain_), .protocols = wanfed::alpn(protocol)};
  to.reached = [this, way = wanfed::Way{datacenter, gateway}](bool answered) { ways_->reached(way, answered); };
  return to;
}

Destination WanGateways::destination(const rpc::Target& target, std::string_view protocol) {
  const auto way = ways_->pick(target.datacenter);
  if (!way) return {.refusal = rpc::kDatacenterUnreachable};
  const auto name = wanfed::split_node_name(target.node);
  return dial(name ? std::string(name->node) : target.node, target.datacenter, protocol, way->gateway);
}

bool WanGateways::knows_way(std::string_view datacenter) {
  return ways_->knows_way(datacenter);
}

std::uint64_t WanGateways::returns_of_primary() const {
  return ways_->returns(primary_);
}

bool WanGateways::outdated(std::string_view datacenter, const std::string& gateway) {
  return ways_->outdated(datacenter, gateway);
}

gossip::swim::Detour& WanGateways::detour() {
  return *transport_;
}

rpc::TakeOver WanGateways::packets() {
  return [this](base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls, std::shared_ptr<const void> place) {
    incoming_->take_packets(std::move(socket), std::move(tls), std::move(place));
  };
}

rpc::TakeOver WanGateways::streams() {
  return [this](base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls, std::shared_ptr<const void> place) {
    incoming_->take_stream(std::move(socket), std::move(tls), std::move(place));
  };
}

void WanGateways::open(gossip::Pool& wan) {
  loop_.run([&] {
    incoming_->open(wan);
    duties_ = std::make_unique<Duties>(*this, wan);
  });
}

void WanGateways::follow(const server::Server& server) {
  loop_.run([&] {
    if (duties_) duties_->follow(server);
  });
}

void WanGateways::stop() {
  if (std::exchange(stopped_, true)) return;
  stopping_.raise();
  loop_.run([this] {
    duties_.reset();
    incoming_->stop();
    transport_->stop();
  });
}

std::vector<wanfed::WayState> WanGateways::survey() const {
  return ways_->survey();
}

Destination WanGateways::trial(const std::string& node, const std::string& datacenter, const std::string& gateway) {
  Destination to = dial(node, datacenter, rpc::kRpcSingle, gateway);
  to.reached = nullptr;
  return to;
}

std::vector<WanGateways::Resolved> WanGateways::resolve_primary_gateways() const {
  std::vector<Resolved> all;
  for (const std::string& text : primary_gateways_) {
    std::vector<std::string> entries{text};
    if (text.starts_with(kProgram)) {
      Result<std::vector<std::string>> printed = addresses_of_program(std::string_view(text).substr(kProgram.size()));
      if (!printed) {
        all.push_back({.entry = text, .error = printed.error().detail});
        continue;
      }
      entries = std::move(*printed);
    }
    for (const std::string& entry : entries) {
      Resolved& resolved = all.emplace_back();
      resolved.entry = entry;
      const Result<JoinAddress> address = parse_join_address(entry, 0);
      Result<std::vector<gossip::swim::Address>> found =
          !address ? Result<std::vector<gossip::swim::Address>>(address.error()) : cluster::resolve(*address);
      if (found && !found->empty() && found->front().port == 0) {
        found = Error{Errc::invalid_argument, "missing port in address"};
      }
      if (!found) {
        resolved.error = found.error().detail;
        continue;
      }
      for (const gossip::swim::Address& each : *found) resolved.addresses.push_back(gossip::swim::to_string(each));
    }
  }
  return all;
}

/// The primary's gateways as they are configured, again and again: their names may be given to others. A failed dial
/// asks at once, at most each second.
void WanGateways::resolve() {
  wanfed::Addresses known;
  std::string last_error;
  std::uint64_t failures = 0;
  base::Duration rest{};
  while (!stopping_.raised()) {
    wanfed::Addresses found;
    std::string error;
    for (const Resolved& each : resolve_primary_gateways()) {
      found.insert(found.end(), each.addresses.begin(), each.addresses.end());
      if (!each.error.empty()) error = shown_address(each.entry) + ": " + each.error;
    }
    if (!error.empty() && error != last_error) {
      log_.warn("an address of primary_gateways cannot be resolved", {{"error", error}});
    }
    last_error = error;
    if (!found.empty() && found != known) {
      known = found;
      ways_->learn_primary(std::move(found));
    }
    resolve_names();

    const bool whole = error.empty();
    rest = whole ? interval_ : rest.nanoseconds == 0 ? kFirstResolve : base::Duration{rest.nanoseconds * 2};
    // No interval is no reason to ask without end.
    rest = std::max(std::min(rest, std::max(interval_, kFirstResolve)), kStep);
    failures = ways_->failures();
    for (base::Duration slept{}; slept < rest; slept = slept + kStep) {
      if (!stopping_.sleep(kStep)) return;
      if (slept < kFirstResolve) continue;
      if (whole && ways_->failures() != failures) break;
      if (names_->has_news()) break;
    }
    if (whole) rest = {};
  }
}

void WanGateways::resolve_names() {
  std::set<std::string> wanted;
  {
    const std::lock_guard lock(names_->mutex);
    wanted = names_->wanted;
  }
  std::map<std::string, std::vector<std::string>> found;
  for (const std::string& host : wanted) {
    if (stopping_.raised()) return;
    const Result<std::vector<gossip::swim::Address>> addresses = cluster::resolve(JoinAddress{.host = host, .port = 1});
    if (!addresses) continue;
    for (const gossip::swim::Address& each : *addresses) {
      const std::string ip = gossip::ip_text(each.ip);
      found[host].push_back(each.ip.size() == 16 ? "[" + ip + "]" : ip);
    }
  }
  const std::lock_guard lock(names_->mutex);
  names_->asked = std::move(wanted);
  for (auto& [host, addresses] : names_->found) {
    // What does not resolve now keeps the addresses that it had.
    if (names_->asked.contains(host) && !found.contains(host)) found.emplace(host, addresses);
  }
  if (found == names_->found) return;
  names_->found = std::move(found);
  ++names_->version;
}

}  // namespace proconsul::agent::cluster
