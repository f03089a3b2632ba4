#include "tests/simulation/gateway_churn.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

#include "agent/server/federation_anti_entropy.h"
#include "agent/server/federation_replicator.h"
#include "agent/server/state_wait.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/msgpack.h"
#include "catalog/commands.h"
#include "catalog/query/federation.h"
#include "catalog/registry/federation.h"
#include "catalog/registry/register.h"
#include "catalog/store/store.h"
#include "tests/simulation/random.h"
#include "wanfed/known.h"
#include "wanfed/locator.h"

namespace proconsul::simulation {
namespace {

/// The words, one after the other.
template <class... Words>
std::string text(const Words&... words) {
  std::string all;
  const auto add = [&](const auto& word) {
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(word)>>) {
      all += std::to_string(word);
    } else {
      all += word;
    }
  };
  (add(words), ...);
  return all;
}

using agent::server::FederationAntiEntropy;
using agent::server::FederationReplicator;
using base::Errc;
using base::Error;
using base::Result;
using catalog::FederationState;
using wanfed::Addresses;
using wanfed::Knowledge;
using wanfed::Locator;
using wanfed::Way;

constexpr std::size_t kDatacenters = 3, kServers = 3, kMostGateways = 4;
constexpr std::int64_t kCheckInterval = 10;  // of a gateway's own check
constexpr std::int64_t kElection = 2;        // until another server leads
constexpr std::int64_t kNameServer = 20;     // until a name leads to the gateways that there are
constexpr std::int64_t kNoticed = 30;        // until a connection that leads nowhere any more is given up
constexpr std::int64_t kMostBackOff = 64;    // as ReplicationRounds
constexpr std::int64_t kHealed = 120;        // all must be well after so long, and
constexpr std::int64_t kWell = 60;           // stay so for that long
constexpr double kPassesASecond = 0.2, kBurst = 5;

struct Gateway {
  int id{};
  std::string lan{}, wan{};
  bool alive = true, hung = false;
  bool critical = false;  // as the catalog has it
  std::int64_t next_check{};
};

/// When a leader's duty runs next.
struct Duty {
  std::int64_t next{};
  int failures{};
  /// What failed may succeed now.
  void hope(std::int64_t now) {
    if (failures > 0) next = std::min(next, now + 1);
  }
  void failed(std::int64_t now) {
    next = now + std::min<std::int64_t>(std::int64_t{1} << std::min(failures++, 6), kMostBackOff);
  }
};

struct Server {
  std::unique_ptr<base::SeededRandom> random{};
  std::unique_ptr<Locator> locator{};  // null: it is down
  Knowledge disk{};
  std::uint64_t seen_index{};
  Addresses seen_primary{};
};

class World {
 public:
  World(std::uint64_t seed, bool trace) : dice_(seed), trace_(trace) {
    for (std::size_t i = 0; i < kDatacenters; ++i) {
      auto& one = datacenters_.emplace_back(std::make_unique<Datacenter>());
      one->number = i;
      one->name = "dc" + std::to_string(i + 1);
      for (int n = 0; n < 2; ++n) add_gateway(*one);
      for (std::size_t s = 0; s < kServers; ++s) start(*one, s);
    }
    name_server_ = addresses_outside(primary());
  }

  ChurnResult run(base::Duration time) {
    const std::int64_t end = time.nanoseconds / 1'000'000'000;
    heal(false);
    settle("the beginning");
    while (now_ < end && result_.violations.empty()) {
      ++result_.counts.rounds;
      const std::int64_t until = now_ + dice_.between(60, 900);
      const double each_second = dice_.pick({0.02, 0.05, 0.2, 0.5});
      while (now_ < until) {
        if (dice_.chance(each_second)) event();
        tick();
      }
      const bool keeps_direct_cut = heal(dice_.chance(0.3));
      settle(keeps_direct_cut ? "healing, without a direct way" : "healing");
    }
    result_.digest = digest_;
    return std::move(result_);
  }

 private:
  struct Datacenter {
    std::size_t number{};
    std::string name{};
    catalog::Store store{};
    agent::server::StateWait sink{};
    std::uint64_t index = 0;
    int places = 0;
    std::vector<Gateway> gateways{};
    Server servers[kServers]{};
    std::optional<std::size_t> leader{};
    std::int64_t elects_at{};
    Duty keep{}, copy{};
    double turns = kBurst;
    base::Watch watch{};
    std::int64_t looks_again{};
    std::uint64_t after{};          // what it has of the primary
    std::optional<Way> asked_by{};  // the way that a waiting call took
    std::int64_t broken_since = -1;
    Knowledge routes{};  // of its gateways
    std::uint64_t routes_index{};
  };

