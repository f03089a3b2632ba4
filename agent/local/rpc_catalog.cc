#include "agent/local/rpc_catalog.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "agent/rpc/types.h"

namespace proconsul::agent::local {

using base::Result;
using rpc::NodeSpecificRequest;

namespace {

/// Of what is told at once: enough to hide the way to a server, and nothing that it would notice.
constexpr std::size_t kMostUnderWay = 16;
constexpr std::string_view kNoMethod = "rpc: can't find method";

template <class Req, class Rep>
struct Call {
  Call(std::string_view name, rpc::InvocationPtr made) : method(*rpc::find_method(name)), invocation(std::move(made)) {}
  explicit Call(std::string_view name) : Call(name, rpc::find_method(name)->make()) {}
  Req& request() const { return static_cast<rpc::TypedInvocation<Req, Rep>&>(*invocation).request; }
  Rep& reply() const { return static_cast<rpc::TypedInvocation<Req, Rep>&>(*invocation).reply; }

  const rpc::Method& method;
  const rpc::InvocationPtr invocation;
};

using ServiceList = Call<NodeSpecificRequest, rpc::IndexedNodeServiceList>;
using ServiceMap = Call<NodeSpecificRequest, rpc::IndexedNodeServices>;
using Checks = Call<NodeSpecificRequest, rpc::IndexedHealthChecks>;

template <class Calls>
Calls about(std::string_view method, const std::string& datacenter, const std::string& node, std::string token,
            base::Duration stale) {
  Calls call(method);
  call.request().Token = std::move(token);
  call.request().Datacenter = datacenter;
  call.request().Node = node;
  call.request().AllowStale = true;
  call.request().MaxStaleDuration = stale;
  return call;
}

/// Reads one after the other; lives until the last answer.
class Fetching : public std::enable_shared_from_this<Fetching> {
 public:
  using Done = std::move_only_function<void(Result<Remote>)>;
  Fetching(base::net::Loop& loop, rpc::Caller& caller, const RpcCatalog::Options& options, Done done)
      : loop_(loop), caller_(caller), options_(options), done_(std::move(done)) {}

  void start() {
    const auto call =
        about<ServiceList>("Catalog.NodeServiceList", options_.datacenter, options_.node, token(), kStale);
    rpc::ask(caller_, loop_, call.method, call.invocation, [self = shared_from_this(), call](const Result<>& answered) {
      if (!answered && answered.error().detail.find(kNoMethod) != std::string::npos) return self->ask_old_server();
      if (!answered) return self->done_(answered.error());
      catalog::NodeServiceList& found = call.reply().NodeServices;
      if (found.Node) self->remote_.node = std::move(*found.Node);
      for (auto& service : found.Services) {
        if (service) self->remote_.services.push_back(std::move(*service));
      }
      self->ask_checks();
    });
  }

 private:
  static constexpr base::Duration kStale = base::seconds(2);

  std::string token() const { return options_.token ? options_.token() : std::string(); }

  /// Before Consul 1.7.
  void ask_old_server() {
    const auto call = about<ServiceMap>("Catalog.NodeServices", options_.datacenter, options_.node, token(), kStale);
    rpc::ask(caller_, loop_, call.method, call.invocation, [self = shared_from_this(), call](const Result<>& answered) {
      if (!answered) return self->done_(answered.error());
      if (const auto& found = call.reply().NodeServices) {
        if (found->Node) self->remote_.node = *found->Node;
        for (auto& [id, service] : found->Services) {
          if (service) self->remote_.services.push_back(*service);
        }
      }
      self->ask_checks();
    });
  }

  void ask_checks() {
    const auto call = about<Checks>("Health.NodeChecks", options_.datacenter, options_.node, token(), kStale);
    rpc::ask(caller_, loop_, call.method, call.invocation, [self = shared_from_this(), call](const Result<>& answered) {
      if (!answered) return self->done_(answered.error());
      for (auto& check : call.reply().HealthChecks) {
        if (check) self->remote_.checks.push_back(std::move(*check));
      }
      self->done_(std::move(self->remote_));
    });
  }

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const RpcCatalog::Options& options_;
  Done done_;
  Remote remote_{};
};

/// Asks for the checks of a node again and again, each time for what is newer. On the loop, but for read().
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(base::net::Loop& loop, rpc::Caller& caller, std::string datacenter, std::string node, std::string service_id,
          std::string token, std::function<void()> changed)
      : loop_(loop),
        caller_(caller),
        datacenter_(std::move(datacenter)),
        node_(std::move(node)),
        service_id_(std::move(service_id)),
        token_(std::move(token)),
        changed_(std::move(changed)) {}

  void ask() {
    if (stopped_) return;
    const auto call = about<Checks>("Health.NodeChecks", datacenter_, node_, token_, kStale);
    call.request().MaxQueryTime = base::seconds(60);
    call.request().MinQueryIndex = index_;
    make(call, [this, call](const Result<>& answered) {
      if (!answered) return failed(answered.error());
      failures_ = 0;
      index_ = std::max<std::uint64_t>(call.reply().Index, 1);
      NodeHealth health;
      bool has_check = false;
      for (auto& check : call.reply().HealthChecks) {
        if (!check) continue;
        has_check = has_check || check->ServiceID == service_id_;
        health.checks.push_back(std::move(*check));
      }
      if (has_check) return found(std::move(health));
      look_for_service(std::move(health), 1);
    });
  }
  void stop() {
    stopped_ = true;
    running_.reset();
  }
  std::optional<Result<NodeHealth>> read() {
    const std::lock_guard lock(mutex_);
    return latest_;
  }

 private:
  static constexpr base::Duration kStale = base::seconds(15);

