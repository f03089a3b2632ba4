#include "agent/cluster/coordinate_sender.h"

#include <algorithm>
#include <utility>

#include "agent/rpc/types.h"
#include "agent/tokens/who.h"
#include "base/strconv.h"

namespace proconsul::agent::cluster {

using base::Result;
using gossip::serf::Member;

base::Duration scaled_interval(double rate, base::Duration least, std::size_t nodes) {
  constexpr double kLeastRate = 1.0 / 86400;  // below once a day it is no rate
  if (rate <= kLeastRate) return least;
  const double interval = 1e9 * static_cast<double>(nodes) / rate;
  return std::max(least, base::Duration{static_cast<std::int64_t>(interval)});
}

namespace {

/// Every server knows what a coordinate is; false also without any server.
bool servers_understand(const Pools& pools) {
  constexpr std::int64_t kProtocol = 3;  // the first with coordinates
  bool any = false;
  for (const gossip::serf::MemberPtr& member : pools.members(false)) {
    const auto tag = [&member](const char* name) {
      const auto found = member->Tags.find(name);
      return found == member->Tags.end() ? std::string() : found->second;
    };
    if (tag("role") != "consul") continue;
    const Result<std::int64_t> least = base::parse_int(tag("vsn_min")), most = base::parse_int(tag("vsn_max"));
    if (!least || !most || kProtocol < *least || kProtocol > *most) return false;
    any = true;
  }
  return any;
}

}  // namespace

class CoordinateSender::Cycle final : base::net::Timer {
 public:
  Cycle(base::net::Loop& loop, rpc::Caller& caller, const Pools& pools, Options options)
      : loop_(loop), caller_(caller), pools_(pools), options_(std::move(options)) {}
  void wait() {
    base::Duration pause = scaled_interval(options_.rate, options_.interval_min, pools_.view(false)->members.size());
    if (pause.nanoseconds > 0) {
      pause.nanoseconds +=
          static_cast<std::int64_t>(base::system_random().below(static_cast<std::uint64_t>(pause.nanoseconds)));
    }
    arm(loop_, base::net::Clock::now() + std::chrono::nanoseconds(pause.nanoseconds));
  }

 private:
  void on_timer() override {
    if (!servers_understand(pools_)) {
      log_.debug("Skipping coordinate updates until servers are upgraded");
      return wait();
    }
    if (options_.ready && !options_.ready()) return wait();
    const gossip::PoolViewPtr view = pools_.view(false);
    const catalog::NetworkCoordinate* own = view->coordinates.get(view->local_name);
    const rpc::Method& method = *rpc::find_method("Coordinate.Update");
    rpc::InvocationPtr invocation = method.make();
    using Update = rpc::TypedInvocation<catalog::CoordinateUpdateRequest, rpc::Nothing>;
    catalog::CoordinateUpdateRequest& request = static_cast<Update&>(*invocation).request;
    request.Datacenter = options_.datacenter;
    request.Node = options_.node;
    if (options_.token) request.Token = options_.token();
    request.Coord.emplace() = own != nullptr ? *own : catalog::NetworkCoordinate::origin();
    running_ = caller_.call(loop_, method, std::move(invocation), [this](const Result<>& sent) {
      loop_.post([dead = std::move(running_)] {});  // it is on the stack
      if (!sent && tokens::is_refusal(sent.error())) {
        log_.warn("Coordinate update blocked by ACLs", {{"error", sent.error()}});
        return wait();
      }
      if (!sent) log_.error("Coordinate update error", {{"error", sent.error()}});
      wait();
    });
  }

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const Pools& pools_;
  const Options options_;
  const base::log::Logger log_{"agent"};
  std::unique_ptr<rpc::Running> running_{};
};

CoordinateSender::CoordinateSender(base::net::Loop& loop, rpc::Caller& caller, const Pools& pools, Options options)
    : loop_(loop), cycle_(std::make_unique<Cycle>(loop, caller, pools, std::move(options))) {
  loop_.run([this] { cycle_->wait(); });
}

CoordinateSender::~CoordinateSender() {
  loop_.run([this] { cycle_.reset(); });
}

}  // namespace proconsul::agent::cluster
