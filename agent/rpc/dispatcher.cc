#include "agent/rpc/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "agent/rpc/acl_places.h"
#include "agent/rpc/asking.h"
#include "agent/server/acl_settings.h"
#include "agent/tokens/abroad.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/watch.h"
#include "catalog/acl/builtin.h"
#include "catalog/registry/settings.h"
#include "catalog/store/store.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using base::net::Loop;

namespace {

constexpr std::int64_t kJitterFraction = 16;
constexpr int kMostEvaluations = 4;
constexpr auto kLeaderLook = std::chrono::milliseconds(20);  // whether another one leads by now
constexpr auto kLastWords = std::chrono::milliseconds(50);   // of a leader, once another one leads
constexpr int kMostServersElsewhere = 3;                     // that are tried for one call
constexpr int kMostFetches = 4;                              // of tokens, for one answer
constexpr auto kBusyPause = std::chrono::milliseconds(10);

/// 0 up to `most`, at random.
std::int64_t stagger(std::int64_t most) {
  return most <= 0 ? 0 : static_cast<std::int64_t>(base::system_random().next() % static_cast<std::uint64_t>(most));
}

std::atomic<std::size_t> blocked{0};

const base::metrics::Counter& queries() {
  static const base::metrics::Counter kQueries = base::metrics::counter("rpc.query");
  return kQueries;
}

}  // namespace

std::size_t blocking_calls() {
  return blocked.load(std::memory_order_relaxed);
}

/// The waits of one loop: wakes come from the thread that publishes.
class Dispatcher::Waits final : public base::WakeSink, base::net::Timer {
 public:
  Waits(Dispatcher& dispatcher, Loop& loop) : dispatcher_(dispatcher), loop_(loop) {}
  std::uint64_t add(Job& job) {
    jobs_.emplace(++last_token_, &job);
    return last_token_;
  }
  void remove(std::uint64_t token) { jobs_.erase(token); }
  void wake(std::vector<std::uint64_t> tokens) override;
  Loop& loop() const { return loop_; }
  /// A call is with the leader: whether another one leads by now is looked at as long as there is one.
  void asked(const std::string& leader) {
    if (forwarded_++ > 0) return;
    leader_ = leader;
    arm(loop_, Clock::now() + kLeaderLook);
  }
  void answered() { --forwarded_; }
  void stop() { cancel(); }

  std::unordered_set<Job*> running{};

 private:
  void on_timer() override;

  Dispatcher& dispatcher_;
  Loop& loop_;
  std::size_t forwarded_ = 0;
  std::string leader_{};  // by its address
  std::unordered_map<std::uint64_t, Job*> jobs_{};
  std::uint64_t last_token_ = 0;
};

class Dispatcher::Job final : public Running, base::net::Timer {
 public:
  Job(Dispatcher& dispatcher, Loop& loop, const Method& method, InvocationPtr invocation, Finished done)
      : dispatcher_(dispatcher),
        waits_(*dispatcher.waits_[loop.number()]),
        loop_(loop),
        method_(method),
        invocation_(std::move(invocation)),
        done_(std::move(done)),
        begun_(Clock::now()),
        retry_(dispatcher.settings_.times, method, Retry::Of::the_leader, begun_) {
    waits_.running.insert(this);
  }
  ~Job() override {
    *alive_ = false;
    if (call_) done_with_leader();
    waits_.running.erase(this);
    forget_watch();
  }

  void start() {
    loop_.post([this, alive = alive_] {
      if (*alive) route();
    });
  }
  void woken() { evaluate(); }
  /// If this call is still with another one, that one has a moment left to answer.
  void leader_changed(const std::string& leader) {
    if (!with_leader_ || asked_ == leader || pause_ == Pause::answer) return;
    pause_ = Pause::answer;
    arm(loop_, Clock::now() + kLastWords);
  }
  void stop() {
    if (watching_) return answer_with_meta();
    finish(Error{Errc::no_leader, kNoLeader});
  }

 private:
  enum class Pause : std::uint8_t { none, leader, deadline, answer };

