#include "agent/cluster/server_caller.h"

#include <utility>

#include "agent/rpc/kind_byte.h"
#include "agent/rpc/types.h"
#include "base/metrics.h"

namespace proconsul::agent::cluster {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using base::net::Loop;
using rpc::Target;

namespace {

const base::metrics::Counter& calls() {
  static const base::metrics::Counter kCalls =
      base::metrics::counter("client.rpc", {}, "Requests that this agent made of a server.");
  return kCalls;
}

const base::metrics::Counter& failures() {
  static const base::metrics::Counter kFailed =
      base::metrics::counter("client.rpc.failed", {}, "Requests that found no server.");
  return kFailed;
}

}  // namespace

class ServerCaller::Job final : public rpc::Running, base::net::Timer {
 public:
  Job(ServerCaller& caller, Loop& loop, const rpc::Method& method, rpc::InvocationPtr invocation, rpc::Finished done)
      : caller_(caller),
        loop_(loop),
        method_(method),
        invocation_(std::move(invocation)),
        done_(std::move(done)),
        retry_(caller.options_.times, method, rpc::Retry::Of::any_server, Clock::now()) {
    caller_.running_[loop.number()].insert(this);
  }
  ~Job() override {
    *alive_ = false;
    caller_.running_[loop_.number()].erase(this);
  }

  void start() {
    loop_.post([this, alive = alive_] {
      if (*alive) attempt();
    });
  }
  void stop() { finish(Error{Errc::unavailable, "rpc error: shutdown"}); }

 private:
  void attempt() {
    if (caller_.stopped_) return stop();
    Result<Target> server = caller_.choose();
    if (!server) return finish(server.error());
    target_ = std::move(*server);
    call_ = caller_.pool_.call(loop_, target_, method_.name, invocation_, [this](Result<> result) {
      loop_.post([dead = std::move(call_)] {});  // it is on the stack
      result ? finish({}) : failed(result.error());
    });
  }

  void failed(const Error& error) {
    caller_.failed(target_);
    const auto pause = retry_.after(error, *invocation_, Clock::now(), base::system_random());
    caller_.log_.write(pause ? base::log::Level::warn : base::log::Level::error,
                       pause ? "Retrying RPC to server" : "RPC failed to server",
                       {{"method", method_.name}, {"server", target_.address}, {"error", error}});
    if (!pause) {
      base::metrics::counter("client.rpc.failed", {{"server", target_.node}}).add();
      return finish(error);
    }
    arm(loop_, Clock::now() + *pause);
  }

  void on_timer() override { attempt(); }

  /// The caller may drop this job.
  void finish(Result<> result) {
    cancel();
    if (!done_) return;
    rpc::Finished done = std::exchange(done_, nullptr);
    done(std::move(result));
  }

  ServerCaller& caller_;
  Loop& loop_;
  const rpc::Method& method_;
  const rpc::InvocationPtr invocation_;
  rpc::Finished done_;
  rpc::Retry retry_;
  Target target_{};
  std::unique_ptr<rpc::Pool::Call> call_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Begins anew with another server from time to time, if it answers. Everything on one loop.
class ServerCaller::Shuffle final : base::net::Timer {
 public:
  Shuffle(ServerCaller& caller, Loop& loop) : caller_(caller), loop_(loop) {
    loop_.post([this, alive = alive_] {
      if (*alive) wait(base::seconds(120));
    });
  }
  ~Shuffle() override { *alive_ = false; }
  Loop& loop() const { return loop_; }

 private:
  void wait(base::Duration time) { arm(loop_, Clock::now() + std::chrono::nanoseconds(time.nanoseconds)); }

  void on_timer() override {
    {
      const std::lock_guard lock(caller_.mutex_);
      order_ = caller_.list_.shuffled();
    }
    asked_ = 0;
    ping();
  }

