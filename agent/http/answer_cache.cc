#include "agent/http/answer_cache.h"

#include <algorithm>
#include <utility>

#include "agent/http/ask.h"
#include "agent/http/service_view.h"
#include "base/metrics.h"
#include "base/random.h"

namespace proconsul::agent::http {

using base::Error;
using base::Result;
using base::net::Loop;

namespace {

constexpr auto kIdle = std::chrono::hours(72);
constexpr auto kStreamIdle = std::chrono::minutes(20);
constexpr auto kSweepEvery = std::chrono::minutes(1);
constexpr base::Duration kQueryTime = base::seconds(600);
constexpr auto kSurelyConnected = std::chrono::seconds(31);  // a query that has waited so long has reached a server
constexpr int kFailuresBeforeBackOff = 3;
constexpr auto kMostBackOff = std::chrono::seconds(60);
constexpr std::size_t kEntryOverhead = 1024;

/// Counters of one kind of entry, as Consul's cache names it.
struct KindMetrics {
  explicit KindMetrics(const std::string& kind)
      : hit(base::metrics::counter("cache." + kind + ".hit")),
        miss_new(base::metrics::counter("cache." + kind + ".miss_new")),
        miss_block(base::metrics::counter("cache." + kind + ".miss_block")),
        success(base::metrics::counter("cache." + kind + ".fetch_success", {{"result_not_modified", "false"}})),
        error(base::metrics::counter("cache." + kind + ".fetch_error", {{"fatal", "false"}})),
        fatal(base::metrics::counter("cache." + kind + ".fetch_error", {{"fatal", "true"}})) {}
  base::metrics::Counter hit, miss_new, miss_block, success, error, fatal;
};

const KindMetrics& metrics_of(const Route& route) {
  static const KindMetrics kServices("catalog-services"), kServiceList("catalog-list-services"),
      kDatacenters("catalog-datacenters"), kQuery("prepared-query"), kHealth("health-services");
  const std::string_view rpc = route.says.rpc;
  if (rpc == "Catalog.ServiceNodes") return kServices;
  if (rpc == "Catalog.ListServices") return kServiceList;
  if (rpc == "Catalog.ListDatacenters") return kDatacenters;
  return rpc == "PreparedQuery.Execute" ? kQuery : kHealth;
}

struct CacheMetrics {
  base::metrics::Counter success =
      base::metrics::counter("cache.fetch_success", {{"result_not_modified", "false"}}, "Fetches that succeeded.");
  base::metrics::Counter error = base::metrics::counter("cache.fetch_error", {{"fatal", "false"}});
  base::metrics::Counter fatal = base::metrics::counter("cache.fetch_error", {{"fatal", "true"}});
  base::metrics::Counter expired =
      base::metrics::counter("cache.evict_expired", {}, "Entries that nobody asked for any more.");
  base::metrics::Counter bypass =
      base::metrics::counter("cache.bypass", {}, "Requests that were not answered through the cache.");
  base::metrics::Gauge entries = base::metrics::gauge("cache.entries_count", {}, "Answers that are kept.");
};

const CacheMetrics& cache_metrics() {
  static const CacheMetrics kMetrics;
  return kMetrics;
}

std::chrono::nanoseconds back_off(int failures) {
  if (failures <= kFailuresBeforeBackOff) return {};
  const int shift = std::min(failures - kFailuresBeforeBackOff, 30);
  const auto wait = std::min<std::chrono::nanoseconds>(std::chrono::seconds(std::int64_t{1} << shift), kMostBackOff);
  const auto stagger = base::system_random().next() % static_cast<std::uint64_t>(wait.count());
  return wait + std::chrono::nanoseconds(static_cast<std::int64_t>(stagger));
}

}  // namespace

Reply reply_of(const std::shared_ptr<const KeptAnswer>& kept) {
  const Reply& made = kept->answer.reply;
  Reply reply{.status = made.status, .type = made.type, .headers = made.headers};
  for (std::size_t i = 0; i < made.body.pieces(); ++i) reply.body.append_borrowed(made.body.piece(i));
  reply.body.hold(kept);
  return reply;
}

struct AnswerCache::Entry {
  std::string key{};
  const Route* route = nullptr;
  const KindMetrics* counts = nullptr;  // null: a view, which is none of Consul's cache's
  Loop* loop = nullptr;
  bool refreshes = false;
  std::chrono::nanoseconds idle{};
  // On its loop.
  std::shared_ptr<Request> request{};
  Question question{};
  std::unique_ptr<rpc::Running> running{};
  std::optional<ServiceInstances::Request> viewed{};
  std::unique_ptr<ServiceView> view{};
  void give_up() {
    running.reset();
    view.reset();
  }
  // By the cache's lock.
  std::shared_ptr<const KeptAnswer> kept{};  // null: nothing yet
  std::optional<Error> error{};              // newer than what is kept
  std::uint64_t index = 0;
  Clock::time_point used{}, fetched{};
  Clock::time_point asked{};                // when the fetch under way began
  std::optional<Clock::time_point> lost{};  // servers do not answer since
  TokenBucket rate{};
  int failures = 0;
  std::uint64_t turn = 0;  // of the fetch that is due
  bool fetching = false;
  bool dropped = false;
  std::size_t bytes = 0;
  std::vector<Waiter> waiters{};
};

AnswerCache::AnswerCache(Context& context, const Options& options) : context_(context), options_(options) {}
AnswerCache::~AnswerCache() = default;

void AnswerCache::stop() {
  std::vector<EntryPtr> all;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    all.assign(by_use_.begin(), by_use_.end());
    for (const EntryPtr& entry : all) entry->waiters.clear();
    by_ticket_.clear();
    by_key_.clear();
    by_use_.clear();
  }
  if (context_.loops == nullptr) return;
  for (std::size_t i = 0; i < context_.loops->size(); ++i) {
    Loop& loop = (*context_.loops)[i];
    loop.run([&] {
      for (const EntryPtr& entry : all) {
        if (entry->loop == &loop) entry->give_up();
      }
    });
  }
}