  void route() {
    const Services& services = dispatcher_.services_;
    if (services.acl) {
      if (Result<> placed = settle_place(*services.acl, method_, *invocation_); !placed) return finish(placed.error());
    }
    const std::string_view datacenter = invocation_->datacenter();
    if ((method_.flags & kHere) == 0 && !datacenter.empty() && datacenter != dispatcher_.settings_.datacenter) {
      Result<Target> target = dispatcher_.cluster_.route(datacenter);
      if (!target) return finish(target.error());
      if (services.tokens && tokens::is_local(services.server.view()->tables(), invocation_->token())) {
        replace_field(*invocation_, "Token", "");
      }
      base::metrics::counter("rpc.cross-dc", {{"datacenter", std::string(datacenter)}}).add();
      return forward(*target, false);
    }
    to_leader();
  }

  void to_leader() {
    if (dispatcher_.stopping_) return finish(Error{Errc::no_leader, kNoLeader});
    const server::Leadership leadership = dispatcher_.services_.server.leadership();
    const catalog::QueryOptions* query = invocation_->query();
    const bool stale = query && query->AllowStale && method_.reads() && (method_.flags & kLeaderAlways) == 0 &&
                       leadership.may_show_stale();
    if (stale || (method_.flags & (kHere | kDatacenterOnly))) return here();
    if (leadership.is_leader) {
      verify_ = method_.reads() && !leadership.current;
      return here();
    }
    Result<Target> leader = dispatcher_.cluster_.leader();
    asked_ = leader ? leader->address : std::string();
    if (!leader) return failed_at_leader(leader.error());
    forward(*leader, true);
  }

  void forward(const Target& target, bool to_the_leader) {
    if (to_the_leader) {
      with_leader_ = true;
      waits_.asked(target.address);
    }
    call_ = dispatcher_.pool_.call(loop_, target, method_.name, invocation_,
                                   [this, target, to_the_leader](Result<> result) {
                                     // It is on the stack.
                                     loop_.post([dead = std::move(call_)] {});
                                     done_with_leader();
                                     if (result) return finish({});
                                     if (to_the_leader) return failed_at_leader(result.error());
                                     failed_elsewhere(target, result.error());
                                   });
  }

  void done_with_leader() {
    if (!std::exchange(with_leader_, false)) return;
    waits_.answered();
    if (pause_ == Pause::answer) cancel();
    pause_ = Pause::none;
  }

  /// It leads no longer and does not say what became of the call: perhaps it is frozen, or cut off.
  void give_up_leader() {
    call_.reset();
    done_with_leader();
    if (method_.reads()) return to_leader();
    finish(Error{Errc::unavailable, "leadership lost while committing log"});
  }

  /// Another server of that datacenter may do it, if this one never heard of it or it was a question.
  void failed_elsewhere(const Target& target, const Error& error) {
    const bool unheard = error.detail.starts_with(kNoConnection);
    const bool lost = unheard || is_eof(error.detail);
    if (lost || error.code == Errc::timeout) dispatcher_.cluster_.failed(target, error);
    const auto passed = Clock::now() - begun_;
    const bool late =
        std::chrono::nanoseconds(passed).count() > dispatcher_.settings_.times.rpc_hold_timeout.nanoseconds;
    if (!lost || late || (!unheard && !method_.reads()) || ++tries_elsewhere_ >= kMostServersElsewhere) {
      return finish(error);
    }
    const Result<Target> other = dispatcher_.cluster_.route(target.datacenter);
    if (!other || (other->node == target.node && other->address == target.address)) return finish(error);
    loop_.post([this, alive = alive_, other = *other] {
      if (*alive) forward(other, false);
    });
  }

  /// Tries again, or gives up.
  void failed_at_leader(const Error& error) {
    const auto pause = retry_.after(error, *invocation_, Clock::now(), base::system_random());
    if (!pause) return finish(error);
    pause_ = Pause::leader;
    again_at_ = Clock::now() + *pause;
    arm(loop_, std::min(again_at_, Clock::now() + kLeaderLook));
  }

  /// The same leader gets its pause; a new one is asked at once.
  void look_for_leader() {
    if (Clock::now() < again_at_ && !dispatcher_.stopping_ && !dispatcher_.leads()) {
      const Result<Target> leader = dispatcher_.cluster_.leader();
      if (!leader || leader->address == asked_) {
        pause_ = Pause::leader;
        return arm(loop_, std::min(again_at_, Clock::now() + kLeaderLook));
      }
    }
    to_leader();
  }

