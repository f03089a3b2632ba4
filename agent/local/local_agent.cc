#include "agent/local/local_agent.h"

#include <algorithm>
#include <set>
#include <utility>

#include "agent/local/rules.h"
#include "agent/local/sidecar.h"
#include "base/quote.h"
#include "base/random.h"

namespace proconsul::agent::local {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kNodeMaintenance = "_node_maintenance";
constexpr std::string_view kServiceMaintenance = "_service_maintenance:";

Result<> unknown_service(std::string_view id) {
  return {Errc::not_found,
          "Unknown service ID " + base::quote(id) + ". Ensure that the service ID is passed, not the service name."};
}

}  // namespace

LocalAgent::LocalAgent(Options options, Catalog& catalog, base::WatchRegistry& watches, const base::Clock& clock)
    : options_(std::move(options)),
      catalog_(catalog),
      watches_(watches),
      clock_(clock),
      files_(options_.data_dir),
      state_(options_.node, options_.check_update_interval.nanoseconds > 0),
      schedule_(options_.sync, base::system_random()),
      aliases_(options_.node, catalog, [queue = queue_] { queue->post([] { return Result<>(); }, nullptr); }),
      exposed_(options_.expose_ports),
      runner_(options_.checks,
              [this](const std::string& id, std::uint64_t number, std::string_view status, std::string output) {
                post(
                    [this, id, number, status = std::string(status), output = std::move(output)]() -> Result<> {
                      // What is on its way from a check that has been replaced or removed counts no more.
                      const auto found = running_.find(id);
                      if (found != running_.end() && found->second == number) set_status(id, status, output);
                      return {};
                    },
                    nullptr);
              }) {}

LocalAgent::~LocalAgent() {
  stop();
}

Result<> LocalAgent::start(Configured configured) {
  discard_check_output_ = configured.discard_check_output;
  info_ = std::move(configured.info);
  if (Result<> loaded = load(configured); !loaded) return loaded;
  thread_ = std::thread([this] { run(); });
  return {};
}

void LocalAgent::stop() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->stopping = true;
    queue_->changed.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  central_.clear();
  runner_.stop_all();
  const base::Error stopping{Errc::unavailable, "the agent is stopping"};
  for (Job& job : std::exchange(queue_->jobs, {})) {
    if (job.done) job.done(stopping);
  }
  for (std::vector<Answer>* answers : {&waiting_, &fresh_}) answer(*answers, stopping);
}

// ---- the thread

void LocalAgent::Queue::post(Work work, Done done) {
  {
    const std::lock_guard lock(mutex);
    if (!stopping) {
      jobs.push_back({std::move(work), std::move(done)});
      changed.notify_all();
      return;
    }
  }
  if (done) done(base::Error{Errc::unavailable, "the agent is stopping"});
}

void LocalAgent::run() {
  std::unique_lock lock(queue_->mutex);
  while (!queue_->stopping) {
    std::deque<Job> jobs = std::exchange(queue_->jobs, {});
    lock.unlock();
    for (Job& job : jobs) {
      Result<> result = job.work();
      if (job.done) fresh_.push_back({std::move(job.done), std::move(result)});
    }
    handle_deadlines();
    update_aliases();
    keep_in_step();
    lock.lock();
    if (queue_->stopping || !queue_->jobs.empty()) continue;
    const base::Duration wait = next_deadline() - clock_.now();
    if (wait.nanoseconds > 0) queue_->changed.wait_for(lock, std::chrono::nanoseconds(wait.nanoseconds));
  }
}

base::MonotonicTime LocalAgent::next_deadline() const {
  // While a round is under way its end is what wakes this thread.
  base::MonotonicTime next = round_under_way_ ? clock_.now() + base::seconds(3600) : schedule_.next();
  for (const server::Deadlines* deadlines : {&ttl_deadlines_, &reap_deadlines_, &deferred_}) {
    if (const auto earliest = deadlines->earliest()) next = std::min(next, *earliest);
  }
  return next;
}

void LocalAgent::handle_deadlines() {
  const base::MonotonicTime now = clock_.now();
  for (const std::string& id : ttl_deadlines_.take_expired(now)) {
    log_.warn("Check missed TTL, is now critical", {{"check", id}});
    const std::string& last = ttls_[id].last_output;
    set_status(id, catalog::kHealthCritical,
               last.empty() ? "TTL expired" : "TTL expired (last output before timeout follows): " + last);
  }
  for (const std::string& id : deferred_.take_expired(now)) {
    const std::lock_guard lock(mutex_);
    state_.undefer(id);
    dirty_ = true;
  }
  for (const std::string& id : reap_deadlines_.take_expired(now)) {
    const std::optional<catalog::HealthCheck> late = check(id);
    if (!late || late->ServiceID.empty()) continue;
    log_.info(
        "deregistered service with critical health due to exceeding health check's "
        "'deregister_critical_service_after' timeout",
        {{"service", late->ServiceID}, {"check", id}});
    if (const Result<> removed = do_remove_service(late->ServiceID); !removed) {
      log_.error("failed to deregister a critical service", {{"service", late->ServiceID}, {"error", removed.error()}});
    }
  }
}