void AnswerCache::limit(double fetch_rate, std::int64_t fetch_burst) {
  const std::lock_guard lock(mutex_);
  if (fetch_rate == options_.fetch_rate && fetch_burst == options_.fetch_burst) return;
  options_.fetch_rate = fetch_rate;
  options_.fetch_burst = fetch_burst;
  for (const EntryPtr& entry : by_use_) entry->rate.set(fetch_rate, fetch_burst);
}

std::size_t AnswerCache::entries() const {
  const std::lock_guard lock(mutex_);
  return by_use_.size();
}

bool AnswerCache::suits(const Entry& entry, std::uint64_t min_index) {
  return entry.kept && (!entry.refreshes || min_index < entry.index);
}

std::uint64_t AnswerCache::age_of(const Entry& entry) {
  const Clock::time_point now = Clock::now();
  if (!entry.refreshes)
    return static_cast<std::uint64_t>(std::chrono::round<std::chrono::seconds>(now - entry.fetched).count());
  if (!entry.lost || entry.viewed) return 0;
  if (entry.fetching && entry.index > 0 && now - entry.asked > kSurelyConnected) return 0;
  return static_cast<std::uint64_t>(std::chrono::round<std::chrono::seconds>(now - *entry.lost).count());
}

std::optional<AnswerCache::Found> AnswerCache::get(std::string key, const Request& request, const Route& route,
                                                   const ServiceInstances::Request* viewed, Done done,
                                                   std::uint64_t& ticket) {
  const QueryOptions& options = request.options;
  const std::lock_guard lock(mutex_);
  if (stopped_) return Found{.answer = Error{base::Errc::unavailable, "the agent is shutting down"}};
  const auto known = by_key_.find(key);
  EntryPtr entry = known == by_key_.end() ? nullptr : *known->second;
  if (entry) {
    by_use_.splice(by_use_.begin(), by_use_, known->second);
    entry->used = Clock::now();
    const bool too_old = !entry->refreshes && options.max_age && options.max_age->nanoseconds > 0 &&
                         Clock::now() - entry->fetched > std::chrono::nanoseconds(options.max_age->nanoseconds);
    const bool again = !entry->refreshes && options.must_revalidate && !entry->fetching;
    if (suits(*entry, options.min_index) && !too_old && !again) {
      if (entry->counts) entry->counts->hit.add();
      return Found{.answer = entry->kept, .hit = true, .age = age_of(*entry)};
    }
  } else {
    entry = add(std::move(key), request, route, viewed);
    if (!entry) {
      if (!viewed) cache_metrics().bypass.add();
      return Found{.answer = Error{base::Errc::too_large, "the cache is full"}};
    }
  }
  if (entry->counts) (options.min_index > 0 ? entry->counts->miss_block : entry->counts->miss_new).add();
  ticket = ++last_ticket_;
  entry->waiters.push_back({.ticket = ticket, .min_index = options.min_index, .done = std::move(done)});
  by_ticket_.emplace(ticket, entry);
  begin_fetch(entry);
  return std::nullopt;
}

