#include "agent/rpc/followed_query.h"

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "catalog/types/common.h"

namespace proconsul::agent::rpc {

using base::Result;

namespace {

constexpr std::chrono::milliseconds kFirstPause{500};
constexpr int kMostDoublings = 5;  // 16 seconds

}  // namespace

class FollowedQuery::Asking : public std::enable_shared_from_this<Asking> {
 public:
  Asking(base::net::Loop& loop, Caller& caller, const Method& method, Make make, Told told)
      : loop_(loop), caller_(caller), method_(method), make_(std::move(make)), told_(std::move(told)) {}

  void ask() {
    if (stopped_) return;
    InvocationPtr call = make_(method_, index_);
    running_ = caller_.call(loop_, method_, call, [self = shared_from_this(), call](const Result<>& answered) {
      self->loop_.post([dead = std::move(self->running_)] {});  // it is on the stack
      if (self->stopped_) return;
      self->answered(answered ? Result<InvocationPtr>(call) : answered.error());
    });
  }
  void stop() {
    stopped_ = true;
    running_.reset();
  }

 private:
  void answered(Result<InvocationPtr> answer) {
    if (!answer) {
      const auto pause = kFirstPause * (1 << std::min(failures_++, kMostDoublings));
      const auto spread = std::chrono::milliseconds(base::system_random().below(kFirstPause.count()));
      loop_.after(pause + spread, [self = shared_from_this()] { self->ask(); });
      return told_(std::move(answer));
    }
    failures_ = 0;
    const catalog::QueryMeta* meta = (*answer)->meta();
    const std::uint64_t index = meta ? meta->Index : 0;
    const std::uint64_t before = index_;
    // One that went back belongs to another state: all is asked for anew.
    index_ = index < before ? 0 : std::max<std::uint64_t>(index, 1);
    if (index != before) told_(std::move(answer));
    if (!stopped_) loop_.post([self = shared_from_this()] { self->ask(); });
  }

  base::net::Loop& loop_;
  Caller& caller_;
  const Method& method_;
  const Make make_;
  const Told told_;
  std::unique_ptr<Running> running_{};
  std::uint64_t index_ = 0;
  int failures_ = 0;
  bool stopped_ = false;
};

FollowedQuery::FollowedQuery(base::net::Loop& loop, Caller& caller, std::string_view method, Make make, Told told)
    : asking_(std::make_shared<Asking>(loop, caller, *find_method(method), std::move(make), std::move(told))) {
  loop.post([asking = asking_] { asking->ask(); });
}

FollowedQuery::~FollowedQuery() {
  asking_->stop();
}

}  // namespace proconsul::agent::rpc
