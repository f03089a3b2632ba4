// A cluster at run time: its balancer and its counters, shared by all loops.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "wanfed/gateway/balancer.h"
#include "wanfed/gateway/counters.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::wanfed::gateway {

/// Any thread.
class Upstream {
 public:
  using Time = Balancer::Time;
  struct Traffic {
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::int64_t> active{0};
    std::atomic<std::uint64_t> bytes_up{0}, bytes_down{0}, connect_failures{0}, ejections{0}, refused{0};
  };

  Upstream(const Cluster& cluster, BalancerOptions options);

  const std::string& name() const { return name_; }
  ClusterKind kind() const { return kind_; }
  /// Servers of the gateway's own datacenter.
  bool is_servers_here() const { return kind_ == ClusterKind::local_servers || kind_ == ClusterKind::local_server; }
  Traffic& traffic() { return traffic_; }

  // As the balancer's.
  void set_endpoints(std::span<const Address> addresses);
  std::size_t size();
  std::optional<Balancer::Choice> pick(Time now, base::Random& random, std::span<const EndpointId> tried);
  bool connected(EndpointId id, Time now);
  bool answered(EndpointId id, Time now);
  std::optional<std::chrono::milliseconds> failed(EndpointId id, Failure failure, Time now);
  void closed(EndpointId id);
  std::vector<Balancer::Choice> due_for_probe(Time now);
  bool probed(EndpointId id, bool well, Time now);
  std::optional<Time> next_probe();

  /// Its route is gone: what is open may go on until then. Nothing: there is a route (again).
  void set_drain(std::optional<Time> until);
  std::optional<Time> drain() const;

  RouteSnapshot snapshot();

 private:
  static constexpr std::int64_t kNever = INT64_MAX;
  const std::string name_;
  const ClusterKind kind_;
  std::mutex mutex_{};
  Balancer balancer_;
  std::atomic<std::int64_t> drain_{kNever};
  Traffic traffic_{};
};

/// The table that is in force, with an Upstream for each of its clusters. Any thread.
class LiveRoutes {
 public:
  explicit LiveRoutes(BalancerOptions options) : options_(options) {}

  /// From now on. Clusters that stay keep their counters and the health of the endpoints that stay; connections of
  /// those that go may last until `drain_until`, or longer if the route comes back before.
  RouteChanges set(std::shared_ptr<const RouteTable> table, Balancer::Time drain_until);
  /// Null: no route.
  std::shared_ptr<Upstream> find(std::string_view server_name) const;
  /// All of the table, and those without a route that still have connections.
  std::vector<std::shared_ptr<Upstream>> all() const;

 private:
  struct Version {
    std::shared_ptr<const RouteTable> table = std::make_shared<const RouteTable>();
    std::vector<std::shared_ptr<Upstream>> upstreams{};  // in the order of the table's clusters
  };
  std::shared_ptr<const Version> current() const;

  const BalancerOptions options_;
  std::mutex setting_{};  // one set() at a time
  mutable std::mutex mutex_{};
  std::shared_ptr<const Version> version_ = std::make_shared<const Version>();  // guarded by mutex_
  std::vector<std::weak_ptr<Upstream>> gone_{};                                 // guarded by mutex_
};

}  // namespace proconsul::wanfed::gateway
