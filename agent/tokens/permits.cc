#include "agent/tokens/permits.h"

#include <algorithm>
#include <array>
#include <string>

#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/store/session.h"

namespace proconsul::agent::tokens {

using acl::Access;
using acl::Resource;
using base::Errc;
using base::Error;
using base::Result;
using catalog::Tables;

namespace {

Error unknown(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

/// Consul says no more about a service that the request does not name.
Error plainly_denied() {
  return {Errc::permission_denied, "Permission denied"};
}

Result<> permit_key(const Who& who, std::string_view verb, const catalog::DirEntry& entry) {
  if (verb == "delete-tree") {
    if (who->may_write_keys_below(entry.Key)) return {};
    return denied(who, Resource::key, entry.Key, Access::write);
  }
  if (verb == "get" || verb == "get-tree" || verb == "get-or-empty") return {};  // the results are filtered
  const bool reads = verb == "check-session" || verb == "check-index";
  return require(who, Resource::key, entry.Key, reads ? Access::read : Access::write);
}

bool changes_node(const catalog::RegisterRequest& request, const catalog::Node& node) {
  if (request.SkipNodeUpdate) return false;
  return request.ID != node.ID || catalog::lower_case(request.Node) != catalog::lower_case(node.Node) ||
         request.PeerName != node.PeerName || request.Address != node.Address ||
         request.Datacenter != node.Datacenter || request.TaggedAddresses != node.TaggedAddresses ||
         request.NodeMeta != node.Meta || request.Locality != node.Locality;
}

/// The service of an instance that is there; empty if it is not.
std::string service_of(const Tables& tables, std::string_view node, std::string_view id) {
  const catalog::ServiceRow* row = catalog::find_service(tables, node, id);
  return row ? catalog::NodeService(row->get()).Service : std::string();
}

Result<> permit_check(const Who& who, const Tables& tables, const catalog::RegisterRequest& request,
                      const catalog::HealthCheck& check) {
  if (check.ServiceID.empty()) return require(who, Resource::node, request.Node, Access::write);
  // It comes with its service, which was looked at.
  if (request.Service && request.Service->ID == check.ServiceID) return {};
  const std::string service = service_of(tables, request.Node, check.ServiceID);
  if (service.empty()) {
    return unknown("Unknown service ID '" + check.ServiceID + "' for check ID '" + check.CheckID + "'");
  }
  return require(who, Resource::service, service, Access::write);
}

bool is_one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
  return std::ranges::find(verbs, verb) != verbs.end();
}

bool writes(std::string_view verb) {
  return is_one_of(verb, {"set", "cas", "delete", "delete-cas"});
}

Result<> permit_service(const Who& who, const Tables& tables, const catalog::TxnServiceOp& op) {
  const catalog::NodeService& service = op.Service;
  if (service.Service != "consul") {
    if (Result<> allowed = require(who, Resource::service, service.Service, Access::write); !allowed) return allowed;
  }
  if (service.Kind == "connect-proxy") {
    const std::string& destination = service.Proxy->DestinationServiceName;
    if (Result<> allowed = require(who, Resource::service, destination, Access::write); !allowed) return allowed;
  }
  // Nobody takes over, or deletes, what belongs to another service by giving it his own service's name.
  const std::string existing = service_of(tables, op.Node, service.ID);
  if (existing.empty() || existing == "consul" || who->allows(Resource::service, existing, Access::write)) return {};
  return plainly_denied();
}

Result<> permit_check(const Who& who, const Tables& tables, const catalog::HealthCheck& check) {
  if (check.ServiceID.empty()) {
    if (Result<> allowed = require(who, Resource::node, check.Node, Access::write); !allowed) return allowed;
  } else {
    // By the service that the instance is of, whatever the operation calls it.
    const std::string existing = service_of(tables, check.Node, check.ServiceID);
    const std::string& service = existing.empty() ? check.ServiceName : existing;
    if (Result<> allowed = require(who, Resource::service, service, Access::write); !allowed) return allowed;
  }
  const catalog::CheckRow* row = catalog::find_check(tables, check.Node, check.CheckID);
  if (row == nullptr) return {};
  const catalog::HealthCheck old = row->get();
  const bool allowed = old.ServiceID.empty() ? who->allows(Resource::node, old.Node, Access::write)
                                             : who->allows(Resource::service, old.ServiceName, Access::write);
  return allowed ? Result<>() : plainly_denied();
}

/// Queries without a name and of no template belong to whoever has their id.
bool has_name(const catalog::PreparedQuery& query) {
  return !query.Name.empty() || !query.Template.Type.empty();
}

}  // namespace

Result<> permit(const Who& who, const Tables&, const catalog::KVSRequest& change) {
  return permit_key(who, change.Op, change.DirEnt);
}

Result<> permit(const Who& who, const Tables& tables, const catalog::RegisterRequest& change) {
  if (change.Service) {
    const catalog::NodeService& service = *change.Service;
    if (Result<> allowed = require(who, Resource::service, service.Service, Access::write); !allowed) return allowed;
    if (service.Kind == "connect-proxy") {
      const std::string& destination = service.Proxy->DestinationServiceName;
      if (Result<> allowed = require(who, Resource::service, destination, Access::write); !allowed) return allowed;
    }
  }
  const catalog::NodeRow* row = catalog::find_node(tables, change.Node);
  if (row == nullptr || changes_node(change, row->get())) {
    if (Result<> allowed = require(who, Resource::node, change.Node, Access::write); !allowed) return allowed;
  }
  if (change.Service) {
    const std::string other = service_of(tables, change.Node, change.Service->ID);
    if (!other.empty() && !who->allows(Resource::service, other, Access::write)) return plainly_denied();
  }
  for (const auto& check : change.Checks) {
    if (!check) continue;
    if (Result<> allowed = permit_check(who, tables, change, *check); !allowed) return allowed;
    // A check keeps its owner: by another service's name it is not taken over.
    const catalog::CheckRow* old_row = catalog::find_check(tables, change.Node, check->CheckID);
    if (old_row == nullptr) continue;
    const catalog::HealthCheck old = old_row->get();
    if (old.ServiceID == check->ServiceID) continue;
    const bool allowed = old.ServiceID.empty() ? who->allows(Resource::node, old.Node, Access::write)
                                               : who->allows(Resource::service, old.ServiceName, Access::write);
    if (!allowed) return plainly_denied();
  }
  return {};
}

Result<> permit(const Who& who, const Tables& tables, const catalog::DeregisterRequest& change) {
  // Whoever may write the node may take anything from it.
  const Result<> of_node = require(who, Resource::node, change.Node, Access::write);
  if (of_node) return {};
  if (!change.ServiceID.empty()) {
    const std::string service = service_of(tables, change.Node, change.ServiceID);
    if (service.empty()) return unknown("Unknown service ID '" + change.ServiceID + "'");
    return require(who, Resource::service, service, Access::write);
  }
  if (!change.CheckID.empty()) {
    const catalog::CheckRow* row = catalog::find_check(tables, change.Node, change.CheckID);
    if (row == nullptr) return unknown("Unknown check ID '" + change.CheckID + "'");
    const catalog::HealthCheck check = row->get();
    if (!check.ServiceID.empty()) return require(who, Resource::service, check.ServiceName, Access::write);
  }
  return of_node;
}

Result<> permit(const Who& who, const Tables& tables, const catalog::SessionRequest& change) {
  std::string node = change.Session.Node;
  if (change.Op == "destroy") {
    const catalog::SessionAnswer found = catalog::session_get(tables, change.Session.ID, nullptr);
    if (found.sessions.empty()) return {};  // destroyed already
    node = found.sessions.front()->Node;
  }
  return require(who, Resource::session, node, Access::write);
}

Result<> permit(const Who& who, const Tables&, const catalog::CoordinateUpdateRequest& change) {
  return require(who, Resource::node, change.Node, Access::write);
}

Result<> permit(const Who& who, const Tables& tables, const catalog::PreparedQueryRequest& change) {
  if (!change.Query) return {};
  if (has_name(*change.Query)) {
    if (Result<> allowed = require(who, Resource::query, change.Query->Name, Access::write); !allowed) return allowed;
  }
  if (change.Op == "create") return {};
  const Result<catalog::QueriesAnswer> old = catalog::query_get(tables, change.Query->ID, nullptr);
  if (!old || old->queries.empty() || !has_name(*old->queries.front())) return {};
  return require(who, Resource::query, old->queries.front()->Name, Access::write);
}

Result<> permit(const Who& who, const Tables&, const catalog::AutopilotSetConfigRequest&) {
  return require(who, Resource::operator_, Access::write);
}

Result<> permit(const Who& who, const Tables& tables, const catalog::TxnOp& op) {
  if (op.KV) return permit_key(who, op.KV->Verb, op.KV->DirEnt);
  if (op.Node && writes(op.Node->Verb)) return require(who, Resource::node, op.Node->Node.Node, Access::write);
  if (op.Service && writes(op.Service->Verb)) return permit_service(who, tables, *op.Service);
  if (op.Check && writes(op.Check->Verb)) return permit_check(who, tables, op.Check->Check);
  if (op.Session) {
    const catalog::SessionAnswer found = catalog::session_get(tables, op.Session->Session.ID, nullptr);
    if (found.sessions.empty()) return {};
    return require(who, Resource::session, found.sessions.front()->Node, Access::write);
  }
  return {};
}

bool is_readable(const Who& who, const catalog::TxnResult& result) {
  if (result.KV) return who->allows(Resource::key, result.KV->Key, Access::read);
  if (result.Node) return who->allows(Resource::node, result.Node->Node, Access::read);
  if (result.Service) return who->allows(Resource::service, result.Service->Service, Access::read);
  if (result.Check && !result.Check->ServiceName.empty()) {
    return who->allows(Resource::service, result.Check->ServiceName, Access::read);
  }
  if (result.Check) return who->allows(Resource::node, result.Check->Node, Access::read);
  return true;
}

}  // namespace proconsul::agent::tokens
