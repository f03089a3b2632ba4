// The agent's own services and checks while it runs: registrations, checks of every kind, maintenance, files, and
// keeping the catalog in step. Everything that changes happens on one thread, in order; reading takes a short lock.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/checks/runner.h"
#include "agent/local/aliases.h"
#include "agent/local/catalog.h"
#include "agent/local/central_config.h"
#include "agent/local/exposed_checks.h"
#include "agent/local/files.h"
#include "agent/local/state.h"
#include "agent/local/sync.h"
#include "agent/local/sync_schedule.h"
#include "agent/server/deadlines.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/watch.h"
#include "catalog/types/agent_check.h"

namespace proconsul::agent::local {

/// A service to be registered, with its checks.
struct ServiceRegistration {
  catalog::NodeService service{};
  std::vector<catalog::CheckType> checks{};
  std::string token{};
  Source source = Source::api;
  bool replace_existing_checks = false;
  bool own_checks = false;  // a sidecar whose checks are registered on their own
};
struct CheckRegistration {
  catalog::HealthCheck check{};
  std::optional<catalog::CheckType> type{};  // none: nothing runs, the status stands until it is changed
  std::string token{};
  Source source = Source::api;
};

/// The ports that sidecars without one get, both ends included; below 1: none.
struct SidecarPorts {
  std::int64_t min{}, max{};
};

/// What the configuration says of this node; it may change while the agent runs.
struct Configured {
  std::vector<ServiceRegistration> services{};
  std::vector<CheckRegistration> checks{};
  NodeInfo info{};
  bool discard_check_output = false;
};

class LocalAgent {
 public:
  struct Options {
    std::string node{};
    std::string data_dir{};                    // empty: nothing is kept
    base::Duration check_update_interval{};    // output alone is sent this late; 0: at once
    std::size_t check_output_max_size = 4096;  // bytes
    bool local_scripts = false;                // whether checks from the configuration may run scripts
    bool remote_scripts = false;               // whether checks from the API may
    base::Duration deregister_interval_min = base::seconds(60);  // least deregister_critical_service_after
    SyncSchedule::Options sync{};
    std::function<SyncTokens()> tokens{};         // unset: none
    std::function<std::size_t()> cluster_size{};  // how many agents there are; unset: one
    SidecarPorts sidecar_ports{};
    ExposePorts expose_ports{};
    checks::Runner::Options checks{};
    CentralConfig* central = nullptr;  // what is configured centrally of proxies; null: registrations are all there is
  };
  using Done = std::move_only_function<void(base::Result<>)>;
  /// `catalog` and `watches` outlive it. `watches` hears of "service ID" keys: watch_key().
  LocalAgent(Options options, Catalog& catalog, base::WatchRegistry& watches, const base::Clock& clock);
  ~LocalAgent();

  /// Takes over what files of the data directory and of the configuration say, then starts. The error names what in the
  /// configuration cannot be registered.
  base::Result<> start(Configured configured);
  /// The configuration was read again: what it defined before and no longer does goes, the rest is registered anew.
  void reload(Configured configured, Done done);
  /// Somebody has come who may know the catalog: it is asked soon. Any thread.
  void server_up();
  void stop();

  // Any thread. `done` runs on the agent's thread once the change is kept, and the catalog has it or could not be
  // reached (then it is told later).
  /// In this order; the first that fails ends it, and those before it stay.
  void add_services(std::vector<ServiceRegistration> registrations, Done done);
  void remove_service(std::string id, Done done);
  void add_check(CheckRegistration registration, Done done);
  void remove_check(std::string id, Done done);
  void update_ttl(std::string check_id, std::string status, std::string output, Done done);
  void service_maintenance(std::string id, bool enable, std::string reason, std::string token, Done done);
  void node_maintenance(bool enable, std::string reason, std::string token, Done done);

  // Copies of what there is now; any thread.
  std::map<std::string, catalog::NodeService> services() const;
  std::optional<catalog::NodeService> service(std::string_view id) const;
  std::map<std::string, catalog::HealthCheck> checks() const;
  std::optional<catalog::HealthCheck> check(std::string_view id) const;
  /// Of the service, and of the node.
  std::vector<catalog::HealthCheck> checks_of_service(std::string_view id) const;
  struct Counts {
    std::size_t services{}, checks{}, check_ttls{}, check_monitors{};
  };
  Counts counts() const;
  NodeInfo node_info() const;

  static void watch_key(base::KeySet& keys, std::string_view service_id);

 private:
  struct Ttl {
    base::Duration ttl{};
    std::size_t output_max_size{};
    std::string last_output{};
  };
  using Work = std::move_only_function<base::Result<>()>;
  struct Job {
    Work work;
    Done done;  // empty: nobody waits
  };
  /// Work for the thread. Those who answer it late hold it too.
  struct Queue {
    std::mutex mutex{};  // guards the rest
    std::condition_variable changed{};
    std::deque<Job> jobs{};
    bool stopping = false;

    void post(Work work, Done done);
  };
  struct Answer {
    Done done;
    base::Result<> result;
  };
  struct Round;