  Datacenter& primary() { return *datacenters_[0]; }
  Datacenter& of(std::string_view name) { return *datacenters_[static_cast<std::size_t>(name.back() - '1')]; }
  void tell(const std::string& what) {
    if (trace_) std::fprintf(stderr, "%7lld %s\n", static_cast<long long>(now_), what.c_str());
  }

  // -- gateways and the catalog --------------------------------------------------------------------------------------
  void place(Datacenter& at, Gateway& gateway) {
    // Private addresses are the same everywhere.
    ++at.places;
    gateway.lan = text("10.0.", at.places / 250, ".", at.places % 250, ":443");
    ++places_;
    gateway.wan = text("198.", 18 + places_ / 62500, ".", places_ / 250 % 250, ".", places_ % 250, ":443");
  }
  void add_gateway(Datacenter& at) {
    Gateway gateway{.id = ++gateways_};
    place(at, gateway);
    at.gateways.push_back(gateway);
    enter(at, at.gateways.back());
  }
  bool has_leader(const Datacenter& at) const { return at.leader.has_value(); }
  template <class Step>
  void write(Datacenter& at, Step step) {
    at.store.writer().begin_command(++at.index);
    (void)step(at.store.writer());
    at.store.commit();
  }
  /// A gateway registers, or its check changes.
  void enter(Datacenter& at, Gateway& gateway) {
    catalog::RegisterRequest request;
    request.Node = "gw" + std::to_string(gateway.id);
    const auto host = [](const std::string& address) { return address.substr(0, address.rfind(':')); };
    request.Address = host(gateway.lan);
    catalog::NodeService& service = request.Service.emplace();
    service.ID = service.Service = "gateway";
    service.Kind = catalog::kKindMeshGateway;
    service.Address = request.Address;
    service.Port = 443;
    service.Meta.insert_or_assign(std::string(wanfed::kFederationMeta), "1");
    catalog::ServiceAddress& wan = service.TaggedAddresses["wan"];
    wan.Address = host(gateway.wan);
    wan.Port = 443;
    catalog::HealthCheck& check = request.Check.emplace();
    check.Node = request.Node;
    check.CheckID = check.Name = "alive";
    check.ServiceID = "gateway";
    check.Status = gateway.critical ? "critical" : "passing";
    write(at, [&](auto& tx) { return catalog::apply_register(tx, request); });
    gateway.next_check = now_ + kCheckInterval;
  }
  /// Its agent sees what became of it: it takes connections, or not.
  void check(Datacenter& at) {
    if (!has_leader(at)) return;
    for (Gateway& gateway : at.gateways) {
      if (now_ < gateway.next_check) continue;
      gateway.next_check = now_ + kCheckInterval;
      if (gateway.critical != !gateway.alive) {
        gateway.critical = !gateway.alive;
        enter(at, gateway);
      }
    }
  }
  Addresses addresses_outside(const Datacenter& at) {
    Addresses all;
    for (const Gateway& gateway : at.gateways) all.push_back(gateway.wan);
    return all;
  }
  void move(Datacenter& at, Gateway& gateway) {
    place(at, gateway);
    gateway.alive = true;
    gateway.hung = gateway.critical = false;
    if (has_leader(at)) enter(at, gateway);
    if (at.number == 0) names_change_at_ = now_ + dice_.between(0, kNameServer);
  }

