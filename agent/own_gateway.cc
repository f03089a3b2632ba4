#include "agent/own_gateway.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/gateway_registration.h"
#include "agent/gateway/limits.h"
#include "agent/gateway/listening.h"
#include "agent/gateway/runner.h"
#include "agent/own_api.h"
#include "base/log.h"

namespace proconsul::agent {

using base::Errc;
using base::Error;
using base::Result;
using wanfed::gateway::Address;

namespace {

const base::log::Logger kLog("agent.mesh_gateway");

config::MeshGateway settings_of(const config::Loaded& loaded, const config::Surroundings& host) {
  std::vector<std::string> none;  // the configuration was checked
  config::MeshGateway settings = config::mesh_gateway(loaded.settings, host, none);
  // Without a token of its own it is registered, and asks, by that of the agent for such things, or by the agent's.
  const config::AclTokens& own = loaded.config.acl_tokens;
  for (const std::string* token : {&own.config_file_registration, &own.user, &own.agent}) {
    if (settings.token.empty()) settings.token = *token;
  }
  return settings;
}

Result<catalog::ServiceDefinition> service_of(const config::MeshGateway& settings, const config::Surroundings& host) {
  cli::GatewayRegistration gateway{.kind = std::string(catalog::kKindMeshGateway),
                                   .service = settings.service,
                                   .lan = settings.address,
                                   .wan = settings.wan_address,
                                   .bind = settings.bind_addresses,
                                   .expose_servers = settings.expose_servers};
  Result<catalog::ServiceDefinition> service = cli::gateway_service(gateway, host);
  if (!service) {
    return {Errc::invalid_argument, "mesh_gateway.address: " + settings.address.Address +
                                        " is no address of this host: name one that is, or where to listen in "
                                        "mesh_gateway.bind_addresses"};
  }
  service->Token = settings.token;
  // It listens before it is registered, and nobody is to wait for the first check.
  service->Check.Status = "passing";
  service->Check.DeregisterCriticalServiceAfter = {};  // it is there as long as it is configured
  return service;
}

std::string file_of(const config::Config& config) {
  return config.dev_mode ? "" : (std::filesystem::path(config.data_dir) / "mesh-gateway.json").string();
}

Result<cli::ApiConfig> api_of(const config::Config& config, const config::MeshGateway& settings) {
  std::optional<cli::ApiConfig> api = own_api(config);
  if (!api) {
    return {
        Errc::invalid_argument,
        "mesh_gateway.enabled: the gateway asks this agent over HTTP: set ports.http, ports.https or addresses.http"};
  }
  api->token = settings.token;
  return std::move(*api);
}

}  // namespace

Result<std::optional<catalog::ServiceDefinition>> own_gateway_service(const config::Loaded& loaded) {
  const auto host = config::Surroundings::of_this_host();
  const config::MeshGateway settings = settings_of(loaded, host);
  if (!settings.enabled) return std::optional<catalog::ServiceDefinition>{};
  Result<catalog::ServiceDefinition> service = service_of(settings, host);
  if (!service) return service.error();
  return std::optional(std::move(*service));
}

void keep_own_gateway(config::Settings& fresh, const config::Settings& before) {
  const auto same = [&](const char* path) {
    const base::Value* a = config::find(fresh, path);
    const base::Value* b = config::find(before, path);
    return a == b || (a != nullptr && b != nullptr && *a == *b);
  };
  if (same("mesh_gateway.enabled") && same("mesh_gateway.service")) return;
  if (const base::Value* block = config::find(before, "mesh_gateway")) config::set(fresh, "mesh_gateway", *block);
}

OwnGateway::OwnGateway() = default;
OwnGateway::~OwnGateway() = default;

Result<std::unique_ptr<OwnGateway>> OwnGateway::start(const config::Loaded& loaded, base::net::Loops& loops) {
  const auto host = config::Surroundings::of_this_host();
  const config::Config& config = loaded.config;
  std::unique_ptr<OwnGateway> own(new OwnGateway);
  own->settings_ = settings_of(loaded, host);
  const config::MeshGateway& settings = own->settings_;
  if (!settings.enabled) return std::unique_ptr<OwnGateway>{};
  Result<catalog::ServiceDefinition> service = service_of(settings, host);
  if (!service) return service.error();
  Result<cli::ApiConfig> api = api_of(config, settings);
  if (!api) return api.error();
  Result<std::vector<Address>> addresses = gateway::listening_addresses(*service);
  if (!addresses) return addresses.error();
  Result<std::unique_ptr<gateway::Runner>> runner = gateway::Runner::start(
      loops, gateway::Runner::Options{
                 .api = std::move(*api),
                 .identity = gateway::Identity{.datacenter = config.datacenter, .domain = config.dns_domain},
                 .wan_federation = settings.expose_servers,
                 .file = file_of(config),
                 .listen = std::move(*addresses),
                 .limits = gateway::limits_of(settings.limits)});
  if (!runner) return {runner.error().code, "Failed to start the mesh gateway: " + runner.error().detail};
  own->runner_ = std::move(*runner);
  return own;
}

Result<> OwnGateway::follow() {
  return runner_->follow();
}

Result<> OwnGateway::reload(const config::Loaded& loaded) {
  const auto host = config::Surroundings::of_this_host();
  config::MeshGateway fresh = settings_of(loaded, host);
  const Result<catalog::ServiceDefinition> service = service_of(fresh, host);
  if (!service) return service.error();
  Result<cli::ApiConfig> api = api_of(loaded.config, fresh);
  if (!api) return api.error();
  Result<std::vector<Address>> addresses = gateway::listening_addresses(*service);
  if (!addresses) return addresses.error();
  gateway::Runner::Change change{.listen = std::move(*addresses), .limits = gateway::limits_of(fresh.limits)};
  // Files of certificates may have others in them under the same names, and those that are known end some day.
  const bool by_tls = api->address.starts_with("https://");
  if (by_tls || fresh.token != settings_.token || fresh.expose_servers != settings_.expose_servers) {
    change.asking.emplace() = {.api = std::move(*api), .wan_federation = fresh.expose_servers};
  }
  if (Result<> changed = runner_->change(std::move(change)); !changed) {
    return {changed.error().code, "Failed reloading the mesh gateway: " + changed.error().detail};
  }
  settings_ = std::move(fresh);
  return {};
}

void OwnGateway::drain(base::Interrupt& cut) {
  runner_->drain(cut);
}

}  // namespace proconsul::agent
