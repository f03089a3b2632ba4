// Ends blocking work of another thread: sockets, sleeps and waits that were told of the interrupt stop at once.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/time.h"

namespace proconsul::base {

/// Raised once and for good; safe from every thread. Outlives what was told of it.
class Interrupt {
 public:
  Interrupt();
  /// Is raised with its parent too, which outlives it.
  explicit Interrupt(Interrupt* parent);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  void raise();
  bool raised() const;
  /// Sleeps; whether it slept to the end.
  bool sleep(Duration duration);
  /// A descriptor that becomes readable when the interrupt is raised, for poll(); -1 if the system had none left.
  int descriptor() const { return event_; }

  /// While it lives, raising shuts the socket down; destroy it before the socket is closed.
  class Socket {
   public:
    Socket(Interrupt* interrupt, int socket);
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();

   private:
    Interrupt* interrupt_;  // null: nothing to do
    int socket_;
  };

 private:
  Interrupt* const parent_{};
  const int event_;
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  bool raised_{};
  std::vector<int> sockets_{};
  std::vector<Interrupt*> children_{};
};

}  // namespace proconsul::base
