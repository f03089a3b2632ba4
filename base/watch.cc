#include "base/watch.h"

#include <algorithm>
#include <new>

namespace proconsul::base {

void KeySet::add(std::string_view tag, std::string_view key, bool prefix) {
  const auto begin = static_cast<std::uint32_t>(bytes_.size());
  bytes_.append(tag).append(key);
  items_.push_back({begin, static_cast<std::uint32_t>(tag.size() + key.size()) & 0x7fffffffu, prefix});
}

void KeySet::clear() {
  bytes_.clear();
  items_.clear();
}

void KeySet::truncate(std::size_t size) {
  if (size >= items_.size()) return;
  bytes_.resize(items_[size].begin);
  items_.resize(size);
}

// A link hangs in the list of one key. `back` is the address of the pointer that points here, which is the previous
// link's `next` or the payload of the key's leaf in the tree; its two lowest bits tell which, and which tree.
struct WatchRegistry::Link {
  Link* next;
  std::uintptr_t back;
  Waiter* waiter;
};
namespace {
constexpr std::uintptr_t kInTree = 1;    // `back` is a leaf's payload
constexpr std::uintptr_t kPrefixes = 2;  // ... of the tree of prefixes
constexpr std::uintptr_t kTags = kInTree | kPrefixes;
}  // namespace

// Followed by its links, in one allocation.
struct Watch::Waiter {
  WakeSink* sink;
  std::uint64_t token;
  std::uint32_t links;
  bool collected = false;  // under the registry's lock
  std::atomic<bool> fired{false};
  Waiter(WakeSink* s, std::uint64_t t, std::uint32_t n) : sink(s), token(t), links(n) {}
  WatchRegistry::Link* link(std::uint32_t i) { return reinterpret_cast<WatchRegistry::Link*>(this + 1) + i; }
};

bool Watch::fired() const {
  return waiter_ && waiter_->fired.load(std::memory_order_acquire);
}

void Watch::cancel() {
  if (Waiter* waiter = std::exchange(waiter_, nullptr)) registry_->cancel(waiter);
}

void WatchRegistry::attach(Link& link, RadixCore& tree, std::string_view key, std::uintptr_t tag) {
  RadixCore::Payload* slot = tree.slot(key);
  link.next = reinterpret_cast<Link*>(*slot);
  link.back = reinterpret_cast<std::uintptr_t>(slot) | tag;
  if (link.next) link.next->back = reinterpret_cast<std::uintptr_t>(&link.next);
  *slot = reinterpret_cast<RadixCore::Payload>(&link);
}

void WatchRegistry::detach(Link& link) {
  const std::uintptr_t address = link.back & ~kTags;
  if (link.back & kInTree) {
    auto* slot = reinterpret_cast<RadixCore::Payload*>(address);
    *slot = reinterpret_cast<RadixCore::Payload>(link.next);
    if (!link.next) (link.back & kPrefixes ? prefixes_ : exact_).erase(RadixCore::key_of(slot));
  } else {
    *reinterpret_cast<Link**>(address) = link.next;
  }
  if (link.next) link.next->back = link.back;
}

void WatchRegistry::detach_all(Waiter& waiter) {
  for (std::uint32_t i = 0; i < waiter.links; ++i) detach(*waiter.link(i));
}

Watch WatchRegistry::watch(const KeySet& keys, WakeSink& sink, std::uint64_t token) {
  const auto links = static_cast<std::uint32_t>(keys.size());
  auto* waiter = new (::operator new(sizeof(Waiter) + links * sizeof(Link))) Waiter(&sink, token, links);
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < links; ++i) {
    Link* link = new (waiter->link(i)) Link{nullptr, 0, waiter};
    if (keys.is_prefix(i)) {
      attach(*link, prefixes_, keys.bytes(i), kInTree | kPrefixes);
    } else {
      attach(*link, exact_, keys.bytes(i), kInTree);
    }
  }
  // A report() that does not see this number has published before it looked; being a read-modify-write on both sides,
  // this then happens after its look, and the caller's next load sees the published version.
  waiters_.fetch_add(1, std::memory_order_acq_rel);
  return {this, waiter};
}

void WatchRegistry::cancel(Waiter* waiter) {
  // Once fired nobody else touches the waiter: setting the flag is the last thing that the reporter does to it.
  if (!waiter->fired.load(std::memory_order_acquire)) {
    const std::lock_guard lock(mutex_);
    if (!waiter->fired.load(std::memory_order_relaxed)) {
      detach_all(*waiter);
      waiters_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  waiter->~Waiter();
  ::operator delete(waiter);
}

void WatchRegistry::collect(RadixCore::Payload head) {
  for (auto* link = reinterpret_cast<Link*>(head); link; link = link->next) {
    if (std::exchange(link->waiter->collected, true)) continue;
    collected_.push_back(link->waiter);
  }
}

void WatchRegistry::deliver(std::unique_lock<std::mutex>& lock) {
  std::vector<Batch> batches;
  for (Waiter* waiter : collected_) {
    detach_all(*waiter);
    auto batch = std::ranges::find(batches, waiter->sink, &Batch::sink);
    if (batch == batches.end()) batch = batches.insert(batch, {waiter->sink, {}});
    batch->tokens.push_back(waiter->token);
    waiter->fired.store(true, std::memory_order_release);
  }
  waiters_.fetch_sub(collected_.size(), std::memory_order_relaxed);
  collected_.clear();
  lock.unlock();
  for (Batch& batch : batches) batch.sink->wake(std::move(batch.tokens));
}

void WatchRegistry::report(const KeySet& changed) {
  using Direction = RadixCore::Direction;
  if (changed.empty() || waiters_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < changed.size(); ++i) {
    const std::string_view key = changed.bytes(i);
    for (RadixCore::PathCursor at(prefixes_, key); at.valid(); at.next()) collect(at.payload());
    if (changed.is_prefix(i)) {
      for (auto at = RadixCore::Cursor::prefix(prefixes_, key, Direction::forward); at.valid(); at.next()) {
        collect(at.payload());
      }
      for (auto at = RadixCore::Cursor::prefix(exact_, key, Direction::forward); at.valid(); at.next()) {
        collect(at.payload());
      }
    } else if (const auto* head = exact_.find(key)) {
      collect(*head);
    }
  }
  if (!collected_.empty()) deliver(lock);
}

void WatchRegistry::report_all() {
  KeySet everything;
  everything.add_prefix("");
  report(everything);
}

}  // namespace proconsul::base
