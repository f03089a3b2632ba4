// Watches by key and by prefix: a writer reports what it changed, and exactly the waiters that watch it are woken,
// once.
//
// A reader must not miss a change between reading and waiting. The order that guarantees it:
//   writer: publish the new version, then report();
//   reader: watch() the keys its answer depends on, then load the newest version: is it the one the answer came from?
//           If so, wait; otherwise read again. (Or: watch() first, then read, when the keys are known beforehand.)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/radix_tree.h"

namespace proconsul::base {

/// Keys and prefixes, packed into one buffer: what a commit changed, or what an answer depends on.
/// A key may be given in two parts, a tag for its table and the rest.
class KeySet {
 public:
  void add_key(std::string_view tag, std::string_view key = {}) { add(tag, key, false); }
  /// In a report: everything below was deleted or replaced. In a watch: anything below.
  void add_prefix(std::string_view tag, std::string_view prefix = {}) { add(tag, prefix, true); }
  void clear();
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  std::string_view bytes(std::size_t i) const { return {bytes_.data() + items_[i].begin, items_[i].length}; }
  bool is_prefix(std::size_t i) const { return items_[i].prefix; }
  /// Forgets what was added after a size() remembered earlier.
  void truncate(std::size_t size);

 private:
  struct Item {
    std::uint32_t begin;
    std::uint32_t length : 31;
    std::uint32_t prefix : 1;
  };
  void add(std::string_view tag, std::string_view key, bool prefix);
  std::string bytes_{};
  std::vector<Item> items_{};
};

/// Where wake-ups go: one per event loop. It outlives the watches that name it.
class WakeSink {
 public:
  virtual ~WakeSink() = default;
  /// The tokens of the watches that one report fired. Runs on the reporting thread with no lock held: post and return.
  virtual void wake(std::vector<std::uint64_t> tokens) = 0;
};

class WatchRegistry;

/// One waiter's registration; dies with the handle. Fires at most once, and then watches nothing any more.
class Watch {
 public:
  Watch() = default;
  Watch(Watch&& other) noexcept
      : registry_(std::exchange(other.registry_, nullptr)), waiter_(std::exchange(other.waiter_, nullptr)) {}
  Watch& operator=(Watch other) noexcept {
    std::swap(registry_, other.registry_);
    std::swap(waiter_, other.waiter_);
    return *this;
  }
  ~Watch() { cancel(); }
  /// After this returns the sink may still deliver the token once, if a report was under way.
  void cancel();
  /// True once a watched key has changed, even before the sink has delivered the token.
  bool fired() const;
  explicit operator bool() const { return waiter_ != nullptr; }

 private:
  friend class WatchRegistry;
  struct Waiter;
  Watch(WatchRegistry* registry, Waiter* waiter) : registry_(registry), waiter_(waiter) {}
  WatchRegistry* registry_ = nullptr;
  Waiter* waiter_ = nullptr;
};

/// Thread-safe. Some 60 bytes per waiter, 24 per watched key, and about 60 per distinct key. The registry outlives its
/// watches.
class WatchRegistry {
 public:
  WatchRegistry() = default;
  WatchRegistry(const WatchRegistry&) = delete;
  WatchRegistry& operator=(const WatchRegistry&) = delete;

  /// Woken when a key is reported that is watched exactly or lies below a watched prefix, and when a prefix is reported
  /// that covers, or is covered by, what is watched. The sink then gets the token.
  Watch watch(const KeySet& keys, WakeSink& sink, std::uint64_t token);
  /// Wakes; calls each sink concerned once. Costs next to nothing while nobody waits for these keys.
  void report(const KeySet& changed);
  /// Wakes everybody: the whole state was replaced.
  void report_all();
  std::size_t waiters() const { return waiters_.load(std::memory_order_relaxed); }

 private:
  friend class Watch;
  struct Link;
  using Waiter = Watch::Waiter;
  void collect(RadixCore::Payload head);
  void deliver(std::unique_lock<std::mutex>& lock);
  void attach(Link& link, RadixCore& tree, std::string_view key, std::uintptr_t tag);
  void detach(Link& link);
  void detach_all(Waiter& waiter);
  void cancel(Waiter* waiter);

  struct Batch {
    WakeSink* sink;
    std::vector<std::uint64_t> tokens;
  };
  std::atomic<std::size_t> waiters_{0};  // those that have not fired
  std::mutex mutex_{};
  RadixCore exact_{nullptr};     // payload: the first Link of a list
  RadixCore prefixes_{nullptr};  // the same
  std::vector<Waiter*> collected_{};
};

}  // namespace proconsul::base
