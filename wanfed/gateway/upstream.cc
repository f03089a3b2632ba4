#include "wanfed/gateway/upstream.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace proconsul::wanfed::gateway {

Upstream::Upstream(const Cluster& cluster, BalancerOptions options)
    : name_(cluster.name), kind_(cluster.kind), balancer_(options) {
  balancer_.set_endpoints(cluster.endpoints);
}

void Upstream::set_endpoints(std::span<const Address> addresses) {
  const std::lock_guard lock(mutex_);
  balancer_.set_endpoints(addresses);
}

std::size_t Upstream::size() {
  const std::lock_guard lock(mutex_);
  return balancer_.size();
}

std::optional<Balancer::Choice> Upstream::pick(Time now, base::Random& random, std::span<const EndpointId> tried) {
  const std::lock_guard lock(mutex_);
  return balancer_.pick(now, random, tried);
}

bool Upstream::connected(EndpointId id, Time now) {
  const std::lock_guard lock(mutex_);
  return balancer_.connected(id, now);
}

bool Upstream::answered(EndpointId id, Time now) {
  const std::lock_guard lock(mutex_);
  return balancer_.answered(id, now);
}

std::optional<std::chrono::milliseconds> Upstream::failed(EndpointId id, Failure failure, Time now) {
  traffic_.connect_failures.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  const auto ejected = balancer_.failed(id, failure, now);
  if (ejected) traffic_.ejections.fetch_add(1, std::memory_order_relaxed);
  return ejected;
}

void Upstream::closed(EndpointId id) {
  const std::lock_guard lock(mutex_);
  balancer_.closed(id);
}

std::vector<Balancer::Choice> Upstream::due_for_probe(Time now) {
  const std::lock_guard lock(mutex_);
  return balancer_.due_for_probe(now);
}

bool Upstream::probed(EndpointId id, bool well, Time now) {
  const std::lock_guard lock(mutex_);
  return balancer_.probed(id, well, now);
}

std::optional<Upstream::Time> Upstream::next_probe() {
  const std::lock_guard lock(mutex_);
  return balancer_.next_probe();
}

void Upstream::set_drain(std::optional<Time> until) {
  drain_.store(until ? until->time_since_epoch().count() : kNever, std::memory_order_release);
}

std::optional<Upstream::Time> Upstream::drain() const {
  const std::int64_t until = drain_.load(std::memory_order_acquire);
  if (until == kNever) return std::nullopt;
  return Time(Time::duration(until));
}

RouteSnapshot Upstream::snapshot() {
  RouteSnapshot out{.name = name_, .kind = kind_, .gone = drain().has_value()};
  out.connections = traffic_.connections.load(std::memory_order_relaxed);
  out.active = traffic_.active.load(std::memory_order_relaxed);
  out.bytes_up = traffic_.bytes_up.load(std::memory_order_relaxed);
  out.bytes_down = traffic_.bytes_down.load(std::memory_order_relaxed);
  out.connect_failures = traffic_.connect_failures.load(std::memory_order_relaxed);
  out.ejections = traffic_.ejections.load(std::memory_order_relaxed);
  out.refused = traffic_.refused.load(std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  out.endpoints = balancer_.status();
  return out;
}

std::shared_ptr<const LiveRoutes::Version> LiveRoutes::current() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

RouteChanges LiveRoutes::set(std::shared_ptr<const RouteTable> table, Balancer::Time drain_until) {
  const std::lock_guard one_at_a_time(setting_);
  const std::shared_ptr<const Version> before = current();
  std::unordered_map<std::string_view, std::shared_ptr<Upstream>> known;
  std::vector<std::weak_ptr<Upstream>> gone;
  {
    const std::lock_guard lock(mutex_);
    for (const std::weak_ptr<Upstream>& weak : gone_) {
      if (std::shared_ptr<Upstream> upstream = weak.lock()) known.emplace(upstream->name(), upstream);
    }
  }
  for (const std::shared_ptr<Upstream>& upstream : before->upstreams) known[upstream->name()] = upstream;

  auto next = std::make_shared<Version>();
  next->table = std::move(table);
  next->upstreams.reserve(next->table->clusters().size());
  for (const Cluster& cluster : next->table->clusters()) {
    const auto found = known.find(cluster.name);
    if (found == known.end() || found->second->kind() != cluster.kind) {
      next->upstreams.push_back(std::make_shared<Upstream>(cluster, options_));
      continue;
    }
    // A route that flaps does not cost the connections that it had.
    found->second->set_drain(std::nullopt);
    found->second->set_endpoints(cluster.endpoints);
    next->upstreams.push_back(found->second);
    known.erase(found);
  }
  for (const auto& [name, upstream] : known) {
    if (!upstream->drain()) upstream->set_drain(drain_until);
    gone.push_back(upstream);
  }

  RouteChanges changes = diff(*before->table, *next->table);
  const std::lock_guard lock(mutex_);
  version_ = std::move(next);
  gone_ = std::move(gone);
  return changes;
}

std::shared_ptr<Upstream> LiveRoutes::find(std::string_view server_name) const {
  const std::shared_ptr<const Version> version = current();
  const Cluster* cluster = version->table->find(server_name);
  if (cluster == nullptr) return nullptr;
  return version->upstreams[static_cast<std::size_t>(cluster - version->table->clusters().data())];
}

std::vector<std::shared_ptr<Upstream>> LiveRoutes::all() const {
  std::vector<std::shared_ptr<Upstream>> out;
  const std::lock_guard lock(mutex_);
  out = version_->upstreams;
  for (const std::weak_ptr<Upstream>& weak : gone_) {
    if (std::shared_ptr<Upstream> upstream = weak.lock()) out.push_back(std::move(upstream));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return out;
}

}  // namespace proconsul::wanfed::gateway
