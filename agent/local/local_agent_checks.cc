// LocalAgent's checks: what runs for each, what it reports, and what becomes of a service that stays critical.
#include <algorithm>
#include <utility>

#include "agent/checks/docker.h"
#include "agent/checks/os_service.h"
#include "agent/local/local_agent.h"
#include "agent/local/rules.h"
#include "base/quote.h"
#include "base/random.h"

namespace proconsul::agent::local {

using base::Errc;
using base::Result;

void LocalAgent::add_check(CheckRegistration registration, Done done) {
  post([this, registration = std::move(registration)]() mutable { return do_add_check(std::move(registration), true); },
       std::move(done));
}

Result<> LocalAgent::do_add_check(CheckRegistration registration, bool keep) {
  catalog::HealthCheck& check = registration.check;
  if (!check.ServiceID.empty()) {
    const std::optional<catalog::NodeService> service = this->service(check.ServiceID);
    if (!service) return {Errc::internal, "ServiceID " + base::quote(check.ServiceID) + " does not exist"};
    check.ServiceName = service->Service;
    check.ServiceTags = service->Tags;
  }
  if (const std::optional<catalog::HealthCheck> before = this->check(check.CheckID)) {
    check.Status = before->Status;
    check.Output = before->Output;
  }
  if (registration.type) {
    if (Result<> ready = prepare_check(check, *registration.type, registration.source); !ready) return ready;
  }
  if (keep) {
    PersistedCheck persisted{
        .Check = check, .ChkType = {}, .Token = registration.token, .Source = source_name(registration.source)};
    if (registration.type) persisted.ChkType = *registration.type;
    if (Result<> saved = files_.save(persisted); !saved) return saved;
  }
  const std::string service_id = check.ServiceID;
  {
    const std::lock_guard lock(mutex_);
    if (Result<> put = state_.put_check(check, std::move(registration.token), registration.source); !put) return put;
  }
  if (registration.type) start_check(check, *registration.type);
  checks_changed(service_id);
  report(service_id);
  dirty_ = true;
  return {};
}

void LocalAgent::remove_check(std::string id, Done done) {
  post(
      [this, id = std::move(id)]() -> Result<> {
        do_remove_check(id);
        return {};
      },
      std::move(done));
}

void LocalAgent::do_remove_check(const std::string& id) {
  stop_check(id);
  exposed_.remove(id);
  reap_after_.erase(id);
  reap_deadlines_.erase(id);
  deferred_.erase(id);
  files_.forget_check(id);
  files_.forget_check_state(id);
  const std::optional<catalog::HealthCheck> removed = check(id);
  {
    const std::lock_guard lock(mutex_);
    state_.remove_check(id);
  }
  if (removed) {
    checks_changed(removed->ServiceID);
    report(removed->ServiceID);
  }
  dirty_ = true;
}

Result<> LocalAgent::prepare_check(catalog::HealthCheck& check, catalog::CheckType& type, Source source) const {
  if (check.CheckID.empty()) return {Errc::internal, "CheckID missing"};
  if (Result<> valid = validate_check(type); !valid) {
    return {Errc::internal, "Check is not valid: " + valid.error().detail};
  }
  if (!type.ScriptArgs.empty() && !(source == Source::file ? options_.local_scripts : options_.remote_scripts)) {
    return {Errc::internal,
            source == Source::file
                ? "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or "
                  "'enable_local_script_checks' to true"
                : "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' "
                  "to true"};
  }
  if (type.FailuresBeforeWarning == 0) type.FailuresBeforeWarning = type.FailuresBeforeCritical;
  const std::string_view kind = check_type(type);
  if (kind == "ttl") {
    PersistedCheckState state{};
    if (files_.check_state(check.CheckID, clock_.wall().seconds - base::kUnixEpochSeconds, state)) {
      check.Output = state.Output;
      check.Status = state.Status;
    }
  }
  if (discard_check_output_) check.Output.clear();
  if (kind == "ttl") return {};
  if (kind == "alias") return {};
  if (kind.empty()) return {Errc::internal, "Check type is not valid"};
  if (kind == "docker") {
    if (const auto host = checks::parse_docker_host(options_.checks.docker_host); !host) {
      return {Errc::internal, host.error().detail};
    }
  }
  if (kind == "os_service") {
    if (Result<> available = checks::os_services_available(); !available) return available;
  }
  if (type.Interval < checks::kMinInterval) {
    log_.warn("check has interval below minimum",
              {{"check", check.CheckID}, {"minimum_interval", base::to_string(checks::kMinInterval)}});
    type.Interval = checks::kMinInterval;
  }
  return {};
}

std::size_t LocalAgent::output_limit(const catalog::CheckType& type) const {
  const std::size_t configured = options_.check_output_max_size > 0 ? options_.check_output_max_size : 4096;
  return type.OutputMaxSize > 0 ? std::min(static_cast<std::size_t>(type.OutputMaxSize), configured) : configured;
}

void LocalAgent::start_check(const catalog::HealthCheck& check, const catalog::CheckType& type) {
  const std::string& id = check.CheckID;
  stop_check(id);
  const catalog::CheckType routed = route_check(check, type);
  const std::string_view kind = check_type(type);
  if (kind == "ttl") {
    ttls_[id] = {.ttl = type.TTL, .output_max_size = output_limit(type)};
    ttl_deadlines_.set(id, clock_.now() + type.TTL);
  } else if (kind == "alias") {
    const auto entry = state_.checks().find(id);
    const bool own = entry != state_.checks().end() && !entry->second.token.empty();
    aliases_.add(id, type.AliasNode, type.AliasService, own ? entry->second.token : tokens().others);
  } else {
    run_check(id, routed);
  }
  reap_with(check, type);
}

void LocalAgent::run_check(const std::string& id, const catalog::CheckType& type) {
  running_[id] = ++last_number_;
  runner_.start(id, last_number_, type, output_limit(type));
}

void LocalAgent::stop_check(const std::string& id) {
  ttls_.erase(id);
  ttl_deadlines_.erase(id);
  aliases_.remove(id);
  if (running_.erase(id) > 0) runner_.stop(id);
}

void LocalAgent::checks_changed(std::string_view service_id) {
  aliases_.changed(service_id);
}

void LocalAgent::update_aliases() {
  // Those that follow what changes here are judged again, once more at most: what one call finds does not contradict
  // itself.
  for (;;) {
    Aliases::Found due;
    {
      const std::lock_guard lock(mutex_);
      due = aliases_.take_due(state_);
    }
    if (due.empty()) return;
    for (const auto& [id, health] : due) set_status(id, health.status, health.output);
  }
}

void LocalAgent::reap_with(const catalog::HealthCheck& check, const catalog::CheckType& type) {
  reap_after_.erase(check.CheckID);
  reap_deadlines_.erase(check.CheckID);
  if (type.DeregisterCriticalServiceAfter.nanoseconds <= 0) return;
  const base::Duration after = std::max(type.DeregisterCriticalServiceAfter, options_.deregister_interval_min);
  reap_after_[check.CheckID] = after;
  if (check.Status == catalog::kHealthCritical) reap_deadlines_.set(check.CheckID, clock_.now() + after);
}

void LocalAgent::set_status(const std::string& id, std::string_view status, std::string_view output) {
  if (discard_check_output_) output = {};
  State::Update update{};
  std::string service_id;
  {
    const std::lock_guard lock(mutex_);
    update = state_.update_check(id, status, output);
    if (const catalog::HealthCheck* check = state_.check(id)) service_id = check->ServiceID;
  }
  if (status != catalog::kHealthCritical) {
    reap_deadlines_.erase(id);
  } else if (const auto after = reap_after_.find(id); after != reap_after_.end() && !reap_deadlines_.find(id)) {
    reap_deadlines_.set(id, clock_.now() + after->second);
  }
  // Changes of output do not go from alias to alias: they would go round in a ring for ever.
  if (update == State::Update::status || (update != State::Update::none && !aliases_.contains(id))) {
    checks_changed(service_id);
  }
  if (update == State::Update::status || update == State::Update::output) {
    dirty_ = true;
    deferred_.erase(id);
  } else if (update == State::Update::output_deferred && !deferred_.find(id)) {
    // Spread, so that many checks that started together do not write together.
    const auto half = static_cast<std::uint64_t>(options_.check_update_interval.nanoseconds / 2);
    const auto wait = static_cast<std::int64_t>(half + base::system_random().below(2 * half + 1));
    deferred_.set(id, clock_.now() + base::Duration{wait});
  }
  if (update != State::Update::none) report(service_id);
}

void LocalAgent::update_ttl(std::string check_id, std::string status, std::string output, Done done) {
  post([this, id = std::move(check_id), status = std::move(status),
        output = std::move(output)]() mutable { return do_update_ttl(id, status, std::move(output)); },
       std::move(done));
}

Result<> LocalAgent::do_update_ttl(const std::string& id, const std::string& status, std::string output) {
  const auto found = ttls_.find(id);
  if (found == ttls_.end()) return {Errc::internal, "CheckID " + base::quote(id) + " does not have associated TTL"};
  Ttl& ttl = found->second;
  if (output.size() > ttl.output_max_size) {
    const std::size_t total = output.size();
    output.resize(ttl.output_max_size);
    output += " ... (captured " + std::to_string(ttl.output_max_size) + " of " + std::to_string(total) + " bytes)";
  }
  ttl.last_output = output;
  ttl_deadlines_.set(id, clock_.now() + ttl.ttl);
  set_status(id, status, output);
  const std::int64_t expires = clock_.wall().seconds - base::kUnixEpochSeconds + ttl.ttl.nanoseconds / 1'000'000'000;
  const Result<> saved =
      files_.save(PersistedCheckState{.CheckID = id, .Output = output, .Status = status, .Expires = expires});
  if (!saved)
    return {Errc::internal, "failed persisting state for check " + base::quote(id) + ": " + saved.error().detail};
  return {};
}

}  // namespace proconsul::agent::local
