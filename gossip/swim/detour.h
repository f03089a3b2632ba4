// Members that a pool's sockets do not reach: what is for them goes through somebody who does (wanfed/transport.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/net/channel.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"
#include "gossip/swim/membership.h"

namespace proconsul::gossip::swim {

/// On the thread of the pool's loop.
class Detour {
 public:
  using Opened = std::move_only_function<void(base::Result<base::net::ChannelPtr>)>;
  virtual ~Detour() = default;
  /// Whether a member of this name is reached by it; cheap.
  virtual bool leads_to(std::string_view node) const = 0;
  /// May get lost, as a datagram may.
  virtual void send(const Address& to, std::string packet) = 0;
  /// As connecting does: `opened` comes once, never from within this call; destroying the attempt gives it up.
  virtual std::unique_ptr<base::net::Attempt> open(const Address& to, Opened opened) = 0;
};

}  // namespace proconsul::gossip::swim