  // -- the network ---------------------------------------------------------------------------------------------------
  bool is_cut(std::size_t from, std::size_t to) const {
    return cuts_.contains({from, to}) || cuts_.contains({to, from});
  }
  const Gateway* outside(std::string_view address, std::size_t* where) const {
    for (const auto& at : datacenters_) {
      for (const Gateway& gateway : at->gateways) {
        if (gateway.wan == address) return *where = at->number, &gateway;
      }
    }
    return nullptr;
  }
  bool has_server(const Datacenter& at) const {
    return std::ranges::any_of(at.servers, [](const Server& server) { return server.locator != nullptr; });
  }
  /// What a gateway of `at` knows of other datacenters: what servers there know.
  const Addresses& route(Datacenter& at, std::string_view to) {
    if (at.routes_index != at.index) {
      at.routes = wanfed::known_gateways(at.store.view()->tables());
      at.routes_index = at.index;
    }
    return at.routes.states[std::string(to)].wan;
  }
  /// Whether a call of a server of `from` is answered by some server at the end of the way.
  bool works(Datacenter& from, const Way& way) {
    Datacenter& to = of(way.datacenter);
    if (!has_server(to)) return false;
    for (const Gateway& local : from.gateways) {
      if (local.lan != way.gateway) continue;
      if (!local.alive || local.hung) return false;
      // A gateway goes on to another one until some connects; one that hangs has connected.
      Addresses ways = route(from, to.name);
      while (!ways.empty()) {
        const std::size_t chosen = dice_.below(ways.size());
        std::size_t where{};
        const Gateway* remote = outside(ways[chosen], &where);
        if (remote != nullptr && where == to.number && remote->alive && !is_cut(from.number, to.number))
          return !remote->hung;
        ways.erase(ways.begin() + static_cast<std::ptrdiff_t>(chosen));
      }
      return false;
    }
    std::size_t where{};
    const Gateway* remote = outside(way.gateway, &where);
    if (remote == nullptr || !remote->alive || remote->hung || where != to.number) return false;
    return !is_cut(from.number, to.number) && !direct_cuts_.contains(from.number);
  }
  void reached(Datacenter& at, Server& server, const Way& way, bool answered) {
    const bool returned = answered && !server.locator->has_way(way.datacenter);
    server.locator->reached(way, answered, clock_.now());
    if (!returned || way.datacenter != "dc1" || !at.leader || &server != &at.servers[*at.leader]) return;
    at.keep.hope(now_);
    at.copy.hope(now_);
  }
  /// A call as any server makes it. The way that it took, if it was answered.
  std::optional<Way> call(Datacenter& from, Server& server, const std::string& to) {
    const std::optional<Way> way = server.locator->pick(to);
    if (!way) return std::nullopt;
    const bool answered = works(from, *way);
    reached(from, server, *way, answered);
    return answered ? way : std::nullopt;
  }

  // -- servers -------------------------------------------------------------------------------------------------------
  void start(Datacenter& at, std::size_t number) {
    Server& server = at.servers[number];
    server.random = std::make_unique<base::SeededRandom>(dice_.next());
    server.locator =
        std::make_unique<Locator>(Locator::Options{.datacenter = at.name, .primary_datacenter = "dc1"}, *server.random);
    server.locator->remember(server.disk);
    server.seen_index = 0;
    server.seen_primary.clear();
  }
  void stop(Datacenter& at, std::size_t number) {
    at.servers[number].locator.reset();
    if (at.leader == number) at.leader.reset(), at.elects_at = now_ + kElection;
  }
  void elect(Datacenter& at) {
    if (at.leader || now_ < at.elects_at) return;
    std::vector<std::size_t> up;
    for (std::size_t n = 0; n < kServers; ++n) {
      if (at.servers[n].locator) up.push_back(n);
    }
    if (up.size() <= kServers / 2) return;
    at.leader = up[dice_.below(up.size())];
    at.keep = at.copy = {.next = now_};
    at.after = 0;
    at.asked_by.reset();
    at.watch = {};
    for (Gateway& gateway : at.gateways) enter(at, gateway);  // what agents had to say meanwhile
  }
  void learn(Datacenter& at, Server& server) {
    const Addresses names = at.number == 0 ? Addresses{} : name_server_;
    if (server.seen_index == at.index && server.seen_primary == names) return;
    server.seen_index = at.index;
    server.seen_primary = names;
    Knowledge known = wanfed::known_gateways(at.store.view()->tables());
    known.primary = names;
    server.locator->expect({"dc1", "dc2", "dc3"});
    server.locator->learn(std::move(known));
    server.disk = server.locator->memory();
  }

