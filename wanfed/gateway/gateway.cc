#include "wanfed/gateway/gateway.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "base/net/socket.h"
#include "wanfed/gateway/prober.h"
#include "wanfed/gateway/worker.h"

namespace proconsul::wanfed::gateway {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Fd;

const base::log::Logger kLog("agent.mesh_gateway");

std::int64_t most_connections(const Limits& limits) {
  if (limits.connections > 0) return limits.connections;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return 1'000'000;
  // Two for each, and some for pipes and for the rest of the process.
  return std::max<std::int64_t>((static_cast<std::int64_t>(files.rlim_cur) - 256) * 2 / 5, 16);
}

std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 10;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShown) out += ", and " + std::to_string(names.size() - kShown) + " more";
  return out;
}

}  // namespace

struct Gateway::Impl : std::enable_shared_from_this<Gateway::Impl> {
  Impl(base::net::Loops& all, Options options) : loops(all), shared(options, most_connections(options.limits)) {
    shared.sources.set_most(options.limits.per_source);
  }

  struct Listening {
    Address wanted{}, real{};
    std::uint64_t id = 0;
  };

  /// Runs on each loop that still has its worker, sometime.
  void on_all(std::function<void(Worker&)> what) {
    for (std::size_t i = 0; i < loops.size(); ++i) {
      loops[i].post([self = shared_from_this(), i, what] {
        if (self->workers[i]) what(*self->workers[i]);
      });
    }
  }

  // Under the mutex.
  void close(std::uint64_t id) {
    for (std::size_t i = 0; i < loops.size(); ++i) {
      loops[i].run([&] { workers[i]->unlisten(id); });
    }
  }
  /// Closes what is not among the `wanted` ones and would keep one of them from being had; it stays in `listening`.
  std::vector<Listening> make_room(const std::vector<Address>& wanted) {
    std::vector<Listening> closed;
    for (const Listening& each : listening) {
      const bool stays = std::find(wanted.begin(), wanted.end(), each.wanted) != wanted.end();
      const bool is_in_the_way = std::any_of(wanted.begin(), wanted.end(), [&](const Address& address) {
        return address.port == each.real.port && (is_everywhere(address) || is_everywhere(each.real));
      });
      if (stays || !is_in_the_way) continue;
      close(each.id);
      closed.push_back(each);
    }
    return closed;
  }
  void come_back(const std::vector<Listening>& closed) {
    for (const Listening& each : closed) {
      auto sockets = base::net::listen_shared(each.real.host, each.real.port, base::net::Datagrams::no, loops.size());
      if (!sockets) {
        kLog.error("not listening any more", {{"address", to_string(each.real)}, {"error", sockets.error()}});
        std::erase_if(listening, [&](const Listening& other) { return other.id == each.id; });
        continue;
      }
      for (std::size_t i = 0; i < loops.size(); ++i) {
        loops[i].run([&] { workers[i]->listen(each.id, std::move((*sockets)[i])); });
      }
    }
  }

  base::net::Loops& loops;
  Shared shared;
  std::vector<std::unique_ptr<Worker>> workers{};  // each touched on its own loop only
  std::unique_ptr<Prober> prober{};                // on the first loop
  std::atomic<std::int64_t> drain_milliseconds{0};

  std::mutex mutex{};
  std::vector<Listening> listening{};  // guarded by mutex
  std::uint64_t last_id = 0;           // guarded by mutex
  bool is_stopped = false;             // guarded by mutex
};

Gateway::Gateway(base::net::Loops& loops, Options options) : impl_(std::make_shared<Impl>(loops, options)) {
  impl_->workers.resize(loops.size());
  impl_->drain_milliseconds = options.limits.drain.count();
  impl_->shared.on_ejection = [impl = std::weak_ptr(impl_)] {
    const std::shared_ptr<Impl> gateway = impl.lock();
    if (!gateway) return;
    gateway->loops[0].post([gateway] {
      if (gateway->prober) gateway->prober->wake();
    });
  };
  for (std::size_t i = 0; i < loops.size(); ++i) {
    loops[i].run([&] {
      impl_->workers[i] = std::make_unique<Worker>(loops[i], impl_->shared, options.limits);
      if (i != 0) return;
      impl_->prober = std::make_unique<Prober>(loops[i], impl_->shared.routes, impl_->shared.resolver);
      impl_->prober->set_timeout(options.limits.connect_timeout);
    });
  }
}

Gateway::~Gateway() {
  stop();
}

