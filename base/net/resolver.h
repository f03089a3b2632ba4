// Names to addresses by the system's resolver, which blocks: on threads of its own, so that one slow name does not
// hold up the others.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::base::net {

struct SocketAddress {
  sockaddr_storage address{};
  socklen_t size{};
};

/// An IPv4 or IPv6 address in text ("10.0.0.1", "::1", "fe80::1%eth0"); false if it is none. Never asks anybody.
bool parse_address(const std::string& text, std::uint16_t port, SocketAddress& out);

class Resolver {
 public:
  using Answer = base::Result<std::vector<SocketAddress>>;
  using Done = std::move_only_function<void(Answer)>;

  Resolver();
  /// Lookups under way go on until the system gives up, and are then forgotten.
  ~Resolver();
  Resolver(const Resolver&) = delete;

  /// `done` runs on `loop`, or never if `wanted` has expired by then. Errors read "lookup NAME: no such host".
  void resolve(std::string name, std::uint16_t port, Loop& loop, std::weak_ptr<void> wanted, Done done);

 private:
  struct Pool;
  std::shared_ptr<Pool> pool_;
};

}  // namespace proconsul::base::net