  // -- what leaders do -----------------------------------------------------------------------------------------------
  Result<> set_state(Datacenter& at, std::string operation, FederationState state) {
    if (!has_leader(at)) return Error{Errc::unavailable, "No cluster leader"};
    catalog::FederationStateRequest request;
    request.Op = std::move(operation);
    request.State = std::move(state);
    write(at, [&](auto& tx) { return catalog::apply_federation_state(tx, std::move(request)); });
    return {};
  }
  /// Anti-entropy of its own state.
  void keep(Datacenter& at) {
    at.turns = std::min(kBurst, at.turns + kPassesASecond);
    const bool due =
        now_ >= at.keep.next && (at.keep.failures > 0 || !at.watch || at.watch.fired() || now_ >= at.looks_again);
    if (!due || at.turns < 1) return;
    at.turns -= 1;
    FederationAntiEntropy::Means means;
    means.view = [&] { return at.store.view(); };
    means.watch = [&](const base::KeySet& keys) { return at.store.watches().watch(keys, at.sink, 0); };
    means.clock = &clock_;
    means.datacenter = at.name;
    means.write = [&](FederationState state) -> Result<> {
      if (at.number == 0) return set_state(at, "upsert", std::move(state));
      if (!call(at, at.servers[*at.leader], "dc1")) return Error{Errc::unavailable, "no path"};
      return set_state(primary(), "upsert", std::move(state));
    };
    if (FederationAntiEntropy(std::move(means)).pass(at.watch)) {
      at.keep.failures = 0;
      at.looks_again = now_ + 300;
    } else {
      at.keep.failures = std::max(at.keep.failures, 1);
      at.keep.failed(now_);
    }
  }
  /// Replication of all states from the primary: a call waits there until something is new.
  void copy(Datacenter& at) {
    if (at.number == 0 || now_ < at.copy.next) return;
    Server& leader = at.servers[*at.leader];
    const auto fail = [&] {
      at.asked_by.reset();
      at.broken_since = -1;
      at.after = 0;
      at.copy.failed(now_);
    };
    if (at.asked_by && !works(at, *at.asked_by)) {
      if (at.broken_since < 0) at.broken_since = now_;
      // A gateway that is gone is noticed at once, one that hangs is not.
      if (now_ - at.broken_since >= dice_.between(1, kNoticed)) fail();
      return;
    }
    at.broken_since = -1;
    if (!at.asked_by) {
      at.asked_by = call(at, leader, "dc1");
      if (!at.asked_by || !has_leader(primary())) return fail();
    }
    const catalog::ViewPtr view = primary().store.view();
    const auto there = catalog::federation_states(view->tables(), nullptr);
    if (there.index <= at.after) return;
    FederationReplicator::Means means;
    means.ask = [&](std::uint64_t, const std::stop_token&) {
      rpc_answer_ = {};
      for (const FederationState* state : there.rows) rpc_answer_.States.emplace_back(*state);
      rpc_answer_.Index = there.index;
      return Result<agent::rpc::IndexedFederationStates>(rpc_answer_);
    };
    means.view = [&] { return at.store.view(); };
    means.apply = [&](const std::string& command) -> Result<> {
      auto request = base::from_msgpack<catalog::FederationStateRequest>(std::string_view(command).substr(1));
      write(at, [&](auto& tx) { return catalog::apply_federation_state(tx, std::move(*request)); });
      return {};
    };
    means.pause = [](base::Duration) { return true; };
    means.clock = &clock_;
    means.datacenter = at.name;
    if (const Result<std::uint64_t> done = FederationReplicator({}, std::move(means)).round(at.after, {}); done) {
      at.after = *done;
      at.copy.failures = 0;
      at.asked_by.reset();
    } else {
      fail();
    }
  }

