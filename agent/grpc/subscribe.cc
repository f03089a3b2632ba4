#include "agent/grpc/subscribe.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <unordered_set>
#include <utility>

#include "agent/grpc/readable_events.h"
#include "agent/tokens/abroad.h"
#include "base/watch.h"
#include "catalog/store/store.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Result;
using base::net::Clock;
using base::net::Timer;

namespace {

constexpr std::size_t kMostUnsent = std::size_t{4} << 20;  // bytes of live events that a subscriber may leave unread
constexpr std::chrono::milliseconds kLeaderPause{100};
constexpr std::chrono::seconds kTokenLook{30};  // where no change of the state tells that a token has changed
constexpr int kMostFetches = 4;                 // of a token, one after the other
constexpr const char* kAclChanged = "subscription closed by server, ACL change occurred";
constexpr const char* kStartAnew = "subscription closed by server, client must reset state and resubscribe";

bool is_config_topic(Topic topic) {
  switch (topic) {
    case Topic::mesh_config:
    case Topic::service_resolver:
    case Topic::ingress_gateway:
    case Topic::service_intentions:
    case Topic::service_defaults:
    case Topic::api_gateway:
    case Topic::tcp_route:
    case Topic::http_route:
    case Topic::inline_certificate:
    case Topic::bound_api_gateway:
    case Topic::sameness_group:
    case Topic::jwt_provider:
    case Topic::exported_services:
    case Topic::file_system_certificate:
      return true;
    case Topic::unknown:
    case Topic::service_health:
    case Topic::service_health_connect:
    case Topic::service_list:
    case Topic::ip_rate_limit:  // of which there is one, so it has no key
      return false;
  }
  return false;
}

/// A subject that is well formed may still be none of its topic's. Like Consul's, such errors have no code of their
/// own.
Result<> check_topic(const Subject& subject) {
  const bool is_health = subject.topic == Topic::service_health || subject.topic == Topic::service_health_connect;
  if (is_health && subject.wildcard) {
    return {Errc::invalid_argument, "topic " + topic_name(subject.topic) + " does not support wildcard subscriptions"};
  }
  if (is_health || is_config_topic(subject.topic) || subject.topic == Topic::service_list ||
      subject.topic == Topic::ip_rate_limit) {
    return {};
  }
  return {Errc::invalid_argument, "unknown topic " + topic_name(subject.topic)};
}

}  // namespace

Result<Subject> subject_of(const SubscribeRequest& request) {
  Subject subject;
  subject.topic = static_cast<Topic>(request.Topic);
  if (request.WildcardSubject) {
    subject.wildcard = true;
    return subject;
  }
  subject.key = request.NamedSubject ? request.NamedSubject->Key : request.Key;
  subject.peer = request.NamedSubject ? request.NamedSubject->PeerName : request.PeerName;
  if (subject.key.empty()) {
    return {Errc::invalid_argument, "either WildcardSubject or NamedSubject.Key is required"};
  }
  if (subject.topic == Topic::service_health || subject.topic == Topic::service_health_connect) return subject;
  subject.peer.clear();
  if (is_config_topic(subject.topic)) return subject;
  if (subject.topic == Topic::service_list) {
    return {Errc::invalid_argument, "topic ServiceList can only be consumed using WildcardSubject"};
  }
  return {Errc::invalid_argument, "cannot construct subject for topic " + topic_name(subject.topic)};
}

namespace {

/// A call of another server, whose answers are those to ours. What our client does not read is not read of it either.
class Relay final : RetriedCall::User {
 public:
  Relay(Call& ours, const Subscriber& subscriber, const std::string& datacenter, Frames request)
      : ours_(ours), theirs_(subscriber.subscribe(ours.loop(), datacenter, std::move(request), *this)) {}
  void sent() { theirs_->consumed(std::exchange(unread_, 0)); }

 private:
  void received(Frames message) override {
    unread_ += message->size();
    ours_.send(std::move(message));
    if (!ours_.tell_when_sent()) sent();
  }
  void ended(const Status& status) override { ours_.end(status); }

