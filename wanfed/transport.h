// The WAN pool's way to members of other datacenters: TLS through a mesh gateway, to the server itself. Packets of one
// member share a connection, streams have one each (wanfed.md 2 of the wire reference).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "gossip/swim/detour.h"

namespace proconsul::wanfed {

/// On the thread of the pool's loop, but for its construction and its end, which come before the pool's and after.
class Transport final : public gossip::swim::Detour {
 public:
  struct Options {
    std::string datacenter{};
    /// Where a server of another datacenter is reached now, TLS by this ALPN name included, or a refusal. `node` is "*"
    /// for any of its servers.
    std::function<base::net::Destination(const std::string& node, const std::string& datacenter,
                                         std::string_view protocol)>
        route{};
    /// Whether what goes by this gateway should be moved to a better one.
    std::function<bool(const std::string& datacenter, const std::string& gateway)> outdated{};
    std::chrono::seconds idle_time{120};             // then a connection for packets is closed
    std::size_t most_unsent = std::size_t{1} << 20;  // bytes of one connection; what is more gets lost
    std::chrono::seconds dial_timeout{3};  // TLS through two gateways included: another way may be there by then
    std::chrono::milliseconds rest_after_failure{500};  // in which packets to the member get lost
  };
  Transport(base::net::Loop& loop, Options options);
  ~Transport() override;

  bool leads_to(std::string_view node) const override;
  void send(const gossip::swim::Address& to, std::string packet) override;
  std::unique_ptr<base::net::Attempt> open(const gossip::swim::Address& to, Opened opened) override;
  /// Closes connections that better ways are known for; packets to come take those. On the loop's thread.
  void leave_outdated();
  /// Closes what is open; nothing is sent any more. On the loop's thread.
  void stop();

 private:
  class Link;
  base::net::Destination destination(std::string_view node, std::string_view protocol) const;

  base::net::Loop& loop_;
  const Options options_;
  const base::log::Logger log_{"agent.server.memberlist.wan"};
  std::unordered_map<std::string, std::unique_ptr<Link>> links_;  // by the member's name
  bool stopped_ = false;
};

}  // namespace proconsul::wanfed
