#include "agent/server/catalog_request.h"

#include <algorithm>
#include <utility>

#include "catalog/registry/lookup.h"
#include "catalog/registry/validate.h"
#include "catalog/store/key.h"

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Result;

/// The texts are the catalog's; that they come as 500 is the API's.
Result<> internal(const Result<>& result) {
  return result ? Result<>() : Result<>(Errc::internal, result.error().detail);
}

bool names_a_peer(const catalog::RegisterRequest& request) {
  return !request.PeerName.empty() || (request.Service && !request.Service->PeerName.empty()) ||
         (request.Check && !request.Check->PeerName.empty()) ||
         std::any_of(request.Checks.begin(), request.Checks.end(),
                     [](const auto& check) { return check && !check->PeerName.empty(); });
}

/// A check of a service must come with that service or find it on its node.
Result<> fits(const catalog::HealthCheck& check, const catalog::RegisterRequest& request,
              const catalog::Tables& tables) {
  if (catalog::lower_case(check.Node) != catalog::lower_case(request.Node)) {
    return {Errc::internal, "Node '" + check.Node + "' for check '" + check.CheckID +
                                "' doesn't match register request node '" + request.Node + "'"};
  }
  if (check.ServiceID.empty() || (request.Service && request.Service->ID == check.ServiceID)) return {};
  // Services are found in any letter case, but here Consul wants the ID as it was registered.
  const catalog::ServiceRow* row = catalog::find_service(tables, request.Node, check.ServiceID);
  if (row == nullptr || catalog::NodeService(row->get()).ID != check.ServiceID) {
    return {Errc::internal, "Unknown service ID '" + check.ServiceID + "' for check ID '" + check.CheckID + "'"};
  }
  return {};
}

}  // namespace

std::string_view check_type(const catalog::HealthCheckDefinition& definition) {
  const bool runs = definition.Interval.nanoseconds > 0;
  const bool script = !definition.ScriptArgs.empty();
  if (!definition.GRPC.empty() && runs) return "grpc";
  if (!definition.HTTP.empty() && runs) return "http";
  if (definition.TTL.nanoseconds > 0) return "ttl";
  if (!definition.TCP.empty() && runs) return "tcp";
  if (!definition.UDP.empty() && runs) return "udp";
  if (!definition.AliasNode.empty() || !definition.AliasService.empty()) return "alias";
  if (script && !definition.DockerContainerID.empty() && runs) return "docker";
  if (script) return "script";
  if (!definition.H2PING.empty() && runs) return "h2ping";
  if (!definition.OSService.empty() && runs) return "os_service";
  return "";
}

Result<> prepare(catalog::RegisterRequest& request, const catalog::Tables& tables) {
  if (names_a_peer(request)) return {Errc::internal, "cannot register requests with PeerName in them"};
  if (Result<> valid = catalog::prepare_node(request.Node, request.ID); !valid) return internal(valid);
  if (request.Address.empty() && !request.SkipNodeUpdate) {
    return {Errc::internal, "Must provide address if SkipNodeUpdate is not set"};
  }
  if (request.Service) {
    if (Result<> valid = catalog::prepare_service(*request.Service); !valid) return internal(valid);
  }
  if (request.Check) {
    request.Checks.push_back(std::move(request.Check));
    request.Check.reset();
  }
  // A null among the checks says nothing.
  std::erase_if(request.Checks, [](const auto& check) { return !check; });
  for (base::Pointer<catalog::HealthCheck>& check : request.Checks) {
    if (check->Node.empty()) check->Node = request.Node;
    catalog::prepare_check(*check);
    if (check->Type.empty()) check->Type = check_type(*check->Definition);
    if (Result<> fit = fits(*check, request, tables); !fit) return fit;
  }
  return {};
}

Result<> prepare(const catalog::DeregisterRequest& request) {
  if (request.Node.empty()) return {Errc::internal, "Must provide node"};
  return {};
}

}  // namespace proconsul::agent::server