  void post(Work work, Done done) { queue_->post(std::move(work), std::move(done)); }
  void run();
  void handle_deadlines();
  base::MonotonicTime next_deadline() const;

  // local_agent_sync.cc: what changed goes to the catalog in rounds, one at a time; whoever changed something is
  // answered when the round that carries it has ended.
  SyncTokens tokens() const;
  void keep_in_step();
  void begin_round(bool compare_all);
  void fetched(const base::Result<Remote>& there);
  void tell_catalog();
  void told(const Round& round);
  void end_round(bool failed, const base::Result<>& kept);
  static void answer(std::vector<Answer>& answers, const base::Result<>& kept);
  std::size_t cluster_size() const { return options_.cluster_size ? options_.cluster_size() : 1; }

  base::Result<> load(const Configured& configured);
  base::Result<> do_reload(const Configured& configured);
  /// `known`: what is configured centrally, if the servers were asked.
  base::Result<> do_add_service(ServiceRegistration registration, bool keep,
                                const CentralConfig::Known* known = nullptr);
  // local_agent_central.cc
  struct Adding;
  CentralConfig::Question central_question(const ServiceRegistration& registration) const;
  base::Result<> add_asked(Adding& adding);
  /// The service as it is with what is known to be configured centrally.
  base::Result<catalog::NodeService> with_central_config(const catalog::NodeService& service,
                                                         const CentralConfig::Known* known);
  /// Hears of changes from here on.
  void follow_central_config(const ServiceRegistration& registration, const CentralConfig::Known* known);
  base::Result<> central_config_changed(const std::string& id, std::uint64_t number,
                                        const base::Result<CentralConfig::Known>& known);
  base::Result<> complete_sidecar(ServiceRegistration& registration) const;
  base::Result<> do_remove_service(const std::string& id);
  // local_agent_checks.cc
  base::Result<> do_add_check(CheckRegistration registration, bool keep);
  void do_remove_check(const std::string& id);
  base::Result<> do_update_ttl(const std::string& id, const std::string& status, std::string output);
  /// Whether such a check may run here. Fills in what its definition leaves out, and a status that was kept.
  base::Result<> prepare_check(catalog::HealthCheck& check, catalog::CheckType& type, Source source) const;
  void start_check(const catalog::HealthCheck& check, const catalog::CheckType& type);
  void run_check(const std::string& id, const catalog::CheckType& type);
  /// Ends whatever runs for the check.
  void stop_check(const std::string& id);
  // local_agent_expose.cc
  catalog::CheckType route_check(const catalog::HealthCheck& check, const catalog::CheckType& type);
  void reroute_checks(const catalog::NodeService& proxy);
  void straighten_checks(std::string_view service_id);
  bool expose_check(const std::string& id, const std::string& address);
  bool hide_check(const std::string& id);

  std::size_t output_limit(const catalog::CheckType& type) const;
  void update_aliases();
  void checks_changed(std::string_view service_id);
  void set_status(const std::string& id, std::string_view status, std::string_view output);
  void reap_with(const catalog::HealthCheck& check, const catalog::CheckType& type);
  void report(std::string_view service_id);
  catalog::HealthCheck check_of(const catalog::NodeService& service, const catalog::CheckType& type, std::size_t number,
                                std::size_t count) const;

  const Options options_;
  Catalog& catalog_;
  base::WatchRegistry& watches_;
  const base::Clock& clock_;
  Files files_;  // the thread's own
  const base::log::Logger log_{"agent"};
  const base::log::Logger sync_log_{"agent.anti_entropy"};
  const std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();

  mutable std::mutex mutex_{};  // guards the next two
  State state_;
  NodeInfo info_{};

  // The thread's own.
  std::map<std::string, Ttl> ttls_{};               // by check
  std::map<std::string, std::uint64_t> running_{};  // by check: the number under which runner_ reports
  std::uint64_t last_number_ = 0;
  struct Central {
    catalog::NodeService registered{};
    std::string token{};
    Source source{};
    std::uint64_t number{};  // of who is followed
    std::optional<catalog::ServiceConfig> config{};
    std::unique_ptr<CentralConfig::Followed> followed{};
  };
  std::map<std::string, Central> central_{};            // by service: those that are configured centrally
  std::map<std::string, base::Duration> reap_after_{};  // by check: how long it may be critical
  server::Deadlines ttl_deadlines_{};                   // by check
  server::Deadlines reap_deadlines_{};                  // by check
  server::Deadlines deferred_{};                        // by check: when its output is sent
  SyncSchedule schedule_;
  bool discard_check_output_ = false;
  bool dirty_ = true;  // something is not in a round yet
  bool round_under_way_ = false;
  bool compares_all_ = false;      // this round does
  std::vector<Answer> fresh_{};    // that no round carries yet
  std::vector<Answer> waiting_{};  // for the end of the round
  Aliases aliases_;
  ExposedChecks exposed_;
  checks::Runner runner_;
  std::thread thread_{};
};

}  // namespace proconsul::agent::local
