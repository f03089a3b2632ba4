#include "agent/http/service_view.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/random.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using grpc::Code;

namespace {

constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::seconds kLongestPause{60};

/// The first failure costs nothing; then twice as long each time, and as much again by chance.
Clock::duration pause_after(unsigned failures) {
  if (failures < 2) return {};
  const auto most =
      std::min<std::chrono::nanoseconds>(kFirstPause * (std::int64_t{1} << std::min(failures - 2, 20u)), kLongestPause);
  const std::uint64_t stagger = base::system_random().below(static_cast<std::uint64_t>(most.count()));
  return most + std::chrono::nanoseconds(static_cast<std::int64_t>(stagger));
}

Error error_of(const grpc::Status& status) {
  const auto says = [&](std::string_view text) { return status.message.find(text) != std::string::npos; };
  if (status.code == Code::permission_denied || says("Permission denied") || says("ACL not found")) {
    return {Errc::permission_denied, status.message};
  }
  if (status.code == Code::cancelled) return {Errc::cancelled, status.message};  // by the agent's end
  return {status.code == Code::unavailable ? Errc::unavailable : Errc::internal, status.message};
}

}  // namespace

ServiceView::ServiceView(base::net::Loop& loop, const Context& agent, ServiceInstances::Request request, Means means)
    : loop_(loop),
      subscriber_(*agent.subscriber),
      means_(std::move(means)),
      instances_(agent, std::move(request), means_.most_bytes) {
  subscribe();
}

ServiceView::~ServiceView() {
  *alive_ = false;
}

void ServiceView::subscribe() {
  followed_ = false;
  call_ = subscriber_.subscribe(loop_, instances_.subscribe(), *this);
}

void ServiceView::received(grpc::Frames message) {
  const Result<bool> taken = instances_.take(std::string_view(*message).substr(grpc::kFrameHead));
  if (!taken) {
    instances_.forget();
    return stop_following(taken.error(), true);
  }
  if (*taken) {
    failures_ = 0;
    followed_ = true;
    tell_soon();
  }
  call_->consumed(message->size());
}

void ServiceView::tell_soon() {
  if (std::exchange(tell_posted_, true)) return;
  loop_.post([this, alive = alive_] {
    if (!*alive) return;
    tell_posted_ = false;
    if (instances_.index() > 0) means_.changed(instances_.index());
  });
}

void ServiceView::ended(const grpc::Status& status) {
  // To begin anew is what the server asked for; and who waits need not hear of a server that is gone, as long as the
  // next one takes its place.
  const bool expected = status.code == Code::aborted || (status.code == Code::unavailable && followed_);
  if (status.code == Code::aborted) instances_.forget();
  stop_following(error_of(status), !expected || failures_ > 0);
}

void ServiceView::stop_following(const Error& why, bool report) {
  call_.reset();
  ++failures_;
  const ServiceInstances::Request& request = instances_.request();
  log_.error("subscribe call failed", {{"err", why},
                                       {"failure_count", failures_},
                                       {"key", request.ServiceName},
                                       {"topic", grpc::topic_name(request.Connect ? grpc::Topic::service_health_connect
                                                                                  : grpc::Topic::service_health)}});
  arm(loop_, Clock::now() + pause_after(failures_));
  if (report) means_.failed(why);
}

}  // namespace proconsul::agent::http