// ---- services

catalog::HealthCheck LocalAgent::check_of(const catalog::NodeService& service, const catalog::CheckType& type,
                                          std::size_t number, std::size_t count) const {
  catalog::HealthCheck check{};
  check.Node = options_.node;
  check.CheckID = type.CheckID;
  if (check.CheckID.empty()) {
    check.CheckID = "service:" + service.ID;
    if (count > 1) check.CheckID += ':' + std::to_string(number + 1);
  }
  check.Name = type.Name.empty() ? "Service '" + service.Service + "' check" : type.Name;
  if (type.Interval.nanoseconds != 0) check.Interval = base::to_string(type.Interval);
  if (type.Timeout.nanoseconds != 0) check.Timeout = base::to_string(type.Timeout);
  check.Status = type.Status.empty() ? std::string(catalog::kHealthCritical) : type.Status;
  check.Notes = type.Notes;
  check.ServiceID = service.ID;
  check.ServiceName = service.Service;
  check.ServiceTags = service.Tags;
  check.Type = check_type(type);
  return check;
}

/// Its port is chosen here, on the thread, where nobody else can take it.
Result<> LocalAgent::complete_sidecar(ServiceRegistration& registration) const {
  catalog::NodeService& sidecar = registration.service;
  if (sidecar.Port < 1) {
    const std::lock_guard lock(mutex_);
    const Result<std::int64_t> port = sidecar_port(state_, sidecar.ID, options_.sidecar_ports);
    if (!port) return port.error();
    sidecar.Port = *port;
  }
  if (registration.checks.empty() && !registration.own_checks) registration.checks = sidecar_checks(sidecar);
  return {};
}

Result<> LocalAgent::do_add_service(ServiceRegistration registration, bool keep, const CentralConfig::Known* known) {
  catalog::NodeService& service = registration.service;
  if (service.Service.empty()) return {Errc::internal, "Service name missing"};
  if (service.ID.empty()) service.ID = service.Service;
  if (service.LocallyRegisteredAsSidecar) {
    if (Result<> completed = complete_sidecar(registration); !completed) return completed;
  }
  if (!service.Weights) service.Weights = catalog::Weights{.Passing = 1, .Warning = 1};
  if (Result<> tagged = tag_addresses(service); !tagged) return tagged;
  std::set<std::string> named;
  std::vector<catalog::HealthCheck> checks;
  for (std::size_t i = 0; i < registration.checks.size(); ++i) {
    catalog::HealthCheck check = check_of(service, registration.checks[i], i, registration.checks.size());
    // Registering again must not turn a healthy service critical.
    if (const std::optional<catalog::HealthCheck> before = this->check(check.CheckID)) {
      check.Output = before->Output;
      check.Status = before->Status;
    }
    if (Result<> ready = prepare_check(check, registration.checks[i], registration.source); !ready) return ready;
    named.insert(check.CheckID);
    checks.push_back(std::move(check));
  }
  const Result<catalog::NodeService> shown = with_central_config(service, known);
  if (!shown) return shown.error();
  if (keep) {
    PersistedService persisted{
        .Token = registration.token, .Service = service, .Source = source_name(registration.source)};
    persisted.LocallyRegisteredAsSidecar = service.LocallyRegisteredAsSidecar;
    if (Result<> saved = files_.save(persisted); !saved) return saved;
    if (known) {
      PersistedServiceConfig config{.ServiceID = service.ID};
      config.Defaults.emplace() = known->config;
      if (Result<> saved = files_.save(config); !saved) return saved;
    }
    for (std::size_t i = 0; i < checks.size(); ++i) {
      const PersistedCheck check{.Check = checks[i],
                                 .ChkType = registration.checks[i],
                                 .Token = registration.token,
                                 .Source = source_name(registration.source)};
      if (Result<> saved = files_.save(check); !saved) return saved;
    }
  }
  std::vector<std::string> obsolete;
  {
    const std::lock_guard lock(mutex_);
    if (registration.replace_existing_checks) {
      for (const catalog::HealthCheck* check : state_.checks_of(service.ID, false)) {
        if (!named.contains(check->CheckID)) obsolete.push_back(check->CheckID);
      }
    }
    state_.put_service(*shown, registration.token, registration.source);
    for (const catalog::HealthCheck& check : checks) {
      if (Result<> put = state_.put_check(check, registration.token, registration.source); !put) return put;
    }
  }
  for (std::size_t i = 0; i < checks.size(); ++i) start_check(checks[i], registration.checks[i]);
  for (const std::string& id : obsolete) do_remove_check(id);
  reroute_checks(*shown);
  checks_changed(service.ID);
  report(service.ID);
  dirty_ = true;
  follow_central_config(registration, known);
  return {};
}