  template <class Calls, class Then>
  void make(const Calls& call, Then then) {
    running_ = caller_.call(loop_, call.method, call.invocation,
                            [self = shared_from_this(), then = std::move(then)](const Result<>& answered) mutable {
                              self->loop_.post([dead = std::move(self->running_)] {});  // it is on the stack
                              if (!self->stopped_) then(answered);
                            });
  }
  void later(std::chrono::seconds pause, std::move_only_function<void()> task) {
    loop_.after(pause, [self = shared_from_this(), task = std::move(task)]() mutable {
      if (!self->stopped_) task();
    });
  }

  void failed(const base::Error& error) {
    ++failures_;
    if (failures_ > 1) tell(error);
    const int late = std::min(failures_ - 3, 6);
    if (late <= 0) return ask();
    later(std::min(std::chrono::seconds(1 << late), std::chrono::seconds(60)), [this] { ask(); });
  }

  /// A service without checks is fine, but only if there is such a service.
  void look_for_service(NodeHealth health, int attempt) {
    const auto call = about<ServiceMap>("Catalog.NodeServices", datacenter_, node_, token_, kStale);
    make(call, [this, call, health = std::move(health), attempt](const Result<>& answered) mutable {
      if (!answered && attempt <= 3) {
        return later(std::chrono::seconds(attempt), [this, health = std::move(health), attempt]() mutable {
          look_for_service(std::move(health), attempt + 1);
        });
      }
      // Who cannot be asked, or does not know the node, is no reason to doubt the service.
      if (answered && call.reply().NodeServices) {
        const auto& services = call.reply().NodeServices->Services;
        health.service_exists = std::ranges::any_of(
            services, [this](const auto& entry) { return entry.second && entry.second->ID == service_id_; });
      }
      found(std::move(health));
    });
  }

  void found(NodeHealth health) {
    tell(std::move(health));
    ask();
  }
  void tell(Result<NodeHealth> result) {
    {
      const std::lock_guard lock(mutex_);
      latest_ = std::move(result);
    }
    changed_();
  }

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const std::string datacenter_, node_, service_id_, token_;
  const std::function<void()> changed_;
  std::unique_ptr<rpc::Running> running_{};
  std::uint64_t index_ = 0;
  int failures_ = 0;
  bool stopped_ = false;
  std::mutex mutex_{};
  std::optional<Result<NodeHealth>> latest_{};  // by mutex_
};

bool is_of_the_node(const Step::Request& request) {
  const auto* registration = std::get_if<catalog::RegisterRequest>(&request);
  return registration != nullptr && !registration->SkipNodeUpdate;
}

}  // namespace

class RpcCatalog::FollowedNode final : public Catalog::Followed {
 public:
  FollowedNode(base::net::Loop& loop, std::shared_ptr<Watcher> watcher) : loop_(loop), watcher_(std::move(watcher)) {
    loop_.post([watcher = watcher_] { watcher->ask(); });
  }
  ~FollowedNode() override {
    loop_.post([watcher = std::move(watcher_)] { watcher->stop(); });
  }
  std::optional<Result<NodeHealth>> read() override { return watcher_->read(); }

 private:
  base::net::Loop& loop_;
  std::shared_ptr<Watcher> watcher_;
};

RpcCatalog::RpcCatalog(base::net::Loops& loops, rpc::Caller& caller, Options options)
    : loop_(loops.next()), caller_(caller), options_(std::move(options)) {}

RpcCatalog::~RpcCatalog() = default;

void RpcCatalog::fetch(std::move_only_function<void(Result<Remote>)> done) {
  std::make_shared<Fetching>(loop_, caller_, options_, std::move(done))->start();
}

void RpcCatalog::submit(Step::Request request, std::move_only_function<void(Result<>)> done) {
  loop_.post([this, job = Job{std::move(request), std::move(done)}]() mutable {
    waiting_.push_back(std::move(job));
    pump();
  });
}

void RpcCatalog::pump() {
  while (!waiting_.empty() && !alone_ && under_way_ < kMostUnderWay) {
    const bool alone = is_of_the_node(waiting_.front().request);
    if (alone && under_way_ > 0) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    alone_ = alone;
    ++under_way_;
    carry_out(std::move(job));
  }
}

void RpcCatalog::carry_out(Job job) {
  const bool registers = std::holds_alternative<catalog::RegisterRequest>(job.request);
  const rpc::Method& method = *rpc::find_method(registers ? "Catalog.Register" : "Catalog.Deregister");
  rpc::InvocationPtr invocation = method.make();
  if (registers) {
    using Typed = rpc::TypedInvocation<catalog::RegisterRequest, rpc::Nothing>;
    static_cast<Typed&>(*invocation).request = std::move(std::get<catalog::RegisterRequest>(job.request));
  } else {
    using Typed = rpc::TypedInvocation<catalog::DeregisterRequest, rpc::Nothing>;
    static_cast<Typed&>(*invocation).request = std::move(std::get<catalog::DeregisterRequest>(job.request));
  }
  rpc::ask(caller_, loop_, method, std::move(invocation), [this, done = std::move(job.done)](Result<> result) mutable {
    alone_ = false;
    --under_way_;
    done(std::move(result));
    pump();
  });
}

std::unique_ptr<Catalog::Followed> RpcCatalog::follow(const std::string& node, const std::string& service_id,
                                                      const std::string& token, std::function<void()> changed) {
  return std::make_unique<FollowedNode>(loop_, std::make_shared<Watcher>(loop_, caller_, options_.datacenter, node,
                                                                         service_id, token, std::move(changed)));
}

}  // namespace proconsul::agent::local
