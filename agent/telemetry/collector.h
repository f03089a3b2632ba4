// The daemon at the other end of a metrics connection: its address, its socket, and when to try again.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "base/net/socket.h"
#include "base/result.h"

namespace proconsul::agent {

/// Owned and used by one thread; nothing here waits for long.
class Collector {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  enum class Protocol : std::uint8_t { statsd, statsite, dogstatsd };

  Collector(Protocol protocol, std::string address, std::vector<std::string> tags = {});

  /// Looks the address up and connects. An error with Errc::not_found: there is no such host (yet).
  base::Result<> connect();
  /// The next try follows later, the later the oftener it failed (`patient`) or after five seconds.
  void try_later(Instant now, const base::Error& error, bool patient);
  bool due(Instant now) const { return !socket_ && now >= next_try_; }

  void add(const base::metrics::Event& event);
  /// Sends what was added. What cannot be sent is dropped, and the connection with it where that is TCP.
  void flush(Instant now);

 private:
  void send(std::string_view bytes, Instant now);

  const Protocol protocol_;
  const std::string address_;
  const std::vector<std::string> tags_;
  const base::log::Logger log_{"agent.telemetry"};
  base::net::Fd socket_{};
  std::string buffer_{};
  std::size_t most_bytes_;  // of one datagram
  Instant next_try_{};
  int failures_ = 0;
};

}  // namespace proconsul::agent
