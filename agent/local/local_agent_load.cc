// LocalAgent's definitions from the configuration and from the data directory: at the start and at a reload.
#include <algorithm>
#include <set>
#include <utility>

#include "agent/local/local_agent.h"
#include "agent/local/sidecar.h"
#include "base/quote.h"

namespace proconsul::agent::local {

using base::Errc;
using base::Result;

namespace {

bool has_checks(const std::vector<PersistedCheck>& checks, std::string_view service_id) {
  return std::ranges::any_of(checks, [&](const PersistedCheck& kept) { return kept.Check->ServiceID == service_id; });
}

}  // namespace

Result<> LocalAgent::load(const Configured& configured) {
  std::string parent;
  for (const ServiceRegistration& service : configured.services) {
    const bool sidecar = service.service.LocallyRegisteredAsSidecar;
    if (!sidecar) parent = service.service.Service;
    if (Result<> added = do_add_service(service, false); !added) {
      return {Errc::invalid_argument, std::string("Failed to register ") + (sidecar ? "sidecar for " : "") +
                                          "service " + base::quote(parent) + ": " + added.error().detail};
    }
  }
  for (const CheckRegistration& check : configured.checks) {
    if (Result<> added = do_add_check(check, false); !added) {
      return {Errc::invalid_argument, "Failed to register check '" + check.check.Name + "': " + added.error().detail};
    }
  }
  std::vector<std::string> faults;
  std::vector<PersistedCheck> kept_checks = files_.checks(faults);
  for (PersistedService& persisted : files_.services(faults)) {
    const std::string id = persisted.Service->ID;
    // What the configuration defines is its word.
    if (service(id)) {
      files_.forget_service(id);
      continue;
    }
    persisted.Service->LocallyRegisteredAsSidecar = persisted.LocallyRegisteredAsSidecar;
    const Result<> added = do_add_service({.service = std::move(*persisted.Service),
                                           .token = persisted.Token,
                                           .source = persisted.Source == "local" ? Source::file : Source::api,
                                           .own_checks = has_checks(kept_checks, id)},
                                          false);
    if (!added) faults.push_back("service " + base::quote(id) + ": " + added.error().detail);
  }
  for (PersistedCheck& persisted : kept_checks) {
    const std::string id = persisted.Check->CheckID;
    if (check(id)) {
      files_.forget_check(id);
      continue;
    }
    CheckRegistration registration{.check = std::move(*persisted.Check), .token = persisted.Token};
    registration.source = persisted.Source == "local" ? Source::file : Source::api;
    if (persisted.ChkType) registration.type = std::move(*persisted.ChkType);
    // Nobody has looked since: a check is critical until it has run, or its kept status says otherwise.
    registration.check.Status = catalog::kHealthCritical;
    if (const Result<> added = do_add_check(std::move(registration), false); !added) {
      faults.push_back("check " + base::quote(id) + ": " + added.error().detail);
    }
  }
  for (const std::string& fault : faults) log_.warn("a kept registration was not restored", {{"file", fault}});
  return {};
}

void LocalAgent::reload(Configured configured, Done done) {
  post([this, configured = std::move(configured)] { return do_reload(configured); }, std::move(done));
}

Result<> LocalAgent::do_reload(const Configured& configured) {
  std::set<std::string> kept_services, kept_checks;
  for (const ServiceRegistration& service : configured.services) {
    kept_services.insert(service.service.ID.empty() ? service.service.Service : service.service.ID);
    const bool by_default = service.service.LocallyRegisteredAsSidecar && service.checks.empty();
    const std::vector<catalog::CheckType> checks = by_default ? sidecar_checks(service.service) : service.checks;
    for (std::size_t i = 0; i < checks.size(); ++i) {
      kept_checks.insert(check_of(service.service, checks[i], i, checks.size()).CheckID);
    }
  }
  for (const CheckRegistration& check : configured.checks) kept_checks.insert(check.check.CheckID);
  // What the API registered stays if it is on disk. Without a data directory it goes, as at a restart: clients that run
  // against a development agent rely on a reload to leave nothing but the configuration.
  const bool api_goes = options_.data_dir.empty();
  std::vector<std::string> gone_services, gone_checks;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : state_.services()) {
      const bool goes = api_goes || entry.source == Source::file;
      if (!entry.deleted && goes && !kept_services.contains(id)) gone_services.push_back(id);
    }
    for (const auto& [id, entry] : state_.checks()) {
      const bool goes = api_goes || (entry.source == Source::file && entry.check.Type != "maintenance");
      if (!entry.deleted && goes && !kept_checks.contains(id)) gone_checks.push_back(id);
    }
  }
  for (const std::string& id : gone_services) {
    if (!service(id)) continue;  // a sidecar that went with its service
    if (Result<> removed = do_remove_service(id); !removed) return removed;
  }
  for (const std::string& id : gone_checks) do_remove_check(id);
  for (const ServiceRegistration& service : configured.services) {
    if (Result<> added = do_add_service(service, false); !added) return added;
  }
  for (const CheckRegistration& check : configured.checks) {
    if (Result<> added = do_add_check(check, false); !added) return added;
  }
  discard_check_output_ = configured.discard_check_output;
  {
    const std::lock_guard lock(mutex_);
    info_ = configured.info;
  }
  dirty_ = true;                    // who asked is answered when the catalog has it
  schedule_.at_once(clock_.now());  // the node's row may have to change
  return {};
}

}  // namespace proconsul::agent::local