  /// Whether the error is about a token that is asked for now; then it goes on with `next`.
  bool fetches(const Error& error, void (Job::*next)()) {
    tokens::Resolver* const resolver = dispatcher_.services_.tokens;
    if (resolver == nullptr || !tokens::Resolver::is_pending(error) || ++fetches_ > kMostFetches) return false;
    resolver->fetch(error, [this, alive = alive_, &loop = loop_, next]() mutable {
      loop.post([this, alive = std::move(alive), next] {
        if (*alive) (this->*next)();
      });
    });
    return true;
  }

  void here() {
    if (Result<> allowed = permitted(); !allowed) {
      if (!fetches(allowed.error(), &Job::here)) finish(std::move(allowed));
      return;
    }
    if (!invocation_->is_query()) {
      // The answer may come from any thread, and after this job is gone.
      return invocation_->run(dispatcher_.services_,
                              [this, alive = alive_, &loop = loop_, invocation = invocation_](Result<> result) mutable {
                                loop.post([this, alive = std::move(alive), invocation = std::move(invocation),
                                           result = std::move(result)]() mutable {
                                  if (!*alive) return;
                                  // Handlers ask who it is before they do anything.
                                  if (!result && fetches(result.error(), &Job::here)) return;
                                  if (result) settle_meta();
                                  finish(std::move(result));
                                });
                              });
    }
    const catalog::QueryOptions* query = invocation_->query();
    min_index_ = query ? query->MinQueryIndex : 0;
    if (min_index_ > 0) {
      const std::int64_t wait = dispatcher_.settings_.times.wait_of(*query).nanoseconds;
      deadline_ = Clock::now() + std::chrono::nanoseconds(wait + stagger(wait / kJitterFraction));
    }
    evaluate();
  }

  /// What the method's row needs.
  Result<> permitted() const {
    const Services& services = dispatcher_.services_;
    if (method_.needs.access == acl::Access::none || !services.tokens) return {};
    const Result<tokens::Who> who = asking(services, invocation_->token());
    if (!who) return who.error();
    return tokens::require(*who, method_.needs, services.acl->node_name);
  }

  void evaluate() {
    const catalog::QueryOptions* query = invocation_->query();
    if (!query || !(query->RequireConsistent || verify_)) return evaluate_now();
    dispatcher_.services_.server.verify_leader([this, alive = alive_, &loop = loop_](Result<> leads) {
      loop.post([this, alive, leads = std::move(leads)]() mutable {
        if (!*alive) return;
        leads ? evaluate_now() : finish(std::move(leads));
      });
    });
  }

  void evaluate_now() {
    server::Server& server = dispatcher_.services_.server;
    for (int i = 0; i < kMostEvaluations; ++i) {
      forget_watch();
      base::KeySet keys;
      const auto view = server.view();
      queries().add();
      const Result<Found> found = invocation_->evaluate(dispatcher_.services_, *view, min_index_ > 0 ? &keys : nullptr);
      if (!found) {
        if (!fetches(found.error(), &Job::evaluate_now)) finish(found.error());
        return;
      }
      fetches_ = 0;
      const std::uint64_t index = invocation_->meta() ? std::max<std::uint64_t>(invocation_->meta()->Index, 1) : 1;
      if (min_index_ == 0 || Clock::now() >= deadline_) return answer_with_meta();
      const bool absent = *found == Found::no;
      if (absent && saw_absent_) min_index_ = std::max(min_index_, index);
      saw_absent_ |= absent;
      const bool went_back = index < last_index_;
      last_index_ = index;
      if (index > min_index_ || went_back || dispatcher_.stopping_) return answer_with_meta();
      token_ = waits_.add(*this);
      watching_ = true;
      blocked.fetch_add(1, std::memory_order_relaxed);
      watch_ = server.watches().watch(keys, waits_, token_);
      // A change between reading and watching must not be missed.
      if (server.view().get() == view.get()) {
        pause_ = Pause::deadline;
        return arm(loop_, deadline_);
      }
    }
    // Others write without a pause: look again soon, without hurry.
    pause_ = Pause::deadline;
    arm(loop_, std::min(deadline_, Clock::now() + kBusyPause));
  }