  // -- time ----------------------------------------------------------------------------------------------------------
  void tick() {
    ++now_;
    clock_.advance(base::seconds(1));
    if (now_ >= names_change_at_) name_server_ = addresses_outside(primary()), names_change_at_ = kNever;
    for (const auto& at : datacenters_) {
      elect(*at);
      check(*at);
      if (at->leader) {
        keep(*at);
        copy(*at);
      }
      for (Server& server : at->servers) {
        if (!server.locator) continue;
        learn(*at, server);
        for (const Way& way : server.locator->due(clock_.now())) {
          reached(*at, server, way, works(*at, way));
        }
        for (const auto& other : datacenters_) {
          if (other != at) serve(*at, server, *other);
        }
      }
    }
  }
  void serve(Datacenter& from, Server& server, Datacenter& to) {
    const std::optional<Way> way = call(from, server, to.name);
    ++result_.counts.calls;
    if (!way) {
      ++result_.counts.failed;
      unwell(from.name + " does not reach " + to.name);
      digest_ = mix(digest_, 0);
      return;
    }
    for (const char c : way->gateway) digest_ = mix(digest_, static_cast<unsigned char>(c));
    const bool local =
        std::ranges::any_of(from.gateways, [&](const Gateway& each) { return each.lan == way->gateway; });
    if (!local) unwell(from.name + " reaches " + to.name + " directly");
  }
  void unwell(std::string why) {
    unwell_at_ = now_;
    why_ = std::move(why);
  }
  /// Every datacenter knows the gateways of all.
  void compare() {
    for (const auto& at : datacenters_) {
      for (const auto& other : datacenters_) {
        Addresses there = addresses_outside(*other);
        std::ranges::sort(there);
        if (route(*at, other->name) != there) unwell(at->name + " does not know the gateways of " + other->name);
      }
    }
  }
  /// For whoever looks for the cause.
  std::string story() {
    std::string all;
    for (const auto& at : datacenters_) {
      all += text("\n    ", at->name,
                  at->leader ? text(": server ", *at->leader + 1, " leads") : std::string(": no leader"), ", keeps at ",
                  at->keep.next, " after ", at->keep.failures, " failures, copies at ", at->copy.next, " after ",
                  at->copy.failures, at->asked_by ? ", waits by " + at->asked_by->gateway : std::string(", asks"),
                  " at index ", at->after, direct_cuts_.contains(at->number) ? ", has no direct way" : "");
      for (const Gateway& gateway : at->gateways) {
        all += text("; gateway ", gateway.lan, " ", gateway.wan, gateway.critical ? " critical" : "");
      }
      for (const auto& other : datacenters_) {
        all += "; knows of " + other->name + ":";
        for (const std::string& address : route(*at, other->name)) all += " " + address;
      }
    }
    return all;
  }
  void settle(const char* after) {
    const std::int64_t begun = now_;
    unwell_at_ = now_;
    while (now_ < unwell_at_ + kWell && now_ < begun + kHealed + kWell) {
      tick();
      compare();
    }
    const std::int64_t took = unwell_at_ - begun;
    result_.counts.longest_heal = std::max(result_.counts.longest_heal, took);
    tell(text("well ", took, " s after ", after));
    if (took <= kHealed) return;
    result_.violations.push_back(text(now_, " s: not well ", took, " s after ", after, ": ", why_, story()));
  }

  // -- what happens to it --------------------------------------------------------------------------------------------
  void event();
  void restart_all(Datacenter& at);
  bool heal(bool may_stay_cut);