  Call& ours_;
  const std::unique_ptr<RetriedCall> theirs_;
  std::size_t unread_ = 0;
};

}  // namespace

/// The subscriptions of one loop whose token decides what they see: when that may have changed, they look again.
/// Outlives the store's writer, as the publisher does.
class SubscribeService::Guard final : base::WakeSink {
 public:
  Guard(base::net::Loop& loop, server::Server& server) : loop_(loop), server_(server) {}
  ~Guard() override { *alive_ = false; }
  void add(Subscription& subscription) {
    subscriptions_.insert(&subscription);
    if (!watch_) watch();
  }
  void remove(Subscription& subscription) {
    subscriptions_.erase(&subscription);
    if (subscriptions_.empty()) stop();
  }
  void stop() {
    watch_.cancel();
    watch_ = {};
  }

 private:
  void wake(std::vector<std::uint64_t>) override {
    loop_.post([this, alive = alive_] {
      if (*alive && !subscriptions_.empty()) look();
    });
  }
  void watch() {
    base::KeySet keys;
    for (const char* table : {"acl-tokens", "acl-policies", "acl-roles"}) {
      catalog::watch_key(&keys, catalog::Topic::index, table);
    }
    watch_ = server_.watches().watch(keys, *this, 0);
  }
  void look();

  base::net::Loop& loop_;
  server::Server& server_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unordered_set<Subscription*> subscriptions_{};
  base::Watch watch_{};
};

/// One call. While no leader was ever heard of, it waits: what is on disk here may be anything.
class SubscribeService::Subscription final : public Handler, EventPublisher::Subscriber, Timer {
 public:
  Subscription(SubscribeService& service, Call& call)
      : service_(service), call_(call), publisher_(*service.publishers_[call.loop().number()]) {}
  ~Subscription() override {
    *alive_ = false;
    publisher_.unsubscribe(*this);
    if (who_) service_.guards_[call_.loop().number()]->remove(*this);
  }
  /// Tokens, policies or roles are other ones now.
  void look_again() {
    const Result<tokens::Who> who = resolve();
    if (!who && fetches(who.error(), &Subscription::look_again)) return;
    if (!who) return call_.end({Code::unknown, who.error().detail});
    fetches_ = 0;
    if (who->permissions != who_->permissions) call_.end({Code::aborted, kAclChanged});
  }

  void received(std::string_view message) override {
    if (const Result<> parsed = schema().parse(message, request_); !parsed) {
      const std::string why = "grpc: failed to unmarshal the received message: " + parsed.error().detail;
      return call_.end({Code::internal, why});
    }
    if (!request_.Datacenter.empty() && request_.Datacenter != service_.settings_.datacenter) {
      return go_elsewhere(message);
    }
    deadline_ = Clock::now() + std::chrono::nanoseconds(service_.settings_.hold_timeout.nanoseconds);
    begin();
  }

 private:
  void begin() {
    const server::Leadership leadership = service_.server_.leadership();
    if (!leadership.is_leader && !leadership.may_show_stale()) {
      if (Clock::now() >= deadline_) return call_.end({Code::unknown, rpc::kNoLeader});
      return arm(call_.loop(), std::min(deadline_, Clock::now() + kLeaderPause));
    }
    if (service_.settings_.tokens) {
      Result<tokens::Who> who = resolve();
      if (!who && fetches(who.error(), &Subscription::begin)) return;
      if (!who) return call_.end({Code::unknown, who.error().detail});
      service_.guards_[call_.loop().number()]->add(*this);
      who_ = std::move(*who);
      look_again();  // what changed before the guard looked out for it
    }
    const Result<Subject> subject = subject_of(request_);
    if (!subject) return call_.end({Code::invalid_argument, subject.error().detail});
    if (const Result<> known = check_topic(*subject); !known) return call_.end({Code::unknown, known.error().detail});
    publisher_.subscribe(*subject, request_.Index, *this);
    beginning_ = call_.unsent();
    look_in_time();
  }
  void on_timer() override {
    if (!who_) return begin();
    look_again();
    look_in_time();
  }
  /// Nothing in this state tells of a change of a token that is asked for.
  void look_in_time() {
    if (who_ && service_.settings_.tokens->fetches()) arm(call_.loop(), Clock::now() + kTokenLook);
  }
  /// Whether the error is about a token that is asked for now; then it goes on with `next`.
  bool fetches(const base::Error& error, void (Subscription::*next)()) {
    if (!tokens::Resolver::is_pending(error) || ++fetches_ > kMostFetches) return false;
    service_.settings_.tokens->fetch(error, [this, alive = alive_, &loop = call_.loop(), next]() mutable {
      loop.post([this, alive = std::move(alive), next] {
        if (*alive) (this->*next)();
      });
    });
    return true;
  }
  Result<tokens::Who> resolve() const {
    return service_.settings_.tokens->resolve(service_.server_.view()->tables(), request_.Token);
  }