std::shared_ptr<const KeptAnswer> AnswerCache::leave(std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = by_ticket_.find(ticket);
  if (found == by_ticket_.end()) return nullptr;
  const EntryPtr entry = found->second.lock();
  by_ticket_.erase(found);
  if (!entry) return nullptr;
  std::erase_if(entry->waiters, [&](const Waiter& waiter) { return waiter.ticket == ticket; });
  if (entry->viewed) entry->used = Clock::now();  // a view is in use for as long as somebody waits for it
  return entry->kept;
}

AnswerCache::EntryPtr AnswerCache::add(std::string key, const Request& request, const Route& route,
                                       const ServiceInstances::Request* viewed) {
  while (by_use_.size() >= options_.most_entries) {
    if (!make_room(nullptr)) return nullptr;
  }
  auto entry = std::make_shared<Entry>();
  entry->key = std::move(key);
  entry->route = &route;
  entry->loop = &context_.loops->next();
  entry->refreshes = !(route.flags & kNotRefreshed);
  if (viewed) {
    entry->viewed = *viewed;
    entry->idle = kStreamIdle;
    // Whose time is over before anything has come gets this.
    entry->kept = std::make_shared<const KeptAnswer>(KeptAnswer{.answer = {.reply = json("[]")}, .meta = {}});
    ++views_;
  } else {
    entry->counts = &metrics_of(route);
    entry->idle = kIdle;
    entry->request = request.own();
  }
  entry->used = Clock::now();
  entry->rate.set(options_.fetch_rate, options_.fetch_burst);
  entry->bytes = kEntryOverhead + entry->key.size();
  bytes_ += entry->bytes;
  by_use_.push_front(entry);
  by_key_.emplace(std::string_view(entry->key), by_use_.begin());
  cache_metrics().entries.set(static_cast<double>(by_use_.size() - views_));
  begin_sweeping(*entry->loop);
  return entry;
}

/// Forgets what was used the longest ago and nobody waits for. False: there is no such entry.
bool AnswerCache::make_room(const Entry* but) {
  for (auto at = by_use_.rbegin(); at != by_use_.rend(); ++at) {
    if (!(*at)->waiters.empty() || at->get() == but) continue;
    drop(EntryPtr(*at));
    return true;
  }
  return false;
}

void AnswerCache::drop(const EntryPtr& entry) {
  const auto found = by_key_.find(entry->key);
  if (found == by_key_.end()) return;
  entry->dropped = true;
  bytes_ -= entry->bytes;
  const auto place = found->second;
  by_key_.erase(found);
  by_use_.erase(place);
  if (entry->viewed) --views_;
  cache_metrics().entries.set(static_cast<double>(by_use_.size() - views_));
  entry->loop->post([entry] { entry->give_up(); });
}

