#include "agent/http/agent_service_endpoint.h"

#include <algorithm>
#include <utility>

#include "agent/http/agent_types.h"
#include "agent/http/answers.h"
#include "agent/http/asking.h"
#include "agent/http/local_permits.h"
#include "agent/local/local_agent.h"
#include "agent/local/rules.h"
#include "agent/local/sidecar.h"
#include "catalog/registry/same.h"
#include "catalog/registry/validate.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using base::filter::Filter;

Result<> bad(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

bool valid_status(std::string_view status) {
  return status == catalog::kHealthPassing || status == catalog::kHealthWarning || status == catalog::kHealthCritical;
}

Result<> check_checks(const std::vector<catalog::CheckType>& checks, std::string_view where) {
  for (const catalog::CheckType& check : checks) {
    if (Result<> valid = local::validate_check(check); !valid) {
      return bad("Invalid check" + std::string(where) + ": " + valid.error().detail);
    }
  }
  for (const catalog::CheckType& check : checks) {
    if (!check.Status.empty() && !valid_status(check.Status)) {
      return bad("Status for checks must 'passing', 'warning', 'critical'");
    }
  }
  return {};
}

/// The service, and its sidecar if it has one.
Result<std::vector<local::ServiceRegistration>> decode_registration(const Request& request) {
  catalog::ServiceDefinition definition{};
  if (Result<> read =
          base::read_json(request.body, definition, {.input = base::JsonInput::first, .reject_unknown = true});
      !read) {
    return {Errc::invalid_argument, "Request decode failed: " + read.error().detail};
  }
  if (definition.Name.empty()) return {Errc::invalid_argument, "Missing service name"};
  if (definition.Address == "0.0.0.0" || definition.Address == "::" || definition.Address == "[::]") {
    return {Errc::invalid_argument, "Invalid service address"};
  }
  local::ServiceRegistration registration{};
  registration.service = local::to_node_service(definition);
  registration.token = token_of(request);
  catalog::NodeService& service = registration.service;
  if (service.Weights) {
    if (Result<> valid = catalog::validate_weights(*service.Weights); !valid) {
      return {Errc::invalid_argument, "Invalid Weights: " + valid.error().detail};
    }
  }
  if (Result<> valid = catalog::validate_service_meta(service.Kind, service.Meta); !valid) {
    return {Errc::invalid_argument, "Invalid Service Meta: " + valid.error().detail};
  }
  if (Result<> valid = catalog::validate_service(service); !valid) {
    return {Errc::invalid_argument, "Validation failed: " + valid.error().detail};
  }
  registration.checks = local::check_types(definition);
  if (Result<> valid = check_checks(registration.checks, ""); !valid) return valid.error();
  if (const auto& sidecar = service.Connect->SidecarService) {
    if (Result<> valid = check_checks(local::check_types(*sidecar), " in sidecar_service"); !valid) {
      return valid.error();
    }
  }
  const std::string_view replace = request.param("replace-existing-checks");
  registration.replace_existing_checks =
      request.has_param("replace-existing-checks") && (replace.empty() || replace == "true");

  Result<std::optional<local::ServiceRegistration>> sidecar = local::take_sidecar(registration);
  if (!sidecar) return {Errc::invalid_argument, "Invalid SidecarService: " + sidecar.error().detail};
  std::vector<local::ServiceRegistration> registrations;
  registrations.push_back(std::move(registration));
  if (*sidecar) {
    if (Result<> valid = catalog::validate_service_for_agent((*sidecar)->service); !valid) {
      return {Errc::invalid_argument, "Failed Validation: " + valid.error().detail};
    }
    registrations.push_back(std::move(**sidecar));
  }
  return registrations;
}

AgentCheck shown_check(const catalog::HealthCheck& check) {
  AgentCheck agent_check{};
  agent_check.Node = check.Node;
  agent_check.CheckID = check.CheckID;
  agent_check.Name = check.Name;
  agent_check.Status = check.Status;
  agent_check.Notes = check.Notes;
  agent_check.Output = check.Output;
  agent_check.ServiceID = check.ServiceID;
  agent_check.ServiceName = check.ServiceName;
  agent_check.ServiceTags = check.ServiceTags;
  return agent_check;
}

/// Maintenance before critical before warning; passing when nothing is wrong.
std::string_view aggregated(const std::vector<catalog::HealthCheck>& checks) {
  bool warning = false, critical = false, maintenance = false;
  for (const catalog::HealthCheck& check : checks) {
    if (check.CheckID == "_node_maintenance" || check.CheckID.starts_with("_service_maintenance:")) {
      maintenance = true;
    } else if (check.Status == catalog::kHealthCritical) {
      critical = true;
    } else if (check.Status == catalog::kHealthWarning) {
      warning = true;
    } else if (check.Status != catalog::kHealthPassing) {
      return "";
    }
  }
  return maintenance ? catalog::kHealthMaintenance
         : critical  ? catalog::kHealthCritical
         : warning   ? catalog::kHealthWarning
                     : catalog::kHealthPassing;
}

int status_code(std::string_view aggregated_status) {
  if (aggregated_status == catalog::kHealthPassing) return 200;
  return aggregated_status == catalog::kHealthWarning ? 429 : 503;
}

ServiceChecksInfo info_of(const Context& agent, const catalog::NodeService& service) {
  const std::vector<catalog::HealthCheck> checks = agent.local->checks_of_service(service.ID);
  ServiceChecksInfo info{};
  info.AggregatedStatus = aggregated(checks);
  info.Service = shown(service, agent.settings.datacenter);
  info.Checks.make_present();
  for (const catalog::HealthCheck& check : checks) info.Checks.push_back(shown_check(check));
  return info;
}

bool wants_text(const Request& request) {
  if (request.header("Accept").starts_with("text/plain")) return true;
  return request.param("format") == "text";
}

Reply health_reply(const Request& request, int status, const std::string& reason, std::string body) {
  Reply reply = wants_text(request) ? Reply{.type = "text/plain", .body = reason} : json(std::move(body));
  reply.status = status;
  reply.header("X-Consul-Reason", reason);
  return reply;
}

}  // namespace