  void go_elsewhere(std::string_view message) {
    if (!service_.cluster_.route(request_.Datacenter)) return call_.end({Code::unavailable, kNoAddresses});
    auto request = std::make_shared<std::string>();
    const bool stripped =
        service_.settings_.tokens && tokens::is_local(service_.server_.view()->tables(), request_.Token);
    if (stripped) request_.Token.clear();
    append_frame(*request, [&] { stripped ? schema().append(*request, request_) : void(*request += message); });
    relay_ = std::make_unique<Relay>(call_, service_.elsewhere_, request_.Datacenter, std::move(request));
  }
  void sent() override {
    if (relay_) relay_->sent();
  }

  bool deliver(const Frames& all) override {
    const Frames events = who_ ? readable(*who_, all) : all;
    if (events->empty()) return true;
    // The snapshot may be as large as it is; what comes behind it must be read.
    if (beginning_ && call_.unsent() + events->size() > *beginning_ + kMostUnsent) {
      closed();
      return false;
    }
    call_.send(events);
    return true;
  }
  void closed() override { call_.end({Code::aborted, kStartAnew}); }

  SubscribeService& service_;
  Call& call_;
  EventPublisher& publisher_;
  SubscribeRequest request_{};
  std::optional<tokens::Who> who_{};  // where ACLs are on, once it has begun
  int fetches_ = 0;                   // of the token
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Relay> relay_{};  // of another datacenter's
  Clock::time_point deadline_{};
  std::optional<std::size_t> beginning_{};  // bytes of the snapshot that were to be sent; unset before there is one
};

void SubscribeService::Guard::look() {
  watch();  // before looking: what changes meanwhile is looked at again
  const std::vector<Subscription*> all(subscriptions_.begin(), subscriptions_.end());
  for (Subscription* subscription : all) {
    if (subscriptions_.contains(subscription)) subscription->look_again();
  }
}

SubscribeService::SubscribeService(base::net::Loops& loops, server::Server& server, const rpc::Cluster& cluster,
                                   const Subscriber& elsewhere, Settings settings)
    : loops_(loops), server_(server), cluster_(cluster), elsewhere_(elsewhere), settings_(std::move(settings)) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    publishers_.push_back(std::make_unique<EventPublisher>(loops[i], server));
    guards_.push_back(std::make_unique<Guard>(loops[i], server));
  }
}

SubscribeService::~SubscribeService() = default;

void SubscribeService::add_to(Services& services) {
  services.add("subscribe.StateChangeSubscription",
               {{.name = "Subscribe", .shape = Shape::server_stream, .start = [this](Call& call) {
                   return std::make_unique<Subscription>(*this, call);
                 }}});
}

void SubscribeService::stop() {
  if (std::exchange(stopped_, true)) return;
  for (std::size_t i = 0; i < publishers_.size(); ++i) {
    loops_[i].run([&] {
      publishers_[i]->stop();
      guards_[i]->stop();
    });
  }
}

}  // namespace proconsul::agent::grpc
