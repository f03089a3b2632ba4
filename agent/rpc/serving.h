// The server's end of RPC: calls of one connection or yamux stream, one after the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "agent/rpc/dispatcher.h"
#include "base/log.h"
#include "base/net/channel.h"
#include "base/net/loop.h"

namespace proconsul::agent::rpc {

/// Serves channels of one loop; use on its thread, where it is destroyed too.
class Serving {
 public:
  struct Options {
    std::size_t most_request_bytes = 64 * 1024 * 1024;
    /// Refuses an operation that must not go on now (limits.request_limits); the connection ends with that answer.
    std::function<base::Result<>(const Method& method, const std::string& from)> limit{};
  };
  Serving(base::net::Loop& loop, Dispatcher& dispatcher, Options options);
  ~Serving();
  /// Which methods a connection may call.
  enum class Methods : std::uint8_t { all, insecure };
  void serve(base::net::ChannelPtr channel, std::string from, Methods methods = Methods::all);
  std::size_t connections() const { return connections_.size(); }

 private:
  class Connection;
  void bury(Connection& connection);

  base::net::Loop& loop_;
  Dispatcher& dispatcher_;
  const Options options_;
  const base::log::Logger log_{"agent.server.rpc"};
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
};

}  // namespace proconsul::agent::rpc