void LocalAgent::remove_service(std::string id, Done done) {
  post([this, id = std::move(id)] { return do_remove_service(id); }, std::move(done));
}

Result<> LocalAgent::do_remove_service(const std::string& id) {
  if (const std::optional<catalog::NodeService> leaving = service(id)) {
    straighten_checks(leaving->Proxy->DestinationServiceID);
  }
  std::vector<std::string> checks;
  {
    const std::lock_guard lock(mutex_);
    for (const catalog::HealthCheck* check : state_.checks_of(id, false)) checks.push_back(check->CheckID);
    if (Result<> removed = state_.remove_service(id); !removed) return removed;
  }
  central_.erase(id);
  files_.forget_service(id);
  for (const std::string& check : checks) do_remove_check(check);
  checks_changed(id);
  report(id);
  dirty_ = true;
  const std::optional<catalog::NodeService> sidecar = service(sidecar_id(id));
  return sidecar && sidecar->LocallyRegisteredAsSidecar ? do_remove_service(sidecar->ID) : Result<>();
}

// ---- maintenance

void LocalAgent::service_maintenance(std::string id, bool enable, std::string reason, std::string token, Done done) {
  post(
      [this, id = std::move(id), enable, reason = std::move(reason), token = std::move(token)]() mutable -> Result<> {
        const std::optional<catalog::NodeService> service = this->service(id);
        if (!service) return unknown_service(id);
        const std::string check_id = std::string(kServiceMaintenance) + id;
        if (!enable) {
          if (check(check_id)) do_remove_check(check_id);
          return {};
        }
        if (check(check_id)) return {};
        catalog::HealthCheck check{};
        check.CheckID = check_id;
        check.Name = "Service Maintenance Mode";
        check.Notes = reason.empty()
                          ? "Maintenance mode is enabled for this service, but no reason was provided. This is a "
                            "default message."
                          : std::move(reason);
        check.ServiceID = id;
        check.Status = catalog::kHealthCritical;
        check.Type = "maintenance";
        return do_add_check({.check = std::move(check), .token = std::move(token), .source = Source::file}, true);
      },
      std::move(done));
}

void LocalAgent::node_maintenance(bool enable, std::string reason, std::string token, Done done) {
  post(
      [this, enable, reason = std::move(reason), token = std::move(token)]() mutable -> Result<> {
        const std::string check_id(kNodeMaintenance);
        if (!enable) {
          if (check(check_id)) do_remove_check(check_id);
          return {};
        }
        if (check(check_id)) return {};
        catalog::HealthCheck check{};
        check.CheckID = check_id;
        check.Name = "Node Maintenance Mode";
        check.Notes = reason.empty()
                          ? "Maintenance mode is enabled for this node, but no reason was provided. This is a "
                            "default message."
                          : std::move(reason);
        check.Status = catalog::kHealthCritical;
        check.Type = "maintenance";
        return do_add_check({.check = std::move(check), .token = std::move(token), .source = Source::file}, true);
      },
      std::move(done));
}

// ---- reading

void LocalAgent::report(std::string_view service_id) {
  base::KeySet changed;
  watch_key(changed, service_id);
  watches_.report(changed);
}

NodeInfo LocalAgent::node_info() const {
  const std::lock_guard lock(mutex_);
  return info_;
}

void LocalAgent::watch_key(base::KeySet& keys, std::string_view service_id) {
  keys.add_key("service ", service_id);
}

std::map<std::string, catalog::NodeService> LocalAgent::services() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, catalog::NodeService> found;
  for (const auto& [id, entry] : state_.services()) {
    if (!entry.deleted) found.emplace(id, entry.service);
  }
  return found;
}

std::optional<catalog::NodeService> LocalAgent::service(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const catalog::NodeService* found = state_.service(id);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::map<std::string, catalog::HealthCheck> LocalAgent::checks() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, catalog::HealthCheck> found;
  for (const auto& [id, entry] : state_.checks()) {
    if (!entry.deleted) found.emplace(id, entry.check);
  }
  return found;
}

std::optional<catalog::HealthCheck> LocalAgent::check(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const catalog::HealthCheck* found = state_.check(id);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::vector<catalog::HealthCheck> LocalAgent::checks_of_service(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  std::vector<catalog::HealthCheck> found;
  for (const catalog::HealthCheck* check : state_.checks_of(id, true)) found.push_back(*check);
  return found;
}

LocalAgent::Counts LocalAgent::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts;
  for (const auto& [id, entry] : state_.services()) counts.services += !entry.deleted;
  for (const auto& [id, entry] : state_.checks()) {
    counts.checks += !entry.deleted;
    counts.check_ttls += !entry.deleted && entry.check.Type == "ttl";
    counts.check_monitors += !entry.deleted && entry.check.Type == "script";
  }
  return counts;
}

}  // namespace proconsul::agent::local