Result<Reply> agent_services(Context& agent, const Request& request) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  Result<Filter> filter = Filter::create<AgentService>(request.param("filter"));
  if (!filter) return filter.error();
  base::Map<AgentService> services;
  services.make_present();
  bool filtered = false;
  for (const auto& [id, service] : agent.local->services()) {
    if (!(*who)->allows(acl::Resource::service, service.Service, acl::Access::read)) {
      filtered = true;
      continue;
    }
    AgentService entry = shown(service, agent.settings.datacenter);
    if (filter->matches(entry)) services.emplace(id, std::move(entry));
  }
  Reply reply = json(base::to_json(services));
  if (tokens::says_filtered(*who, filtered)) reply.header("X-Consul-Results-Filtered-By-ACLs", "true");
  return reply;
}

Result<HashedAnswer> agent_service(Context& agent, const Request& request, base::KeySet* watch) {
  const std::string id(request.rest);
  if (watch != nullptr) local::LocalAgent::watch_key(*watch, id);
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  const std::optional<catalog::NodeService> service = agent.local->service(id);
  if (!service) return {Errc::not_found, "unknown service ID: " + id};
  if (Result<> allowed = tokens::require(*who, acl::Resource::service, service->Service, acl::Access::read); !allowed) {
    return allowed.error();
  }
  AgentService entry = shown(*service, agent.settings.datacenter);
  // FNV-1a over what is shown, without the locality: equal content has an equal hash, which is all that clients may
  // rely on.
  AgentService hashed = entry;
  hashed.Locality = {};
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : base::to_json(hashed)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char text[17];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(hash));
  entry.ContentHash = text;
  return HashedAnswer{.reply = json(base::to_json(entry)), .hash = text};
}

void agent_service_register(Context& agent, const Request& request, Responder responder) {
  Result<std::vector<local::ServiceRegistration>> registrations = decode_registration(request);
  if (!registrations) return responder.send(Result<Reply>(registrations.error()));
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  if (Result<> allowed = permit_services(agent, *who, *registrations); !allowed) {
    return responder.send(Result<Reply>(allowed.error()));
  }
  agent.local->add_services(std::move(*registrations), when_changed(std::move(responder)));
}

void agent_service_deregister(Context& agent, const Request& request, Responder responder) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  if (Result<> allowed = permit_service_update(agent, *who, request.rest); !allowed) {
    return responder.send(Result<Reply>(allowed.error()));
  }
  agent.local->remove_service(std::string(request.rest), when_changed(std::move(responder)));
}

void agent_service_maintenance(Context& agent, const Request& request, Responder responder) {
  if (request.rest.empty()) return responder.send(Result<Reply>(Errc::invalid_argument, "Missing service ID"));
  const Result<bool> on = enable_param(request);
  if (!on) return responder.send(Result<Reply>(on.error()));
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  if (Result<> allowed = permit_service_update(agent, *who, request.rest); !allowed) {
    return responder.send(Result<Reply>(allowed.error()));
  }
  agent.local->service_maintenance(std::string(request.rest), *on, std::string(request.param("reason")),
                                   token_of(request), when_changed(std::move(responder)));
}

Result<Reply> agent_health_by_id(Context& agent, const Request& request) {
  const Result<std::string_view> id = path_part(request, "serviceID");
  if (!id) return {Errc::internal, id.error().detail};  // Consul's status for this one
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  const std::optional<catalog::NodeService> service = agent.local->service(*id);
  if (!service) {
    ServiceChecksInfo nothing{};
    nothing.AggregatedStatus = catalog::kHealthCritical;
    return health_reply(request, 404, "ServiceId " + std::string(*id) + " not found", base::to_json(nothing));
  }
  if (Result<> allowed = tokens::require(*who, acl::Resource::service, service->Service, acl::Access::read); !allowed) {
    return allowed.error();
  }
  const ServiceChecksInfo info = info_of(agent, *service);
  return health_reply(request, status_code(info.AggregatedStatus), info.AggregatedStatus, base::to_json(info));
}

Result<Reply> agent_health_by_name(Context& agent, const Request& request) {
  const Result<std::string_view> name = path_part(request, "service Name");
  if (!name) return {Errc::internal, name.error().detail};
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  if (Result<> allowed = tokens::require(*who, acl::Resource::service, *name, acl::Access::read); !allowed) {
    return allowed.error();
  }
  // The worst instance decides: 404 counts only as long as there is none.
  int status = 404;
  std::string reason = "ServiceName " + std::string(*name) + " Not Found";
  base::List<ServiceChecksInfo> infos;
  infos.make_present();
  for (const auto& [id, service] : agent.local->services()) {
    if (service.Service != *name) continue;
    ServiceChecksInfo info = info_of(agent, service);
    const int code = status_code(info.AggregatedStatus);
    if (infos.empty() || code > status) {
      status = code;
      reason = info.AggregatedStatus;
    }
    infos.push_back(std::move(info));
  }
  return health_reply(request, status, reason, base::to_json(infos));
}

}  // namespace proconsul::agent::http
