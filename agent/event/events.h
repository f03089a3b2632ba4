// The user events that reached this agent and concern it, and firing new ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "agent/event/user_event.h"
#include "base/random.h"
#include "base/result.h"
#include "base/watch.h"
#include "catalog/types/service.h"

namespace proconsul::agent::event {

class Events {
 public:
  struct Options {
    std::string node{};
    std::size_t size_limit = 512;  // bytes of one event as serf sends it
    /// This agent's services by ID, which filters look at.
    std::function<std::map<std::string, catalog::NodeService>()> services{};
    /// Hands a serf user event to the gossip, which gives it back through receive(), here and everywhere. Empty: there
    /// is no other member.
    std::function<base::Result<>(std::string_view name, std::string_view payload)> broadcast{};
    /// Runs what an event asks this agent to run; any thread. Empty: disable_remote_exec.
    std::function<void(UserEvent event)> execute{};
  };
  /// `watches` outlives it, and hears of every event that is kept: watch_key().
  Events(Options options, base::WatchRegistry& watches);

  // Any thread.
  /// Gives the event its ID and sends it to everybody; returns it as it was sent.
  base::Result<UserEvent> fire(UserEvent event, base::Random& random);
  /// A serf user event from the gossip. What is none of Consul's own ("consul:event:...") is passed over.
  void receive(std::string_view name, std::string_view payload, std::uint64_t ltime);
  /// The last ones, oldest first; with a name only those of it.
  std::vector<UserEvent> list(std::string_view name = {}) const;
  static void watch_key(base::KeySet& keys);

  static constexpr std::size_t kKept = 256;

 private:
  base::Result<> check_fits(std::string_view name, std::string_view payload) const;
  base::Result<> deliver_alone(std::string_view name, std::string_view payload);
  bool concerns_us(const UserEvent& event) const;

  const Options options_;
  base::WatchRegistry& watches_;
  mutable std::mutex mutex_{};  // guards what follows
  std::deque<UserEvent> kept_{};
  std::uint64_t clock_ = 1;  // of serf, as far as known here
};

}  // namespace proconsul::agent::event
