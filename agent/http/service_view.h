// The instances of a service as another server has them, kept current by a subscription that is made anew whenever it
// ends. When that is an error, and how long it then waits, are the rules of Consul's clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "agent/grpc/subscriber.h"
#include "agent/http/context.h"
#include "agent/http/service_instances.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::http {

/// Lives on one loop.
class ServiceView final : grpc::RetriedCall::User, base::net::Timer {
 public:
  struct Means {
    /// The instances are other ones, as of that index. Changes that come together count as one. Must not drop the view.
    std::function<void(std::uint64_t index)> changed{};
    /// The subscription could not be had. The view tries on; what it shows stays. Must not drop the view.
    std::function<void(const base::Error& why)> failed{};
    std::size_t most_bytes = std::size_t{128} << 20;  // of what it keeps
  };

  /// Begins to follow; hears nothing within this call. `agent` outlives it; the request's filter is right.
  ServiceView(base::net::Loop& loop, const Context& agent, ServiceInstances::Request request, Means means);
  ~ServiceView() override;

  const ServiceInstances& instances() const { return instances_; }

 private:
  void received(grpc::Frames message) override;
  void ended(const grpc::Status& status) override;
  void on_timer() override { subscribe(); }
  void subscribe();
  void tell_soon();
  void stop_following(const base::Error& why, bool report);

  base::net::Loop& loop_;
  const grpc::Subscriber& subscriber_;
  const Means means_;
  const base::log::Logger log_{"agent.rpcclient.health"};
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<grpc::RetriedCall> call_{};
  ServiceInstances instances_;
  unsigned failures_ = 0;  // since the last news
  bool followed_ = false;  // this subscription brought news
  bool tell_posted_ = false;
};

}  // namespace proconsul::agent::http
