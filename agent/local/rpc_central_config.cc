#include "agent/local/rpc_central_config.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/rpc/config_types.h"

namespace proconsul::agent::local {

using base::Result;

namespace {

constexpr std::string_view kMethod = "ConfigEntry.ResolveServiceConfig";
constexpr int kMostDoublings = 6;  // 64 seconds
constexpr std::chrono::milliseconds kUnready{250};

rpc::ServiceConfigRequest request_of(const CentralConfig::Question& question, const std::string& datacenter) {
  rpc::ServiceConfigRequest request;
  request.Name = question.of.service;
  request.Datacenter = datacenter;
  request.MeshGateway = question.of.mesh_gateway;
  request.Mode = question.of.mode;
  for (const catalog::PeeredServiceName& name : question.of.upstreams) request.UpstreamServiceNames.push_back(name);
  request.Token = question.token;
  request.AllowStale = true;
  return request;
}

CentralConfig::Known known(rpc::ServiceConfigResponse reply) {
  const std::uint64_t index = reply.Index;
  return {.config = std::move(static_cast<catalog::ServiceConfig&>(reply)), .index = index};
}

/// Asks again and again, each time for what is newer. On the loop.
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  using Changed = std::function<void(const Result<CentralConfig::Known>&)>;
  Watcher(base::net::Loop& loop, rpc::Caller& caller, rpc::ServiceConfigRequest request, std::function<bool()> ready,
          Changed changed)
      : loop_(loop),
        caller_(caller),
        request_(std::move(request)),
        ready_(std::move(ready)),
        changed_(std::move(changed)) {}

  void ask() {
    if (stopped_) return;
    if (ready_ && !ready_()) return loop_.after(kUnready, [self = shared_from_this()] { self->ask(); });
    using Call = rpc::TypedInvocation<rpc::ServiceConfigRequest, rpc::ServiceConfigResponse>;
    const rpc::Method& method = *rpc::find_method(kMethod);
    auto call = std::static_pointer_cast<Call>(method.make());
    call->request = request_;
    running_ = caller_.call(loop_, method, call, [self = shared_from_this(), call](const Result<>& answered) {
      self->loop_.post([dead = std::move(self->running_)] {});  // it is on the stack
      if (self->stopped_) return;
      self->answered(answered ? Result<CentralConfig::Known>(known(std::move(call->reply))) : answered.error());
    });
  }
  void stop() {
    stopped_ = true;
    running_.reset();
  }

 private:
  void answered(const Result<CentralConfig::Known>& answer) {
    if (!answer) {
      // Merely waiting for a leader is no news.
      if (answer.error().code != base::Errc::no_leader) changed_(answer);
      const std::chrono::seconds pause(1 << std::min(failures_++, kMostDoublings));
      return loop_.after(pause, [self = shared_from_this()] { self->ask(); });
    }
    failures_ = 0;
    const std::uint64_t before = request_.MinQueryIndex;
    // One that went back belongs to another state: all is asked for anew.
    request_.MinQueryIndex = answer->index < before ? 0 : std::max<std::uint64_t>(answer->index, 1);
    if (answer->index != before) changed_(answer);
    ask();
  }

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  rpc::ServiceConfigRequest request_;
  const std::function<bool()> ready_;
  const Changed changed_;
  std::unique_ptr<rpc::Running> running_{};
  int failures_ = 0;
  bool stopped_ = false;
};

class FollowedConfig final : public CentralConfig::Followed {
 public:
  FollowedConfig(base::net::Loop& loop, std::shared_ptr<Watcher> watcher) : loop_(loop), watcher_(std::move(watcher)) {
    loop_.post([watcher = watcher_] { watcher->ask(); });
  }
  ~FollowedConfig() override {
    loop_.post([watcher = std::move(watcher_)] { watcher->stop(); });
  }

 private:
  base::net::Loop& loop_;
  std::shared_ptr<Watcher> watcher_;
};

}  // namespace

RpcCentralConfig::RpcCentralConfig(base::net::Loops& loops, rpc::Caller& caller, std::string datacenter,
                                   std::function<bool()> ready)
    : loop_(loops.next()), caller_(caller), datacenter_(std::move(datacenter)), ready_(std::move(ready)) {}

void RpcCentralConfig::fetch(Question question, std::move_only_function<void(Result<Known>)> done) {
  rpc::ask<rpc::ServiceConfigRequest, rpc::ServiceConfigResponse>(
      caller_, loop_, kMethod, request_of(question, datacenter_),
      [done = std::move(done)](Result<rpc::ServiceConfigResponse> reply) mutable {
        reply ? done(known(std::move(*reply))) : done(reply.error());
      });
}

std::unique_ptr<CentralConfig::Followed> RpcCentralConfig::follow(Question question, std::uint64_t after,
                                                                  std::function<void(const Result<Known>&)> changed) {
  rpc::ServiceConfigRequest request = request_of(question, datacenter_);
  request.MinQueryIndex = after;
  return std::make_unique<FollowedConfig>(
      loop_, std::make_shared<Watcher>(loop_, caller_, std::move(request), ready_, std::move(changed)));
}

}  // namespace proconsul::agent::local
