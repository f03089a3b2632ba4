#include "agent/cluster/server_list.h"

#include <algorithm>

namespace proconsul::agent::cluster {

using rpc::Target;

void ServerList::add(Target server) {
  if (const auto known = std::ranges::find(servers_, server.node, &Target::node); known != servers_.end()) {
    *known = std::move(server);
    return;
  }
  // Anywhere, or all who start together would ask whom they heard of first.
  const std::size_t first = asked_ && !servers_.empty() ? 1 : 0;
  const std::size_t place = first + random_.below(servers_.size() - first + 1);
  servers_.insert(servers_.begin() + static_cast<std::ptrdiff_t>(place), std::move(server));
}

void ServerList::remove(std::string_view node) {
  std::erase_if(servers_, [node](const Target& server) { return server.node == node; });
}

const Target* ServerList::chosen() {
  if (servers_.empty()) return nullptr;
  asked_ = true;
  return &servers_.front();
}

bool ServerList::failed(std::string_view node) {
  // Many calls fail together: only the first of them moves on.
  if (servers_.size() < 2 || servers_.front().node != node) return false;
  std::ranges::rotate(servers_, servers_.begin() + 1);
  return true;
}

std::vector<Target> ServerList::shuffled() {
  std::vector<Target> order = servers_;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
  return order;
}

bool ServerList::choose(std::size_t answering, std::vector<Target> order) {
  if (answering >= order.size()) return false;
  std::ranges::rotate(order, order.begin() + static_cast<std::ptrdiff_t>(answering));
  const auto is_known = [this](const Target& server) {
    return std::ranges::find(servers_, server.node, &Target::node) != servers_.end();
  };
  if (!is_known(order.front())) return false;
  std::erase_if(order, [&](const Target& server) { return !is_known(server); });
  for (Target& server : servers_) {
    const auto old = std::ranges::find(order, server.node, &Target::node);
    if (old == order.end()) {
      order.push_back(std::move(server));
    } else {
      *old = std::move(server);  // its address may be another one by now
    }
  }
  servers_ = std::move(order);
  return true;
}

base::Duration ServerList::until_shuffle(std::size_t servers, std::size_t nodes, base::Random& random) {
  constexpr std::int64_t kLeast = 120'000'000'000, kJitter = 60'000'000'000;
  constexpr double kForEachNode = 15'625'000;  // nanoseconds: 64 a second
  const std::int64_t least = kLeast + static_cast<std::int64_t>(random.below(kJitter));
  if (servers == 0) return {least};
  const double even = static_cast<double>(nodes) * kForEachNode / static_cast<double>(servers);
  return {std::max(least, static_cast<std::int64_t>(even))};
}

}  // namespace proconsul::agent::cluster
