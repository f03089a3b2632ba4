// A TCP connection on its way to an endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/net/socket.h"
#include "base/result.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::wanfed::gateway {

/// Addresses of host names for one loop, each looked up again after some seconds. When that fails, the last ones count.
class NameCache {
 public:
  using Addresses = std::vector<base::net::SocketAddress>;
  using Done = std::move_only_function<void(const base::Result<Addresses>&)>;

  NameCache(base::net::Loop& loop, base::net::Resolver& resolver) : loop_(loop), resolver_(resolver) {}

  /// `done` runs on the loop, at once if the answer is known, or never if `wanted` has expired by then.
  void resolve(const std::string& host, std::weak_ptr<void> wanted, Done done);

 private:
  struct Waiter {
    std::weak_ptr<void> wanted;
    Done done;
  };
  struct Entry {
    Addresses addresses{};
    base::net::Clock::time_point fresh_until{};
    std::vector<Waiter> waiters{};
  };
  void answered(const std::string& host, base::net::Resolver::Answer answer);

  base::net::Loop& loop_;
  base::net::Resolver& resolver_;
  std::unordered_map<std::string, Entry> entries_{};
  std::shared_ptr<void> alive_ = std::make_shared<int>(0);
};

/// On the loop's thread; destroying it gives it up.
class Dial final : base::net::Pollable, base::net::Timer {
 public:
  using Done = std::move_only_function<void(base::Result<base::net::Fd>)>;

  /// Calls `done` once, never from within this call. A name with several addresses is tried at each in turn. Errors are
  /// those of Go's net package, with Errc::timeout if nothing but silence came until the deadline, and
  /// Errc::internal if this machine has no descriptor, port or memory for it, which says nothing of the endpoint.
  Dial(base::net::Loop& loop, NameCache& names, const Address& address, base::net::Clock::time_point deadline,
       Done done);
  ~Dial() override;

 private:
  void begin(NameCache::Addresses addresses);
  void next();
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  void failed(int error);
  void failed_here(int error);
  void finish_later(base::Error error);
  void finish(base::Result<base::net::Fd> result);
  void unwatch();

  base::net::Loop& loop_;
  std::string name_;  // "10.0.0.1:8443"
  std::uint16_t port_;
  base::net::Clock::time_point deadline_;
  Done done_;
  NameCache::Addresses addresses_{};
  std::size_t tried_ = 0;
  base::net::Fd socket_{};
  bool watched_ = false;
  std::unique_ptr<base::Error> outcome_{};
  std::shared_ptr<void> alive_{};  // while a name is looked up
};

/// No delay of small pieces, and a peer that vanished without a word is noticed in some minutes.
void set_socket_options(int fd);
/// Closes so that the other side sees a reset, not an end.
void reset_connection(base::net::Fd socket);

}  // namespace proconsul::wanfed::gateway
