#include "agent/definitions.h"

#include <optional>
#include <utility>
#include <vector>

#include "agent/local/rules.h"
#include "agent/local/sidecar.h"
#include "agent/own_server.h"
#include "base/quote.h"

namespace proconsul::agent {
namespace {

using base::Errc;
using base::Result;
using config::Config;

Result<std::vector<local::ServiceRegistration>> configured_services(const Config& config) {
  std::vector<local::ServiceRegistration> services;
  for (const catalog::ServiceDefinition& definition : config.services) {
    local::ServiceRegistration registration;
    registration.service = local::to_node_service(definition);
    registration.checks = local::check_types(definition);
    registration.token = definition.Token;
    registration.source = local::Source::file;
    Result<std::optional<local::ServiceRegistration>> sidecar = local::take_sidecar(registration);
    if (!sidecar) {
      return {Errc::invalid_argument,
              "Failed to validate sidecar for service " + base::quote(definition.Name) + ": " + sidecar.error().detail};
    }
    services.push_back(std::move(registration));
    if (*sidecar) services.push_back(std::move(**sidecar));
  }
  return services;
}

std::vector<local::CheckRegistration> configured_checks(const Config& config) {
  std::vector<local::CheckRegistration> checks;
  for (const catalog::CheckDefinition& definition : config.checks) {
    local::CheckRegistration registration;
    registration.check = local::to_health_check(definition, config.node_name);
    registration.type = local::to_check_type(definition);
    registration.token = definition.Token;
    registration.source = local::Source::file;
    checks.push_back(std::move(registration));
  }
  return checks;
}

}  // namespace

Result<local::Configured> configured(const Config& config, const std::string& node_id) {
  Result<std::vector<local::ServiceRegistration>> services = configured_services(config);
  if (!services) return services.error();
  return local::Configured{.services = std::move(*services),
                           .checks = configured_checks(config),
                           .info = node_info(config, node_id),
                           .discard_check_output = config.discard_check_output};
}

}  // namespace proconsul::agent