Result<> Gateway::listen(const std::vector<Address>& addresses) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->is_stopped) return Error{Errc::unavailable, "the gateway is stopped"};
  const std::vector<Impl::Listening> moved_away = impl_->make_room(addresses);
  std::vector<Impl::Listening> next;
  std::vector<std::pair<std::uint64_t, std::vector<Fd>>> opened;
  for (const Address& address : addresses) {
    const auto known = std::find_if(impl_->listening.begin(), impl_->listening.end(),
                                    [&](const Impl::Listening& each) { return each.wanted == address; });
    if (known != impl_->listening.end()) {
      next.push_back(*known);
      continue;
    }
    auto sockets = base::net::listen_shared(address.host, address.port, base::net::Datagrams::no, impl_->loops.size());
    if (!sockets) {
      opened.clear();
      impl_->come_back(moved_away);
      return sockets.error();
    }
    const Address real{address.host, base::net::local_port(sockets->front().get())};
    next.push_back({address, real, ++impl_->last_id});
    opened.emplace_back(impl_->last_id, std::move(*sockets));
  }
  std::vector<std::uint64_t> closed;
  for (const Impl::Listening& each : impl_->listening) {
    const bool stays = std::any_of(next.begin(), next.end(), [&](const auto& other) { return other.id == each.id; });
    if (stays) continue;
    closed.push_back(each.id);
    kLog.info("not listening any more", {{"address", to_string(each.real)}});
  }
  impl_->listening = std::move(next);
  std::vector<Address> own;
  for (const Impl::Listening& each : impl_->listening) own.push_back(each.real);
  impl_->shared.set_own(std::move(own));

  for (std::size_t i = 0; i < impl_->loops.size(); ++i) {
    impl_->loops[i].run([&] {
      for (const std::uint64_t id : closed) impl_->workers[i]->unlisten(id);
      for (auto& [id, sockets] : opened) impl_->workers[i]->listen(id, std::move(sockets[i]));
    });
  }
  for (const Impl::Listening& each : impl_->listening) {
    const bool is_new =
        std::any_of(opened.begin(), opened.end(), [&](const auto& one) { return one.first == each.id; });
    if (is_new) kLog.info("listening", {{"address", to_string(each.real)}});
  }
  return {};
}

std::vector<Address> Gateway::listening() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Address> out;
  for (const Impl::Listening& each : impl_->listening) out.push_back(each.real);
  return out;
}

RouteChanges Gateway::set_routes(std::shared_ptr<const RouteTable> table) {
  const auto drain = std::chrono::milliseconds(impl_->drain_milliseconds.load());
  RouteChanges changes = impl_->shared.routes.set(std::move(table), Clock::now() + drain);
  if (!changes.removed.empty()) impl_->on_all([](Worker& worker) { worker.review(); });
  if (!changes.empty()) {
    kLog.info(
        "routes changed",
        {{"added", joined(changes.added)}, {"removed", joined(changes.removed)}, {"changed", joined(changes.changed)}});
  }
  return changes;
}

void Gateway::set_limits(const Limits& limits) {
  impl_->shared.most_connections = most_connections(limits);
  impl_->shared.sources.set_most(limits.per_source);
  impl_->drain_milliseconds = limits.drain.count();
  impl_->on_all([limits](Worker& worker) { worker.set_limits(limits); });
  impl_->loops[0].post([impl = impl_, timeout = limits.connect_timeout] {
    if (impl->prober) impl->prober->set_timeout(timeout);
  });
}

Snapshot Gateway::snapshot() const {
  const Counters& counters = impl_->shared.counters;
  Snapshot out{.accepted = counters.accepted.load(std::memory_order_relaxed),
               .active = counters.active.load(std::memory_order_relaxed)};
  for (std::size_t i = 0; i < kRefusals; ++i) out.refused[i] = counters.refused[i].load(std::memory_order_relaxed);
  for (const std::shared_ptr<Upstream>& upstream : impl_->shared.routes.all())
    out.routes.push_back(upstream->snapshot());
  return out;
}

void Gateway::drain(Clock::duration patience, std::move_only_function<void()> done) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->listening.clear();
  }
  struct Wait {
    std::atomic<std::size_t> left;
    std::move_only_function<void()> done;
  };
  auto wait = std::make_shared<Wait>(impl_->loops.size(), std::move(done));
  kLog.info("draining", {{"connections", impl_->shared.counters.active.load()}});
  impl_->on_all([wait, deadline = Clock::now() + patience](Worker& worker) {
    worker.drain(deadline, [wait] {
      if (wait->left.fetch_sub(1) == 1) wait->done();
    });
  });
}

void Gateway::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->is_stopped, true)) return;
    impl_->listening.clear();
  }
  for (std::size_t i = 0; i < impl_->loops.size(); ++i) {
    impl_->loops[i].run([&] {
      if (i == 0) impl_->prober.reset();
      impl_->workers[i].reset();
    });
  }
}

}  // namespace proconsul::wanfed::gateway