  void ping() {
    if (asked_ >= order_.size()) {
      if (!order_.empty()) caller_.log_.debug("No healthy servers during rebalance, aborting");
      return again();
    }
    const auto call = std::make_shared<rpc::TypedInvocation<rpc::Nothing, rpc::Nothing>>();
    call_ = caller_.pool_.call(loop_, order_[asked_], "Status.Ping", call, [this](const Result<>& answered) {
      loop_.post([dead = std::move(call_)] {});  // it is on the stack
      if (answered) return choose();
      caller_.log_.debug("pinging server failed", {{"server", order_[asked_].node}, {"error", answered.error()}});
      ++asked_;
      ping();
    });
  }

  void choose() {
    {
      const std::lock_guard lock(caller_.mutex_);
      const std::string chosen = order_[asked_].node;
      if (caller_.list_.choose(asked_, std::move(order_))) {
        caller_.log_.debug("Rebalanced servers, new active server",
                           {{"number_of_servers", caller_.list_.size()}, {"active_server", chosen}});
      }
    }
    again();
  }

  void again() {
    const std::size_t nodes = caller_.options_.nodes ? caller_.options_.nodes() : 1;
    wait(ServerList::until_shuffle(caller_.known_servers(), nodes, base::system_random()));
  }

  ServerCaller& caller_;
  Loop& loop_;
  std::vector<Target> order_{};
  std::size_t asked_ = 0;
  std::unique_ptr<rpc::Pool::Call> call_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

ServerCaller::ServerCaller(base::net::Loops& loops, rpc::Pool& pool, Options options)
    : loops_(loops), pool_(pool), options_(std::move(options)), running_(loops.size()), list_(base::system_random()) {
  bucket_.set(options_.rate, options_.burst);
  shuffle_ = std::make_unique<Shuffle>(*this, loops.next());
}

ServerCaller::~ServerCaller() {
  stop();
}

void ServerCaller::stop() {
  if (stopped_.exchange(true)) return;
  shuffle_->loop().run([this] { shuffle_.reset(); });
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    std::unordered_set<Job*>& running = running_[i];
    loops_[i].run([&running] {
      const std::vector<Job*> jobs(running.begin(), running.end());
      for (Job* job : jobs) {
        if (running.contains(job)) job->stop();
      }
    });
  }
}

void ServerCaller::add(Target server) {
  const std::lock_guard lock(mutex_);
  list_.add(std::move(server));
}

void ServerCaller::remove(std::string_view node) {
  const std::lock_guard lock(mutex_);
  list_.remove(node);
}

std::size_t ServerCaller::known_servers() const {
  const std::lock_guard lock(mutex_);
  return list_.size();
}

void ServerCaller::limit(double rate, std::int64_t burst) {
  const std::lock_guard lock(mutex_);
  bucket_.set(rate, burst);
}

Result<Target> ServerCaller::choose() {
  const std::lock_guard lock(mutex_);
  const Target* server = list_.chosen();
  if (server == nullptr) {
    failures().add();
    return Error{Errc::internal, kNoServers};
  }
  if (!bucket_.take(Clock::now())) {
    static const base::metrics::Counter kExceeded =
        base::metrics::counter("client.rpc.exceeded", {}, "Requests that limits.rpc_rate did not let through.");
    kExceeded.add();
    return Error{Errc::unavailable, kRateExceeded};
  }
  return *server;
}

Result<Target> ServerCaller::chosen() {
  const std::lock_guard lock(mutex_);
  const Target* server = list_.chosen();
  if (server == nullptr) return Error{Errc::internal, kNoServers};
  return *server;
}

Result<base::net::Destination> ServerCaller::archive_server(std::string_view) {
  const Result<Target> server = choose();
  if (!server) return server.error();
  return pool_.destination(*server, rpc::kRpcSnapshot);
}

void ServerCaller::failed(const Target& server) {
  const std::lock_guard lock(mutex_);
  if (list_.failed(server.node)) log_.debug("cycled away from server", {{"server", server.node}});
}

std::unique_ptr<rpc::Running> ServerCaller::call(Loop& loop, const rpc::Method& method, rpc::InvocationPtr invocation,
                                                 rpc::Finished done) {
  calls().add();
  auto job = std::make_unique<Job>(*this, loop, method, std::move(invocation), std::move(done));
  job->start();
  return job;
}

}  // namespace proconsul::agent::cluster
