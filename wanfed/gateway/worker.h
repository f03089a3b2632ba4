// A gateway's part on one loop: its connections, and what they share.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/client_limit.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/net/socket.h"
#include "base/random.h"
#include "wanfed/gateway/complaints.h"
#include "wanfed/gateway/connection.h"
#include "wanfed/gateway/counters.h"
#include "wanfed/gateway/dial.h"
#include "wanfed/gateway/gateway.h"
#include "wanfed/gateway/splice.h"
#include "wanfed/gateway/upstream.h"

namespace proconsul::wanfed::gateway {

/// All addresses of the machine.
inline bool is_everywhere(const Address& address) {
  return address.host == "0.0.0.0" || address.host == "::";
}

/// What all workers of a gateway share. Any thread.
struct Shared {
  Shared(Options what, std::int64_t most) : options(what), most_connections(most), routes(what.balancer) {}
  const Options options;
  std::atomic<std::int64_t> most_connections;
  LiveRoutes routes;
  Counters counters{};
  base::net::ClientLimit sources{};
  base::net::Resolver resolver{};
  Complaints<kRefusals> refusals{};
  Complaints<1> failures{};             // of single endpoints
  std::function<void()> on_ejection{};  // set before the first connection
  /// True for an address at which the gateway itself listens.
  bool is_own(const Address& address) const;
  /// The same of a connection that stands: by a host name, or at one of all addresses of the machine.
  bool is_own(int connected) const;
  void set_own(std::vector<Address> addresses);

 private:
  mutable std::mutex mutex_{};
  std::vector<Address> own_{};
};

/// On the loop's thread only.
class Worker {
 public:
  Worker(base::net::Loop& loop, Shared& shared, Limits limits);
  /// Cuts its connections.
  ~Worker();
  Worker(const Worker&) = delete;

  void listen(std::uint64_t id, base::net::Fd listener);
  void unlisten(std::uint64_t id);
  void set_limits(const Limits& limits) { limits_ = limits; }
  /// Connections look anew at how long they may last: routes are gone.
  void review();
  /// Takes no more; connections may last until `deadline`. `done` is called when there are none any more, from within
  /// this call if there are none now.
  void drain(base::net::Clock::time_point deadline, std::move_only_function<void()> done);

  // For its connections.
  base::net::Loop& loop() { return loop_; }
  Shared& shared() { return shared_; }
  const Limits& limits() const { return limits_; }
  PipePool& pipes() { return pipes_; }
  NameCache& names() { return names_; }
  base::Random& random() { return random_; }
  base::net::Clock::time_point drain_deadline() const { return drain_deadline_; }
  void count(Refusal refusal, std::string_view peer, std::string_view name, std::string_view detail);
  using Connections = std::list<std::unique_ptr<Connection>>;
  /// The connection has its hello: it does not count as opening any more.
  void opened(Connections::iterator place);
  /// So many bytes of its hello wait to be sent on, or do not any more.
  void hold(std::size_t bytes) { held_ += bytes; }
  void release(std::size_t bytes) { held_ -= bytes; }
  /// Where too many wait, the oldest without a whole hello are ended, perhaps who asks too. False: there are none left
  /// to end.
  bool make_room();
  /// Destroys it.
  void finished(Connections::iterator place, bool is_opening);

 private:
  void take(base::net::Fd socket);
  void check_drained();

  base::net::Loop& loop_;
  Shared& shared_;
  Limits limits_;
  PipePool pipes_;
  NameCache names_;
  base::SeededRandom random_;
  base::net::Clock::time_point drain_deadline_ = base::net::Clock::time_point::max();
  std::move_only_function<void()> on_drained_{};
  std::map<std::uint64_t, std::unique_ptr<base::net::Acceptor>> acceptors_{};
  std::size_t held_ = 0;
  Connections opening_{};  // the oldest first
  Connections open_{};
};

}  // namespace proconsul::wanfed::gateway
