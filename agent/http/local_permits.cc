#include "agent/http/local_permits.h"

#include <optional>

#include "base/quote.h"

namespace proconsul::agent::http {

using acl::Access;
using acl::Resource;
using base::Errc;
using base::Result;
using tokens::Who;

namespace {

/// What a check is of: a service by its name, or this agent's node.
Result<> require_owner(const Context& agent, const Who& who, std::string_view service, Access access) {
  if (!service.empty()) return tokens::require(who, Resource::service, service, access);
  return tokens::require(who, Resource::node, agent.settings.node_name, access);
}

}  // namespace

Result<> permit_services(const Context& agent, const Who& who,
                         const std::vector<local::ServiceRegistration>& registrations) {
  for (const local::ServiceRegistration& registration : registrations) {
    const catalog::NodeService& service = registration.service;
    if (Result<> allowed = tokens::require(who, Resource::service, service.Service, Access::write); !allowed) {
      return allowed;
    }
    if (const std::optional<catalog::NodeService> old = agent.local->service(service.ID)) {
      if (Result<> allowed = tokens::require(who, Resource::service, old->Service, Access::write); !allowed) {
        return allowed;
      }
    }
    if (service.Kind != "connect-proxy") continue;
    const std::string& destination = service.Proxy->DestinationServiceName;
    if (Result<> allowed = tokens::require(who, Resource::service, destination, Access::write); !allowed) {
      return allowed;
    }
  }
  return {};
}

Result<> permit_service_update(const Context& agent, const Who& who, std::string_view id) {
  const std::optional<catalog::NodeService> service = agent.local->service(id);
  if (service) return tokens::require(who, Resource::service, service->Service, Access::write);
  return {Errc::not_found,
          "Unknown service ID " + base::quote(id) + ". Ensure that the service ID is passed, not the service name."};
}

Result<> permit_check(const Context& agent, const Who& who, const catalog::HealthCheck& check) {
  std::string service = check.ServiceName;
  if (service.empty() && !check.ServiceID.empty()) {
    if (const auto found = agent.local->service(check.ServiceID)) service = found->Service;
  }
  if (Result<> allowed = require_owner(agent, who, service, Access::write); !allowed) return allowed;
  const std::optional<catalog::HealthCheck> old = agent.local->check(check.CheckID);
  return old ? require_owner(agent, who, old->ServiceName, Access::write) : Result<>();
}

Result<> permit_check_update(const Context& agent, const Who& who, std::string_view id) {
  const std::optional<catalog::HealthCheck> check = agent.local->check(id);
  return check ? require_owner(agent, who, check->ServiceName, Access::write) : Result<>();
}

bool may_read_check(const Context& agent, const Who& who, const catalog::HealthCheck& check) {
  return require_owner(agent, who, check.ServiceName, Access::read).has_value();
}

}  // namespace proconsul::agent::http
