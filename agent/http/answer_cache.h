// ?cached of what other servers answer. An answer is kept for who asks next; where the servers let one wait for a
// change, a query that waits keeps it up to date, for as long as somebody comes for it. Equal requests share it all.
// So do those that Consul answers from its streaming backend, cached or not: their answer is a view (service_view.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/http/context.h"
#include "agent/http/request_limits.h"
#include "agent/http/route.h"
#include "agent/http/service_instances.h"
#include "agent/rpc/caller.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "catalog/types/common.h"

namespace proconsul::agent::http {

/// An answer as it was fetched; nobody changes it any more.
struct KeptAnswer {
  Answer answer{};
  catalog::QueryMeta meta{};
};
/// To be sent; shares the bytes.
Reply reply_of(const std::shared_ptr<const KeptAnswer>& kept);

/// Shared: what is under way keeps it.
class AnswerCache : public std::enable_shared_from_this<AnswerCache> {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::size_t most_entries = 8192;
    std::size_t most_bytes = std::size_t{128} << 20;
    double fetch_rate = TokenBucket::kUnlimited;  // cache.entry_fetch_rate: fetches of one entry a second
    std::int64_t fetch_burst = 2;                 // cache.entry_fetch_max_burst
  };
  struct Found {
    base::Result<std::shared_ptr<const KeptAnswer>> answer{};
    bool hit = false;
    std::uint64_t age = 0;  // in seconds: of what is fetched only when it is asked for, or since servers were lost
  };
  /// From any thread, once; never from within get().
  using Done = std::move_only_function<void(Found)>;

  /// The context and its loops outlive stop().
  AnswerCache(Context& context, const Options& options);
  ~AnswerCache();
  /// From then on nothing is fetched, and nobody is called. Idempotent; not from a loop.
  void stop();
  /// The rate of what is fetched from now on.
  void limit(double fetch_rate, std::int64_t fetch_burst);

  // Any thread.
  /// What is kept, if it is good enough for the request; else nothing, and `done` comes once something has been
  /// fetched that is, or the fetch has failed. `ticket` is then what leave() takes. `viewed`: what a view is to show,
  /// whose filter is right; null: none.
  std::optional<Found> get(std::string key, const Request& request, const Route& route,
                           const ServiceInstances::Request* viewed, Done done, std::uint64_t& ticket);
  /// `done` will not be called any more, unless that is under way. What there is by now, if there is anything.
  std::shared_ptr<const KeptAnswer> leave(std::uint64_t ticket);
  std::size_t entries() const;

 private:
  struct Waiter {
    std::uint64_t ticket = 0;
    std::uint64_t min_index = 0;
    Done done{};
  };
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  struct Woken {
    Done done{};
    Found found{};
  };
  /// What is to be done once the lock is released.
  using Wakes = std::vector<Woken>;

  // With the lock.
  static bool suits(const Entry& entry, std::uint64_t min_index);
  static std::uint64_t age_of(const Entry& entry);
  EntryPtr add(std::string key, const Request& request, const Route& route, const ServiceInstances::Request* viewed);
  bool make_room(const Entry* but);
  void drop(const EntryPtr& entry);
  void keep(Entry& entry, KeptAnswer answer, std::uint64_t index, std::size_t bytes);
  void begin_fetch(const EntryPtr& entry);
  void fetch_later(const EntryPtr& entry, Clock::duration delay);
  void wake(Entry& entry, Wakes& wakes);
  void begin_sweeping(base::net::Loop& loop);
  // Without; on the entry's loop.
  void ask(const EntryPtr& entry);
  void begin_view(const EntryPtr& entry);
  void view_changed(const EntryPtr& entry, std::uint64_t index);
  void view_failed(const EntryPtr& entry, const base::Error& why);
  void fetched(const EntryPtr& entry, base::Result<KeptAnswer> answer);
  void sweep(base::net::Loop& loop);

  Context& context_;
  mutable std::mutex mutex_{};    // guards what follows
  std::list<EntryPtr> by_use_{};  // the last used first
  std::unordered_map<std::string_view, std::list<EntryPtr>::iterator> by_key_{};
  std::unordered_map<std::uint64_t, std::weak_ptr<Entry>> by_ticket_{};
  std::uint64_t last_ticket_ = 0;
  std::size_t bytes_ = 0;
  std::size_t views_ = 0;  // among the entries
  Options options_;
  bool sweeping_ = false;
  bool stopped_ = false;
};

}  // namespace proconsul::agent::http
