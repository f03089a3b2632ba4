#include "agent/grpc/ready_servers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "catalog/registry/lookup.h"
#include "catalog/store/store.h"

namespace proconsul::agent::grpc {

using base::Result;
using base::net::Clock;
using server::Operator;

namespace {

constexpr std::chrono::seconds kPause{2};  // as autopilot looks

/// "10.0.0.1" of "10.0.0.1:8300", "::1" of "[::1]:8300".
std::string host_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.find(':') != colon) {
    if (!address.starts_with('[')) return address;
    const std::size_t end = address.find(']');
    return end == std::string::npos ? std::string() : address.substr(1, end - 1);
  }
  return address.substr(0, colon);
}

/// A voter that has only fallen behind is still good enough: the list must not flutter.
bool is_ready(const Operator::ServerHealth& server) {
  return server.healthy || (server.peer.voter && server.gossip_status == "alive");
}

}  // namespace

/// Lives on one loop.
class ReadyServers::Home final : public std::enable_shared_from_this<Home>, base::net::Timer {
 public:
  struct Follower {
    base::net::Loop& loop;
    std::function<void(const List&)> changed;
    std::shared_ptr<bool> here;  // of the follower's loop
  };
  Home(base::net::Loop& on, server::Server& server, Operator& cluster) : loop(on), server_(server), cluster_(cluster) {}
  void add(std::uint64_t number, Follower follower) {
    const Follower& added = followers_.emplace(number, std::move(follower)).first->second;
    if (known_) tell(added);
    if (followers_.size() == 1) ask();
  }
  void remove(std::uint64_t number) {
    followers_.erase(number);
    if (!followers_.empty()) return;
    known_ = nullptr;
    cancel();
  }
  void stop() {
    stopped_ = true;
    followers_.clear();
    cancel();
  }
  base::net::Loop& loop;
  std::atomic<std::uint64_t> last{0};

 private:
  void on_timer() override { ask(); }
  void ask() {
    if (stopped_ || asking_) return;
    asking_ = true;
    cluster_.leaders_view_of_health([home = shared_from_this()](Result<Operator::Health> health) {
      base::net::Loop& loop = home->loop;
      loop.post([home, health = std::move(health)]() mutable { home->take(std::move(health)); });
    });
  }
  void take(Result<Operator::Health> health) {
    asking_ = false;
    if (stopped_ || followers_.empty()) return;
    arm(loop, Clock::now() + kPause);
    if (!health) return;  // what was known is better than nothing
    const auto view = server_.view();
    std::vector<ServerPlace> places;
    for (const Operator::ServerHealth& server : health->servers) {
      if (!is_ready(server)) continue;
      ServerPlace place{.id = server.peer.id, .address = host_of(server.peer.address), .version = server.version};
      if (place.address.empty()) continue;
      const Result<const catalog::NodeRow*> node = catalog::find_node_by_id(view->tables(), place.id);
      if (node && *node != nullptr) {
        const catalog::Node row = (*node)->get();
        if (const auto wan = row.TaggedAddresses.find("wan"); wan != row.TaggedAddresses.end()) {
          place.wan = host_of(wan->second);
        }
      }
      places.push_back(std::move(place));
    }
    if (places.empty()) return;
    std::ranges::sort(places, {}, &ServerPlace::id);
    if (known_ && *known_ == places) return;
    known_ = std::make_shared<const std::vector<ServerPlace>>(std::move(places));
    for (const auto& [number, follower] : followers_) tell(follower);
  }
  void tell(const Follower& follower) const {
    follower.loop.post([here = follower.here, changed = follower.changed, known = known_] {
      if (*here) changed(known);
    });
  }

  server::Server& server_;
  Operator& cluster_;
  std::map<std::uint64_t, Follower> followers_{};
  List known_{};
  bool asking_ = false;
  bool stopped_ = false;
};

ReadyServers::ReadyServers(base::net::Loops& loops, server::Server& server, Operator& cluster)
    : home_(std::make_shared<Home>(loops.next(), server, cluster)) {}

ReadyServers::~ReadyServers() {
  home_->loop.post([home = home_] { home->stop(); });
}

ReadyServers::Ticket ReadyServers::follow(base::net::Loop& loop, std::function<void(const List&)> changed) {
  auto here = std::make_shared<bool>(true);
  const std::uint64_t number = ++home_->last;
  home_->loop.post([home = home_, number, follower = Home::Follower{loop, std::move(changed), here}]() mutable {
    home->add(number, std::move(follower));
  });
  // Given back on the follower's loop.
  return {nullptr, [home = home_, here = std::move(here), number](void*) {
            *here = false;
            home->loop.post([home, number] { home->remove(number); });
          }};
}

}  // namespace proconsul::agent::grpc