void AnswerCache::begin_fetch(const EntryPtr& entry) {
  if (entry->fetching || entry->dropped || stopped_) return;
  entry->fetching = true;
  ++entry->turn;
  entry->asked = Clock::now();
  entry->loop->post([self = shared_from_this(), entry] { entry->viewed ? self->begin_view(entry) : self->ask(entry); });
}

/// Unless somebody comes for it before.
void AnswerCache::fetch_later(const EntryPtr& entry, Clock::duration delay) {
  entry->loop->post([self = shared_from_this(), entry, delay, turn = ++entry->turn] {
    entry->loop->after(delay, [self, entry, turn] {
      const std::lock_guard lock(self->mutex_);
      if (entry->turn == turn) self->begin_fetch(entry);
    });
  });
}

void AnswerCache::ask(const EntryPtr& entry) {
  std::uint64_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || entry->dropped) return;
    if (!entry->rate.take(Clock::now())) {
      const auto pause = std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double>(std::clamp(1 / std::max(options_.fetch_rate, 1e-3), 0.001, 60.0)));
      entry->loop->after(pause, [self = shared_from_this(), entry] { self->ask(entry); });
      return;
    }
    index = entry->refreshes ? entry->index : 0;
  }
  // Any server may answer: what is kept may be old anyway.
  QueryOptions& options = entry->request->options;
  options.min_index = index;
  options.wait = index > 0 ? kQueryTime : base::Duration{};
  options.stale = true;
  options.consistent = false;
  options.max_stale = {};
  Result<Question> question = entry->route->handler.ask(context_, *entry->request);
  if (!question) return fetched(entry, question.error());
  entry->question = std::move(*question);
  entry->running = context_.caller->call(
      *entry->loop, *entry->question.method, entry->question.call, [self = shared_from_this(), entry](Result<> result) {
        entry->loop->post([dead = std::move(entry->running)] {});  // it is on the stack
        if (!result) return self->fetched(entry, asked_error(result.error()));
        Result<Answer> answer = entry->question.show({self->context_, *entry->request}, *entry->question.call);
        if (!answer) return self->fetched(entry, answer.error());
        KeptAnswer kept{.answer = std::move(*answer), .meta = {}};
        if (const catalog::QueryMeta* meta = entry->question.call->meta()) kept.meta = *meta;
        entry->question = {};
        self->fetched(entry, std::move(kept));
      });
}

void AnswerCache::fetched(const EntryPtr& entry, Result<KeptAnswer> answer) {
  Wakes wakes;
  {
    const std::lock_guard lock(mutex_);
    entry->fetching = false;
    if (stopped_) return;
    const bool fatal = !answer && answer.error().detail.find("ACL not found") != std::string::npos;
    if (answer) {
      // An index of 0 would make the next query answer at once, again and again.
      const std::uint64_t index = answer->meta.Index;
      entry->failures = index > 0 ? 0 : entry->failures + 1;
      entry->lost.reset();
      const std::size_t bytes = answer->answer.reply.body.size();
      keep(*entry, std::move(*answer), std::max<std::uint64_t>(index, 1), bytes);
      entry->counts->success.add();
      cache_metrics().success.add();
    } else {
      entry->error = answer.error();
      ++entry->failures;
      if (!entry->lost) entry->lost = Clock::now();
      (fatal ? entry->counts->fatal : entry->counts->error).add();
      (fatal ? cache_metrics().fatal : cache_metrics().error).add();
    }
    wake(*entry, wakes);
    while (bytes_ > options_.most_bytes && make_room(entry.get())) {
    }
    const bool goes_on = entry->refreshes && !fatal;
    const auto pause = back_off(entry->failures);
    if (pause.count() == 0 && (goes_on || !entry->waiters.empty())) begin_fetch(entry);
    if (pause.count() > 0 && goes_on) fetch_later(entry, pause);
  }
  for (Woken& woken : wakes) woken.done(std::move(woken.found));
}

