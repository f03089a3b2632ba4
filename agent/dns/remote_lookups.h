// Carries out remote look-ups by RPC: equal ones that are under way share one call, and with dns_config.use_cache
// answers are kept for a while.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "agent/dns/remote.h"
#include "agent/dns/settings.h"
#include "agent/rpc/caller.h"
#include "base/log.h"
#include "base/net/loop.h"

namespace proconsul::agent::dns {

/// Everything on the thread of its loop.
class RemoteLookups {
 public:
  using Done = std::move_only_function<void(RemoteAnswerPtr)>;
  /// `has_state`: this agent is a server, whose own datacenter is only asked for what its state is too old for.
  RemoteLookups(base::net::Loop& loop, rpc::Caller& caller, bool has_state)
      : loop_(loop), caller_(caller), has_state_(has_state) {}
  ~RemoteLookups();

  /// An answer that may still be given; null: there is none.
  RemoteAnswerPtr kept(const RemoteKey& key, const Settings& settings);
  /// `done` comes later, never from within this call; with an answer of `failed` where too many wait.
  void ask(const RemoteKey& key, std::shared_ptr<const Settings> settings, Done done);
  /// After a change of settings: nothing is kept, what is under way goes on.
  void forget();
  /// Gives everything up.
  void stop();

 private:
  struct Asked {
    RemoteKey key{};
    std::shared_ptr<const Settings> settings{};
    bool stale{};           // may be answered by any server
    bool among_services{};  // reverse: no node has the address
    rpc::InvocationPtr call{};
    std::unique_ptr<rpc::Running> running{};
    std::vector<Done> waiting{};
  };
  struct Kept {
    RemoteAnswerPtr answer;
    base::net::Clock::time_point since;
    std::list<RemoteKey>::iterator place;
  };
  void begin(Asked& asked);
  void answered(const RemoteKey& key, const base::Result<>& result);
  void keep(const RemoteKey& key, RemoteAnswerPtr answer);
  void drop(const RemoteKey& key);

  static constexpr std::size_t kMostAsked = 256;  // different ones at a time
  static constexpr std::size_t kMostKeptBytes = 8U << 20;

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const bool has_state_;
  const base::log::Logger log_{"agent.dns"};
  std::map<RemoteKey, Asked> asked_{};
  std::map<RemoteKey, Kept> kept_{};
  std::list<RemoteKey> by_age_{};  // the oldest first
  std::size_t kept_bytes_ = 0;
};

}  // namespace proconsul::agent::dns