  void on_timer() override {
    switch (std::exchange(pause_, Pause::none)) {
      case Pause::leader:
        return look_for_leader();
      case Pause::answer:
        return give_up_leader();
      default:
        // While nothing has changed that the answer depends on, it stands, with the index that it had.
        if (watching_ && !watch_.fired() && Clock::now() >= deadline_) return answer_with_meta();
        return evaluate();
    }
  }

  void forget_watch() {
    if (!std::exchange(watching_, false)) return;
    blocked.fetch_sub(1, std::memory_order_relaxed);
    waits_.remove(token_);
    watch_.cancel();
    watch_ = {};
  }

  void settle_meta() {
    catalog::QueryMeta* meta = invocation_->meta();
    if (!meta) return;
    const server::Leadership leadership = dispatcher_.services_.server.leadership();
    meta->KnownLeader = leadership.known;
    meta->LastContact = leadership.is_leader ? base::Duration{} : leadership.last_contact;
    meta->Index = std::max<std::uint64_t>(meta->Index, 1);
    if (const catalog::QueryOptions* query = invocation_->query(); query && query->Token.empty()) {
      meta->ResultsFilteredByACLs = false;
    }
  }
  void answer_with_meta() {
    settle_meta();
    finish({});
  }

  /// The caller may drop this job.
  void finish(Result<> result) {
    cancel();
    forget_watch();
    if (!done_) return;
    Finished done = std::move(done_);
    done_ = nullptr;
    done(std::move(result));
  }

  Dispatcher& dispatcher_;
  Waits& waits_;
  Loop& loop_;
  const Method& method_;
  const InvocationPtr invocation_;
  Finished done_;
  const Clock::time_point begun_;
  Retry retry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Pool::Call> call_{};
  base::Watch watch_{};
  std::uint64_t token_ = 0;
  std::uint64_t min_index_ = 0;
  std::uint64_t last_index_ = 0;
  Clock::time_point deadline_{};
  std::string asked_{};  // the leader that was asked last
  Clock::time_point again_at_{};
  int tries_elsewhere_ = 0;
  int fetches_ = 0;
  Pause pause_ = Pause::none;
  bool with_leader_ = false;
  bool verify_ = false;  // who leads since a moment ago, or does not hear from the others, asks itself
  bool watching_ = false;
  bool saw_absent_ = false;
};

void Dispatcher::Waits::wake(std::vector<std::uint64_t> tokens) {
  loop_.post([this, tokens = std::move(tokens)] {
    for (const std::uint64_t token : tokens) {
      const auto found = jobs_.find(token);
      if (found != jobs_.end()) found->second->woken();
    }
  });
}

void Dispatcher::Waits::on_timer() {
  const Result<Target> leader = dispatcher_.cluster_.leader();
  std::string now = leader ? leader->address : std::string();
  if (dispatcher_.leads()) now = "here";
  if (!now.empty() && now != leader_) {
    leader_ = now;
    for (Job* job : running) job->leader_changed(now);
  }
  if (forwarded_ > 0) arm(loop_, Clock::now() + kLeaderLook);
}

Dispatcher::Dispatcher(base::net::Loops& loops, Services services, Cluster& cluster, Pool& pool, Settings settings)
    : loops_(loops), services_(std::move(services)), cluster_(cluster), pool_(pool), settings_(std::move(settings)) {
  services_.caller = this;
  services_.loops = &loops;
  for (std::size_t i = 0; i < loops.size(); ++i) waits_.push_back(std::make_unique<Waits>(*this, loops[i]));
}

Dispatcher::~Dispatcher() {
  stop();
}

std::string Dispatcher::server_token() const {
  return std::string(catalog::system_metadata(services_.server.view()->tables(), catalog::kServerManagementToken));
}

void Dispatcher::stop() {
  if (stopping_.exchange(true)) return;
  for (const auto& waits : waits_) {
    waits->loop().run([&waits] {
      waits->stop();
      const std::vector<Job*> jobs(waits->running.begin(), waits->running.end());
      for (Job* job : jobs) {
        if (waits->running.contains(job)) job->stop();
      }
    });
  }
}

std::unique_ptr<Running> Dispatcher::call(Loop& loop, const Method& method, InvocationPtr invocation, Finished done) {
  auto job = std::make_unique<Job>(*this, loop, method, std::move(invocation), std::move(done));
  job->start();
  return job;
}

}  // namespace proconsul::agent::rpc
