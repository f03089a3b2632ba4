// The other end of transport.h: what servers of other datacenters send to this one's WAN pool, inside TLS on the server
// port.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/net/tls.h"
#include "gossip/pool.h"

namespace proconsul::wanfed {

class Incoming {
 public:
  /// `loop` is the pool's.
  explicit Incoming(base::net::Loop& loop);
  ~Incoming();
  Incoming(const Incoming&) = delete;

  /// From now on `pool` gets what comes, until stop(); before, connections are closed. On the loop's thread.
  void open(gossip::Pool& pool) { pool_ = &pool; }
  /// On the loop's thread. Idempotent.
  void stop();

  /// Connections whose handshake is done; `place` is held as long as they are. Any thread; this outlives the loop's
  /// tasks.
  void take_packets(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls, std::shared_ptr<const void> place);
  void take_stream(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls, std::shared_ptr<const void> place);

 private:
  class Packets;
  void gone(Packets& packets);

  base::net::Loop& loop_;
  const base::log::Logger log_{"agent.server.memberlist.wan"};
  gossip::Pool* pool_ = nullptr;
  std::unordered_map<Packets*, std::unique_ptr<Packets>> packets_;
};

}  // namespace proconsul::wanfed
