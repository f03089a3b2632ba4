#include "agent/gateway/metrics.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/metrics.h"

namespace proconsul::agent::gateway {
namespace {

using base::metrics::Counter;
using base::metrics::Gauge;
using base::metrics::Labels;
using wanfed::gateway::Refusal;
using wanfed::gateway::RouteSnapshot;
using wanfed::gateway::Snapshot;

/// Shows a total that somebody else counts.
class Total {
 public:
  Total(const char* name, const Labels& labels, const char* help)
      : counter_(base::metrics::counter(name, labels, help)) {}
  /// A total that is lower began anew: the route was gone for a while.
  void show(std::uint64_t now) {
    if (now > shown_) counter_.add(static_cast<double>(now - shown_));
    shown_ = now;
  }

 private:
  Counter counter_;
  std::uint64_t shown_ = 0;
};

Labels labels_of(const RouteSnapshot& route) {
  return {{"route", route.name}, {"kind", std::string(to_string(route.kind))}};
}

struct OfRoute {
  explicit OfRoute(const Labels& labels)
      : connections("mesh_gateway.route.connections", labels, "Connections that were forwarded by this route."),
        bytes_up("mesh_gateway.route.bytes_up", labels, "Bytes from clients to endpoints."),
        bytes_down("mesh_gateway.route.bytes_down", labels, "Bytes from endpoints to clients."),
        connect_failures("mesh_gateway.route.connect_failures", labels, "Endpoints that could not be connected to."),
        ejections("mesh_gateway.route.ejections", labels, "How often an endpoint was taken out for a while."),
        refused("mesh_gateway.route.refused", labels, "Clients that were turned away although the route exists."),
        active(base::metrics::gauge("mesh_gateway.route.active", labels, "Connections that are open.")),
        endpoints(base::metrics::gauge("mesh_gateway.route.endpoints", labels, "Endpoints of the route.")),
        healthy(base::metrics::gauge("mesh_gateway.route.healthy_endpoints", labels,
                                     "Endpoints of the route that are not ejected.")) {}

  void show(const RouteSnapshot& route) {
    connections.show(route.connections);
    bytes_up.show(route.bytes_up);
    bytes_down.show(route.bytes_down);
    connect_failures.show(route.connect_failures);
    ejections.show(route.ejections);
    refused.show(route.refused);
    active.set(static_cast<double>(route.active));
    std::size_t well = 0;
    for (const auto& endpoint : route.endpoints) well += endpoint.ejected ? 0 : 1;
    endpoints.set(static_cast<double>(route.endpoints.size()));
    healthy.set(static_cast<double>(well));
  }
  void clear() const {
    active.clear();
    endpoints.clear();
    healthy.clear();
  }

  Total connections, bytes_up, bytes_down, connect_failures, ejections, refused;
  Gauge active, endpoints, healthy;
};

class Shown {
 public:
  explicit Shown(const wanfed::gateway::Gateway& gateway) : gateway_(gateway) {}

  void refresh() {
    const Snapshot now = gateway_.snapshot();
    const std::lock_guard lock(mutex_);
    accepted_.show(now.accepted);
    active_.set(static_cast<double>(now.active));
    for (std::size_t i = 0; i < now.refused.size(); ++i) {
      if (now.refused[i] == 0 && !refused_.contains(i)) continue;
      const Labels labels{{"reason", std::string(label(static_cast<Refusal>(i)))}};
      refused_.try_emplace(i, "mesh_gateway.refused", labels, "Connections that came to nothing.")
          .first->second.show(now.refused[i]);
    }
    std::map<std::string, OfRoute> routes;
    for (const RouteSnapshot& route : now.routes) {
      auto known = routes_.extract(route.name);
      const auto place =
          known ? routes.insert(std::move(known)).position : routes.try_emplace(route.name, labels_of(route)).first;
      place->second.show(route);
    }
    routes_.swap(routes);
    for (const auto& [name, gone] : routes) gone.clear();
  }

 private:
  const wanfed::gateway::Gateway& gateway_;
  std::mutex mutex_{};
  Total accepted_{"mesh_gateway.accepted", {}, "Connections that the mesh gateway took."};
  Gauge active_ = base::metrics::gauge("mesh_gateway.active", {}, "Connections of the mesh gateway that are open.");
  std::map<std::size_t, Total> refused_{};
  std::map<std::string, OfRoute> routes_{};
};

}  // namespace

Metrics::Metrics(const wanfed::gateway::Gateway& gateway)
    : stop_(base::metrics::before_show([shown = std::make_shared<Shown>(gateway)] { shown->refresh(); })) {}

Metrics::~Metrics() {
  stop_();
}

}  // namespace proconsul::agent::gateway
