// The local agent's checks that go through a sidecar.
#include "agent/local/local_agent.h"

namespace proconsul::agent::local {

using base::Result;

/// How a check runs that begins now: through the sidecar of its service, if that wants it so.
catalog::CheckType LocalAgent::route_check(const catalog::HealthCheck& check, const catalog::CheckType& type) {
  const std::string& id = check.CheckID;
  exposed_.add(id, check.ServiceID, type);
  if (!exposed_.contains(id)) return type;
  std::optional<std::string> address;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [other, entry] : state_.services()) {
      const catalog::ConnectProxyConfig& proxy = *entry.service.Proxy;
      if (entry.deleted || proxy.DestinationServiceID != check.ServiceID) continue;
      if (proxy.Expose->Checks) address = entry.service.Address;
      break;
    }
  }
  if (address) {
    expose_check(id, *address);
  } else {
    hide_check(id);
  }
  return exposed_.as_run(id);
}

/// A proxy has come or changed: the checks of the service behind it go where it wants them.
void LocalAgent::reroute_checks(const catalog::NodeService& proxy) {
  const std::string& behind = proxy.Proxy->DestinationServiceID;
  if (behind.empty()) return;
  if (!proxy.Proxy->Expose->Checks) return straighten_checks(behind);
  for (const std::string& id : exposed_.of_service(behind)) {
    if (expose_check(id, proxy.Address)) run_check(id, exposed_.as_run(id));
  }
}

void LocalAgent::straighten_checks(std::string_view service_id) {
  for (const std::string& id : exposed_.of_service(service_id)) {
    if (hide_check(id)) run_check(id, exposed_.as_run(id));
  }
}

/// True if the check now goes elsewhere than before. Without a free port it goes straight.
bool LocalAgent::expose_check(const std::string& id, const std::string& address) {
  const ExposedChecks::Way before = exposed_.way(id);
  const Result<std::int64_t> port = exposed_.expose(id, address);
  if (!port) log_.error("error exposing check", {{"check", id}, {"error", port.error()}});
  const std::lock_guard lock(mutex_);
  state_.set_exposed_port(id, exposed_.way(id).port);
  return exposed_.way(id) != before;
}

bool LocalAgent::hide_check(const std::string& id) {
  const std::lock_guard lock(mutex_);
  state_.set_exposed_port(id, 0);
  return exposed_.hide(id);
}

}  // namespace proconsul::agent::local
