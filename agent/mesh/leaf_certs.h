// The certificates of this agent's services, and its own: each is asked for when somebody wants it first, and exchanged
// before it ends or when the mesh has another root. Private keys are made here and never leave the memory of the agent
// but to who asks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/rpc/caller.h"
#include "agent/rpc/connect_ca_types.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::mesh {

class LeafCerts {
 public:
  struct Options {
    std::string datacenter = "dc1";
    base::Duration root_change_spread{};  // instead of a random time when there is another root; 0: none
    std::size_t most_entries = 8192;
  };
  /// The caller and the loops outlive stop().
  LeafCerts(rpc::Caller& caller, base::net::Loops& loops, Options options);
  ~LeafCerts();
  /// Who waits is told that it is over. Idempotent; not from a loop.
  void stop();

  /// Whom a certificate is for. Two that differ in anything, the token among it, share nothing.
  struct Wanted {
    std::string datacenter{};
    std::string token{};
    std::string service{};
    std::string agent{};  // instead of a service
    bool server = false;  // instead of both: for servers of the datacenter
    std::vector<std::string> dns_names{}, ip_addresses{};
  };
  struct Found {
    base::Result<std::shared_ptr<const rpc::IssuedCert>> certificate{};
    bool hit = false;       // it was here
    std::uint64_t age = 0;  // for so many seconds
  };
  using Done = std::move_only_function<void(Found)>;
  /// How it is asked for.
  struct Query {
    std::uint64_t after = 0;    // 0: what is good now; else one of a later index, or what there is when `wait` is over
    base::Duration wait{};      // 0: ten minutes
    bool from_servers = false;  // what is here does not count: the servers decide whether it is allowed
  };
  /// Any thread; `done` comes from the loop of these certificates.
  void get(Wanted wanted, Query query, Done done);
  /// A certificate and roots that are there already. Any thread.
  void begin_with(Wanted wanted, rpc::IssuedCert certificate, rpc::IndexedCARoots roots);
  /// Called whenever the roots have changed, and once they are known; on the loop.
  void follow_roots(std::function<void(std::shared_ptr<const rpc::IndexedCARoots>)> changed);
  /// On the loop of these certificates. Any thread.
  void later(std::chrono::nanoseconds delay, std::move_only_function<void()> act) {
    loop_.post([&loop = loop_, delay, act = std::move(act)]() mutable { loop.after(delay, std::move(act)); });
  }
  /// When it returns, what ran on the loop is over. Not from a loop.
  void settle();

 private:
  class Core;
  base::net::Loop& loop_;
  const std::shared_ptr<Core> core_;
  bool stopped_ = false;
};

}  // namespace proconsul::agent::mesh
