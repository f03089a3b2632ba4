// LocalAgent's definitions from the configuration and from the data directory: at the start and at a reload.
#include <set>
#include <utility>

#include "agent/local/local_agent.h"
#include "base/quote.h"

namespace proconsul::agent::local {

using base::Errc;
using base::Result;

Result<> LocalAgent::load(const Configured& configured) {
  for (const ServiceRegistration& service : configured.services) {
    if (Result<> added = do_add_service(service, false); !added) {
      return {Errc::invalid_argument,
              "Failed to register service " + base::quote(service.service.Service) + ": " + added.error().detail};
    }
  }
  for (const CheckRegistration& check : configured.checks) {
    if (Result<> added = do_add_check(check, false); !added) {
      return {Errc::invalid_argument, "Failed to register check '" + check.check.Name + "': " + added.error().detail};
    }
  }
  std::vector<std::string> faults;
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
                                           .source = persisted.Source == "local" ? Source::file : Source::api},
                                          false);
    if (!added) faults.push_back("service " + base::quote(id) + ": " + added.error().detail);
  }
  for (PersistedCheck& persisted : files_.checks(faults)) {
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

void LocalAgent::reload(Configured configured, server::Done done) {
  post([this, configured = std::move(configured)] { return do_reload(configured); }, std::move(done));
}

Result<> LocalAgent::do_reload(const Configured& configured) {
  std::set<std::string> kept_services, kept_checks;
  for (const ServiceRegistration& service : configured.services) {
    kept_services.insert(service.service.ID.empty() ? service.service.Service : service.service.ID);
    const std::size_t count = service.checks.size();
    for (std::size_t i = 0; i < count; ++i) {
      kept_checks.insert(check_of(service.service, service.checks[i], i, count).CheckID);
    }
  }
  for (const CheckRegistration& check : configured.checks) kept_checks.insert(check.check.CheckID);
  std::vector<std::string> gone_services, gone_checks;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : state_.services()) {
      if (!entry.deleted && entry.source == Source::file && !kept_services.contains(id)) gone_services.push_back(id);
    }
    for (const auto& [id, entry] : state_.checks()) {
      const bool maintenance = entry.check.Type == "maintenance";
      if (!entry.deleted && entry.source == Source::file && !maintenance && !kept_checks.contains(id)) {
        gone_checks.push_back(id);
      }
    }
  }
  for (const std::string& id : gone_services) {
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
  compare_at_ = clock_.now();  // the node's row may have to change
  return {};
}

}  // namespace proconsul::agent::local
