// LocalAgent's proxies, with what is configured centrally of them.
#include <utility>

#include "agent/cluster/way_advice.h"
#include "agent/local/local_agent.h"
#include "agent/tokens/who.h"
#include "base/msgpack.h"
#include "base/quote.h"

namespace proconsul::agent::local {

using base::Errc;
using base::Result;

/// A registration that waits for what the servers say of its proxies.
struct LocalAgent::Adding {
  std::vector<ServiceRegistration> registrations{};
  Done done{};
  std::mutex mutex{};                                           // guards the rest
  std::map<std::size_t, Result<CentralConfig::Known>> known{};  // by registration
  std::size_t missing = 0;
};

void LocalAgent::add_services(std::vector<ServiceRegistration> registrations, Done done) {
  const auto adding = std::make_shared<Adding>();
  adding->registrations = std::move(registrations);
  adding->done = std::move(done);
  std::vector<std::pair<std::size_t, CentralConfig::Question>> questions;
  for (std::size_t i = 0; i < adding->registrations.size(); ++i) {
    const ServiceRegistration& registration = adding->registrations[i];
    if (!options_.central || !catalog::is_configured_centrally(registration.service)) continue;
    questions.emplace_back(i, central_question(registration));
  }
  const auto add = [this, queue = queue_, adding] {
    queue->post([this, adding] { return add_asked(*adding); }, std::move(adding->done));
  };
  adding->missing = questions.size();
  if (questions.empty()) return add();
  for (auto& [number, question] : questions) {
    options_.central->fetch(std::move(question), [adding, add, number](Result<CentralConfig::Known> known) {
      {
        const std::lock_guard lock(adding->mutex);
        adding->known.emplace(number, std::move(known));
        if (--adding->missing > 0) return;
      }
      add();
    });
  }
}

Result<> LocalAgent::add_asked(Adding& adding) {
  for (std::size_t i = 0; i < adding.registrations.size(); ++i) {
    ServiceRegistration& registration = adding.registrations[i];
    const auto asked = adding.known.find(i);
    if (asked != adding.known.end() && !asked->second) {
      const base::Error& error = asked->second.error();
      return base::Error{tokens::is_refusal(error) ? Errc::permission_denied : error.code,
                         "could not retrieve initial service_defaults config for service " +
                             base::quote(registration.service.ID) + ": " + error.detail};
    }
    const CentralConfig::Known* known = asked == adding.known.end() ? nullptr : &*asked->second;
    if (Result<> added = do_add_service(std::move(registration), true, known); !added) return added;
  }
  return {};
}

CentralConfig::Question LocalAgent::central_question(const ServiceRegistration& registration) const {
  return {.of = catalog::service_config_question(registration.service),
          .token = registration.token.empty() ? tokens().agent : registration.token};
}

Result<catalog::NodeService> LocalAgent::with_central_config(const catalog::NodeService& service,
                                                             const CentralConfig::Known* known) {
  if (!options_.central || !catalog::is_configured_centrally(service)) return service;
  if (known) return catalog::merge_service_config(known->config, service);
  if (const auto before = central_.find(service.ID); before != central_.end() && before->second.config) {
    return catalog::merge_service_config(*before->second.config, service);
  }
  const std::optional<catalog::ServiceConfig> kept = files_.service_config(service.ID);
  return kept ? catalog::merge_service_config(*kept, service) : Result<catalog::NodeService>(service);
}

void LocalAgent::follow_central_config(const ServiceRegistration& registration, const CentralConfig::Known* known) {
  const std::string id = registration.service.ID;
  if (!options_.central || !catalog::is_configured_centrally(registration.service)) {
    central_.erase(id);
    return;
  }
  Central& central = central_[id];
  central.registered = registration.service;
  central.token = registration.token;
  central.source = registration.source;
  central.number = ++last_number_;
  if (known) central.config = known->config;
  central.followed = options_.central->follow(
      central_question(registration), known ? known->index : 0,
      [this, queue = queue_, id, number = central.number](const Result<CentralConfig::Known>& news) {
        queue->post([this, id, number, news] { return central_config_changed(id, number, news); }, nullptr);
      });
}

Result<> LocalAgent::central_config_changed(const std::string& id, std::uint64_t number,
                                            const Result<CentralConfig::Known>& known) {
  const auto found = central_.find(id);
  if (found == central_.end() || found->second.number != number) return {};  // of an earlier registration
  Central& central = found->second;
  Result<catalog::NodeService> merged = known ? catalog::merge_service_config(known->config, central.registered)
                                              : Result<catalog::NodeService>(known.error());
  if (!merged) {
    log_.write(known ? base::log::Level::error : cluster::level_of(merged.error()), "error handling service update",
               {{"service", id}, {"error", merged.error()}});
    return {};
  }
  central.config = known->config;
  PersistedServiceConfig persisted{.ServiceID = id};
  persisted.Defaults.emplace() = known->config;
  if (const Result<> saved = files_.save(persisted); !saved) {
    log_.warn("failed to keep the central configuration of a service", {{"service", id}, {"error", saved.error()}});
  }
  {
    const std::lock_guard lock(mutex_);
    const catalog::NodeService* before = state_.service(id);
    if (!before || base::to_msgpack(*before) == base::to_msgpack(*merged)) return {};
    state_.put_service(*merged, central.token, central.source);
  }
  reroute_checks(*merged);
  report(id);
  dirty_ = true;
  return {};
}

}  // namespace proconsul::agent::local
