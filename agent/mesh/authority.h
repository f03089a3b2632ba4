// The mesh's certificate authority as a server has it while it leads: it makes the root and exchanges it when it is
// told to, in a secondary datacenter it has the primary sign an intermediate, and it signs for services and agents.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "agent/mesh/provider.h"
#include "agent/mesh/sign_limit.h"
#include "agent/rpc/connect_ca_types.h"
#include "agent/server/changes.h"
#include "agent/server/server.h"
#include "agent/tokens/who.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/task_thread.h"

namespace proconsul::agent::rpc {
class Caller;
}

namespace proconsul::agent::mesh {

inline constexpr const char* kConnectDisabled = "Connect must be enabled in order to use this endpoint";
inline constexpr const char* kRateLimited = "Rate limit reached, try again later";
inline constexpr const char* kStateReadOnly = "CA Provider State is read-only";

class Authority {
 public:
  struct Settings {
    std::string datacenter = "dc1";
    std::string primary_datacenter = "dc1";
    catalog::CAConfiguration initial{};                // where there is none yet
    std::function<std::string()> replication_token{};  // with which the primary is asked
    bool in_primary() const { return datacenter == primary_datacenter; }
  };
  Authority(Settings settings, const base::Clock& clock);
  ~Authority();

  /// From here on it may work. All outlive it, or it is stopped before. Once.
  void open(server::Server& server, rpc::Caller& caller, base::net::Loops& loops);
  /// This server leads, and its state is current; or it leads no longer. Any thread; returns at once.
  void lead(bool leading);
  /// Waits until its first attempt of this term to begin its work has ended, well or not, but not for longer than that.
  void await_first_attempt(std::chrono::milliseconds longest);
  /// A server of the primary datacenter came: what waits before it asks again does so at once. Any thread.
  void primary_appeared();
  /// Ends the threads; what was not answered is answered with an error. Idempotent.
  void stop();

  bool in_primary() const { return settings_.in_primary(); }

  // Where this server leads; any thread, and `done` comes from any. Errors have Consul's texts.
  void configure(catalog::CAConfiguration wanted, server::Done done);
  /// `who` must be allowed to change what the certificate is for.
  void sign(std::string request, tokens::Who who, server::Answered<rpc::IssuedCert> done);
  void sign_intermediate(std::string request, server::Answered<std::string> done);

 private:
  class Signing;
  /// What signs now.
  struct Active {
    std::shared_ptr<Provider> provider{};
    catalog::CARoot root{};
  };
  using ActivePtr = std::shared_ptr<const Active>;
  /// With nothing, or with why it cannot be done.
  using Duty = std::move_only_function<void(const base::Result<>& may)>;

  void run();
  void lead_term(std::unique_lock<std::mutex>& lock);
  void follow_primary();
  void add_duty(Duty duty);
  ActivePtr active() const;
  void set_active(std::shared_ptr<Provider> provider, catalog::CARoot root);

  // On the thread of duties.
  base::Result<catalog::ApplyResult> apply(std::string command);
  base::Result<> change(catalog::CARequest request);
  base::Result<catalog::CAConfiguration> stored_configuration();
  base::Result<std::shared_ptr<Provider>> provider_of(const catalog::CAConfiguration& configuration);
  base::Result<> initialize();
  base::Result<> initialize_primary(std::shared_ptr<Provider> provider, const catalog::CAConfiguration& configuration);
  base::Result<> initialize_secondary();
  base::Result<> update_intermediate(const std::shared_ptr<Provider>& provider,
                                     const catalog::CAConfiguration* configuration);
  base::Result<bool> request_intermediate(Provider& provider, catalog::CARoot& root);
  base::Result<> write_roots(const catalog::CARoot* fresh, const catalog::CAConfiguration* configuration);
  base::Result<> reconfigure(catalog::CAConfiguration wanted);
  base::Result<> rotate(const std::shared_ptr<Provider>& provider, catalog::CAConfiguration wanted,
                        const catalog::CAConfiguration& old);
  base::Result<> renew_intermediate();
  void prune_roots();
  void look_at_expiry() const;

  const Settings settings_;
  const base::Clock& clock_;
  const base::log::Logger log_{"agent.server.connect"};
  server::Server* server_ = nullptr;
  rpc::Caller* caller_ = nullptr;
  base::net::Loops* loops_ = nullptr;

  mutable std::mutex mutex_{};  // guards what follows
  std::condition_variable changed_{};
  bool stopping_ = false;
  bool leading_ = false;
  std::uint64_t term_ = 0;
  bool attempted_ = false;      // in this term
  std::uint64_t appeared_ = 0;  // counts servers of the primary that came
  std::stop_source over_{};  // of the term
  std::deque<Duty> duties_{};
  bool initialized_ = false;
  ActivePtr active_{};

  rpc::IndexedCARoots primary_roots_{};  // of the duties: as they were seen last
  SignLimit limit_{};                    // of the signing thread
  std::unique_ptr<base::TaskThread> signing_{};
  std::thread thread_{};
  std::thread follower_{};
};

}  // namespace proconsul::agent::mesh
