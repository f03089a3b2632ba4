#include "gossip/swim/broadcast_queue.h"

#include <iterator>
#include <limits>
#include <utility>

#include "gossip/swim/timing.h"

namespace proconsul::gossip::swim {

bool BroadcastQueue::Rank::operator<(const Rank& other) const {
  if (transmits != other.transmits) return transmits < other.transmits;
  if (size != other.size) return size > other.size;
  return id > other.id;
}

BroadcastQueue::BroadcastQueue(std::function<std::size_t()> nodes, int retransmit_mult)
    : nodes_(std::move(nodes)), retransmit_mult_(retransmit_mult) {}

void BroadcastQueue::push(std::string message, std::string_view name, Sent sent) {
  const Rank rank{.transmits = 0, .size = message.size(), .id = ++next_id_};
  Sent replaced;
  Name* entry = nullptr;
  if (!name.empty()) {
    if (const auto known = by_name_.find(name); known != by_name_.end()) {
      const auto old = items_.find(known->second);
      replaced = std::move(old->second.sent);
      items_.erase(old);
      known->second = rank;
      entry = &*known;
    } else {
      entry = &*by_name_.emplace(name, rank).first;
    }
  }
  items_.emplace(rank, Item{std::move(message), entry, std::move(sent)});
  if (replaced) replaced();
}

std::vector<std::string> BroadcastQueue::take(std::size_t overhead, std::size_t limit) {
  std::vector<std::string> taken;
  if (items_.empty()) return taken;
  const int most_transmits = retransmit_limit(retransmit_mult_, nodes_());
  std::vector<std::map<Rank, Item>::node_type> again;
  std::vector<Sent> done;
  std::size_t used = 0;
  auto at = items_.begin();
  while (at != items_.end() && used + overhead < limit) {
    // The first of this tier that fits; without one, the next tier's first.
    const std::size_t free = limit - used - overhead;
    if (at->first.size > free) {
      const int tier = at->first.transmits;
      at = items_.lower_bound({.transmits = tier, .size = free, .id = std::numeric_limits<std::uint64_t>::max()});
      continue;
    }
    auto item = items_.extract(at++);
    used += overhead + item.key().size;
    if (item.key().transmits + 1 >= most_transmits) {
      forget(item.mapped());
      if (item.mapped().sent) done.push_back(std::move(item.mapped().sent));
      taken.push_back(std::move(item.mapped().message));
    } else {
      taken.push_back(item.mapped().message);
      ++item.key().transmits;
      again.push_back(std::move(item));  // not at once: it would be met again in the next tier
    }
  }
  for (auto& item : again) {
    if (item.mapped().name != nullptr) item.mapped().name->second = item.key();
    items_.insert(std::move(item));
  }
  for (Sent& sent : done) sent();
  return taken;
}

void BroadcastQueue::forget(const Item& item) {
  if (item.name != nullptr) by_name_.erase(by_name_.find(item.name->first));
}

std::size_t BroadcastQueue::size() const {
  return items_.size();
}

void BroadcastQueue::prune(std::size_t keep) {
  std::vector<Sent> done;
  while (items_.size() > keep) {
    const auto last = std::prev(items_.end());
    forget(last->second);
    if (last->second.sent) done.push_back(std::move(last->second.sent));
    items_.erase(last);
  }
  for (Sent& sent : done) sent();
}

void BroadcastQueue::clear() {
  prune(0);
}

}  // namespace proconsul::gossip::swim
