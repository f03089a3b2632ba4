#include "agent/gateway/runner.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "agent/cli/gateway_registration.h"
#include "agent/gateway/kept.h"
#include "agent/gateway/listening.h"
#include "base/log.h"

namespace proconsul::agent::gateway {

using base::Result;
using wanfed::gateway::Address;
using wanfed::gateway::RouteTable;
using wanfed::gateway::Topology;

namespace {

const base::log::Logger kLog("mesh-gateway");
constexpr base::Duration kTick = base::milliseconds(20);
constexpr base::Duration kPatience = base::seconds(5);  // with an agent that is told of the end

}  // namespace

Runner::Runner(base::net::Loops& loops, Options options)
    : options_(std::move(options)),
      limits_(options_.limits),
      gateway_(loops, wanfed::gateway::Options{.limits = options_.limits}) {}

Result<std::unique_ptr<Runner>> Runner::start(base::net::Loops& loops, Options options) {
  std::unique_ptr<Runner> runner(new Runner(loops, std::move(options)));
  if (!runner->options_.listen.empty()) {
    if (Result<> listening = runner->listen(runner->options_.listen); !listening) return listening.error();
  }
  if (const Result<Topology> kept = read_kept(runner->options_.file); kept) {
    runner->set_routes(*kept);
    runner->has_routes_ = true;
    kLog.info("the last known routes are in force until the agent answers");
  } else if (kept.error().code != base::Errc::not_found) {
    kLog.warn("the last known routes cannot be read", {{"error", kept.error()}});
  }
  return runner;
}

Runner::~Runner() {
  stop_.raise();
  follower_.reset();
  gateway_.stop();
}

void Runner::set_routes(const Topology& topology) {
  gateway_.set_routes(std::make_shared<RouteTable>(topology));
}

Result<std::unique_ptr<Follower>> Runner::follower(const cli::ApiConfig& api, bool wan_federation) {
  Follower::Options options{.api = api,
                            .identity = options_.identity,
                            .wan_federation = wan_federation,
                            .service = options_.service,
                            .file = options_.file,
                            .in_force = has_routes_};
  options.changed = [this](const Topology& topology) { set_routes(topology); };
  options.registered = [this](const http::AgentService* service) { return told(service); };
  return Follower::make(std::move(options));
}

void Runner::follow(std::unique_ptr<Follower> follower) {
  asking_ = std::make_unique<base::Interrupt>(&stop_);
  follower_ = std::move(follower);
  has_routes_ = true;  // whoever follows after it
  follower_->begin();
}

Result<> Runner::follow() {
  Result<std::unique_ptr<Follower>> made = follower(options_.api, options_.wan_federation);
  if (!made) return made.error();
  follow(std::move(*made));
  return {};
}

Result<> Runner::register_now() {
  cli::ApiConfig api = options_.api;
  api.interrupt = asking_.get();
  Result<cli::ApiClient> client = cli::ApiClient::make(std::move(api));
  if (!client) return client.error();
  if (Result<> done = cli::register_gateway(*client, *options_.registration); !done) return done;
  registered_ = true;
  kLog.info("registered with the agent", {{"service", options_.registration->Name}});
  if (options_.registered) options_.registered();
  return {};
}

/// What the agent has of an earlier run is replaced first. Then it counts, whoever wrote it.
Result<> Runner::told(const http::AgentService* service) {
  if (options_.registration && (service == nullptr || !registered_)) return register_now();
  if (service == nullptr) {
    return {base::Errc::not_found,
            "the agent has no service \"" + options_.service + "\": register it, or start the gateway with -register"};
  }
  const Result<std::vector<Address>> addresses = listening_addresses(*service);
  if (!addresses) return addresses.error();
  return listen(*addresses);
}

Result<> Runner::listen(const std::vector<Address>& addresses) {
  const std::vector<Address> before = gateway_.listening();
  if (before == addresses) return {};
  return gateway_.listen(addresses);
}

Result<> Runner::change(Change change) {
  // What can fail comes first, the last of it where it does nothing else.
  std::unique_ptr<Follower> next;
  if (change.asking) {
    Result<std::unique_ptr<Follower>> made = follower(change.asking->api, change.asking->wan_federation);
    if (!made) return made.error();
    next = std::move(*made);
  }
  if (change.listen) {
    if (Result<> listening = listen(*change.listen); !listening) return listening;
  }
  if (change.limits) {
    const std::lock_guard lock(mutex_);
    limits_ = *change.limits;
    gateway_.set_limits(limits_);
  }
  if (!next) return {};
  if (asking_) asking_->raise();
  follower_.reset();
  options_.api = std::move(change.asking->api);
  options_.wan_federation = change.asking->wan_federation;
  if (change.asking->registration) options_.registration = std::move(change.asking->registration);
  registered_ = false;
  follow(std::move(next));
  return {};
}

/// An agent that takes connections and answers nothing would keep the gateway from ending.
Result<> Runner::deregister(base::Interrupt& cut) const {
  base::Interrupt too_late(&cut);
  base::Interrupt answered;
  std::thread clock([&] {
    if (answered.sleep(kPatience)) too_late.raise();
  });
  cli::ApiConfig api = options_.api;
  api.interrupt = &too_late;
  Result<> gone;
  if (Result<cli::ApiClient> client = cli::ApiClient::make(std::move(api)); !client) {
    gone = client.error();
  } else if (const auto done =
                 client->call(client->request("PUT", "/v1/agent/service/deregister/" + options_.service), {200, 404});
             !done) {
    gone = done.error();
  }
  answered.raise();
  clock.join();
  return gone;
}

void Runner::drain(base::Interrupt& cut) {
  stop_.raise();
  follower_.reset();
  // Also when only an earlier run came to register it.
  if (options_.registration) {
    if (const Result<> gone = deregister(cut); !gone) {
      kLog.warn("the registration stays: the agent cannot be told", {{"error", gone.error()}});
    }
  }
  const std::int64_t active = gateway_.snapshot().active;
  std::chrono::milliseconds patience;
  {
    const std::lock_guard lock(mutex_);
    patience = limits_.drain;
  }
  if (active > 0) {
    kLog.info("waiting for connections to end", {{"connections", active}, {"milliseconds", patience.count()}});
  }
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  gateway_.drain(patience, [ended] { *ended = true; });
  while (!*ended && cut.sleep(kTick)) {
  }
}

}  // namespace proconsul::agent::gateway