  static constexpr std::int64_t kNever = INT64_MAX;
  Random dice_;
  const bool trace_;
  std::vector<std::unique_ptr<Datacenter>> datacenters_;
  base::ManualClock clock_{};
  std::int64_t now_ = 0;
  int places_ = 0, gateways_ = 0;
  Addresses name_server_{};  // what the names in primary_gateways lead to
  std::int64_t names_change_at_ = kNever;
  std::set<std::pair<std::size_t, std::size_t>> cuts_{};  // one way is enough for nothing to be answered
  std::set<std::size_t> direct_cuts_{};                   // whose servers reach nothing outside themselves
  agent::rpc::IndexedFederationStates rpc_answer_{};
  std::int64_t unwell_at_ = 0;
  std::string why_{};
  std::uint64_t digest_ = 1;
  ChurnResult result_{};
};

void World::event() {
  Datacenter& at = *datacenters_[dice_.below(kDatacenters)];
  ChurnCounts& counts = result_.counts;
  const auto some = [&]() -> Gateway& { return at.gateways[dice_.below(at.gateways.size())]; };
  switch (dice_.below(12)) {
    case 0: {
      Gateway& gateway = some();
      if (gateway.alive) ++counts.died;
      gateway.alive = false;
      return tell(text(at.name, ": gateway ", gateway.id, " dies"));
    }
    case 1:
      ++counts.died;
      for (Gateway& gateway : at.gateways) gateway.alive = false;
      return tell(at.name + ": all gateways die");
    case 2: {
      Gateway& gateway = some();
      gateway.alive = true;
      gateway.hung = false;
      return tell(text(at.name, ": gateway ", gateway.id, " is back"));
    }
    case 3: {
      Gateway& gateway = some();
      gateway.hung = !gateway.hung;
      counts.hung += gateway.hung;
      return tell(text(at.name, ": gateway ", gateway.id, " ", gateway.hung ? "hangs" : "goes on"));
    }
    case 4: {
      Gateway& gateway = some();
      ++counts.moved;
      move(at, gateway);
      return tell(text(at.name, ": gateway ", gateway.id, " moves to ", gateway.wan));
    }
    case 5:
      ++counts.all_moved;
      for (Gateway& gateway : at.gateways) move(at, gateway);
      return tell(at.name + ": all gateways move");
    case 6:
      if (!has_leader(at)) return;
      if (at.gateways.size() < kMostGateways) {
        ++counts.added;
        add_gateway(at);
        if (at.number == 0) names_change_at_ = now_ + dice_.between(0, kNameServer);
      }
      return;
    case 7: {
      if (!has_leader(at) || at.gateways.size() < 2) return;
      ++counts.removed;
      catalog::DeregisterRequest request;
      request.Node = "gw" + std::to_string(at.gateways.front().id);
      write(at, [&](auto& tx) { return catalog::apply_deregister(tx, request); });
      at.gateways.erase(at.gateways.begin());
      if (at.number == 0) names_change_at_ = now_ + dice_.between(0, kNameServer);
      return tell(at.name + ": a gateway is removed");
    }
    case 8: {
      const std::pair cut(at.number, (at.number + 1 + dice_.below(2)) % kDatacenters);
      if (cuts_.erase(cut) == 0) cuts_.insert(cut), ++counts.cuts;
      return tell(text("the link from dc", cut.first + 1, " to dc", cut.second + 1, " is ",
                       cuts_.contains(cut) ? "cut" : "mended"));
    }
    case 9:
      if (at.number == 0) return;
      if (direct_cuts_.erase(at.number) == 0) direct_cuts_.insert(at.number), ++counts.cuts;
      return tell(at.name + ": the direct way is cut, or mended");
    case 10: {
      const std::size_t number = dice_.below(kServers);
      if (at.servers[number].locator) {
        ++counts.servers;
        stop(at, number);
      } else {
        start(at, number);
      }
      return tell(text(at.name, ": server ", number + 1, " ", at.servers[number].locator ? "starts" : "dies"));
    }
    default:
      ++counts.cold;
      return restart_all(at);
  }
}

/// The state is on their disks.
void World::restart_all(Datacenter& at) {
  tell(at.name + ": all servers and gateways restart");
  for (std::size_t number = 0; number < kServers; ++number) {
    stop(at, number);
    start(at, number);
  }
  for (Gateway& gateway : at.gateways) gateway.alive = true, gateway.hung = false;
}

/// Everything is there again. A direct way may stay cut where a gateway of the primary that is known is one that there
/// is; whether one does.
bool World::heal(bool may_stay_cut) {
  cuts_.clear();
  for (const auto& at : datacenters_) {
    for (Gateway& gateway : at->gateways) {
      gateway.alive = true;
      gateway.hung = false;
    }
    for (std::size_t number = 0; number < kServers; ++number) {
      if (!at->servers[number].locator) start(*at, number);
    }
  }
  std::erase_if(direct_cuts_, [&](std::size_t number) {
    if (!may_stay_cut) return true;
    const Addresses there = addresses_outside(primary());
    const Addresses& known = route(*datacenters_[number], "dc1");
    return std::ranges::none_of(known,
                                [&](const std::string& each) { return std::ranges::find(there, each) != there.end(); });
  });
  if (names_change_at_ != kNever) names_change_at_ = now_;
  tell("all is mended");
  return !direct_cuts_.empty();
}

}  // namespace

ChurnResult run_gateway_churn(std::uint64_t seed, base::Duration time, bool trace) {
  base::log::set_level(base::log::Level::off);
  return World(seed, trace).run(time);
}

std::string describe(const ChurnCounts& counts) {
  return text(counts.rounds, " rounds: ", counts.died, " gateways died, ", counts.hung, " hung, ", counts.moved,
              " moved, ", counts.all_moved, " times all of a datacenter's, ", counts.added, " added, ", counts.removed,
              " removed; ", counts.cuts, " cuts, ", counts.servers, " servers died, ", counts.cold,
              " datacenters restarted; ", counts.calls, " calls, ", counts.failed, " failed; well ",
              counts.longest_heal, " s after the churn at the latest");
}

}  // namespace proconsul::simulation