void AnswerCache::keep(Entry& entry, KeptAnswer answer, std::uint64_t index, std::size_t bytes) {
  entry.index = index;
  entry.kept = std::make_shared<const KeptAnswer>(std::move(answer));
  entry.error.reset();
  entry.fetched = Clock::now();
  bytes += kEntryOverhead + entry.key.size();
  if (!entry.dropped) bytes_ = bytes_ - entry.bytes + bytes;
  entry.bytes = bytes;
}

void AnswerCache::begin_view(const EntryPtr& entry) {
  std::size_t most = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || entry->dropped) return;
    most = options_.most_bytes;
  }
  // The view is the entry's, which must not keep itself.
  const std::weak_ptr<Entry> weak = entry;
  entry->view = std::make_unique<ServiceView>(
      *entry->loop, context_, *entry->viewed,
      ServiceView::Means{.changed =
                             [self = weak_from_this(), weak](std::uint64_t index) {
                               const auto [cache, of] = std::pair(self.lock(), weak.lock());
                               if (cache && of) cache->view_changed(of, index);
                             },
                         .failed =
                             [self = weak_from_this(), weak](const Error& why) {
                               const auto [cache, of] = std::pair(self.lock(), weak.lock());
                               if (cache && of) cache->view_failed(of, why);
                             },
                         .most_bytes = most});
}

void AnswerCache::view_changed(const EntryPtr& entry, std::uint64_t index) {
  KeptAnswer shown{.answer = {.reply = json(entry->view->instances().render())}, .meta = {}};
  shown.meta.Index = index;
  Wakes wakes;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || entry->dropped) return;
    keep(*entry, std::move(shown), index, entry->view->instances().bytes());
    wake(*entry, wakes);
    while (bytes_ > options_.most_bytes && make_room(entry.get())) {
    }
  }
  for (Woken& woken : wakes) woken.done(std::move(woken.found));
}

/// Who waits hears of it; who comes later gets what there is, or waits for the next attempt.
void AnswerCache::view_failed(const EntryPtr& entry, const Error& why) {
  Wakes wakes;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    entry->error = why;
    wake(*entry, wakes);
    entry->error.reset();
  }
  for (Woken& woken : wakes) woken.done(std::move(woken.found));
}

/// Answers those for whom the entry is good enough, and all if it has failed.
void AnswerCache::wake(Entry& entry, Wakes& wakes) {
  std::erase_if(entry.waiters, [&](Waiter& waiter) {
    if (!entry.error && !suits(entry, waiter.min_index)) return false;
    Found found{.answer = entry.kept};
    if (entry.error) found.answer = *entry.error;
    if (entry.viewed) entry.used = Clock::now();
    wakes.push_back({std::move(waiter.done), std::move(found)});
    by_ticket_.erase(waiter.ticket);
    return true;
  });
}

void AnswerCache::begin_sweeping(Loop& loop) {
  if (std::exchange(sweeping_, true)) return;
  loop.post([self = shared_from_this(), &loop] { loop.after(kSweepEvery, [self, &loop] { self->sweep(loop); }); });
}

void AnswerCache::sweep(Loop& loop) {
  const std::lock_guard lock(mutex_);
  sweeping_ = false;
  if (stopped_) return;
  std::vector<EntryPtr> idle;
  for (const EntryPtr& entry : by_use_) {
    if (entry->waiters.empty() && Clock::now() - entry->used > entry->idle) idle.push_back(entry);
  }
  for (const EntryPtr& entry : idle) {
    drop(entry);
    if (!entry->viewed) cache_metrics().expired.add();
  }
  if (!by_use_.empty()) begin_sweeping(loop);
}

}  // namespace proconsul::agent::http
