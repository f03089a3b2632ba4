// What a service manager (systemd) wants to hear of the process: sd_notify's datagrams to $NOTIFY_SOCKET. Without that
// variable nothing is sent.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace proconsul::agent {

class ServiceManager {
 public:
  /// Reads the environment, and takes it away from child processes.
  ServiceManager();

  void ready() const;      // the agent listens
  void reloading() const;  // ready() follows
  void stopping() const;
  /// WATCHDOG=1: all is well.
  void alive() const;
  /// How often alive() is wanted, with time to spare; none: it is not.
  std::optional<std::chrono::milliseconds> watchdog() const { return watchdog_; }

 private:
  void send(const std::string& state) const;

  std::string socket_{};
  std::optional<std::chrono::milliseconds> watchdog_{};
};

}  // namespace proconsul::agent
