// Registering and deregistering service instances.
#include "catalog/gateway/services.h"
#include "catalog/registry/indexes.h"
#include "catalog/registry/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/register.h"
#include "catalog/registry/same.h"
#include "catalog/registry/usage.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

bool has_instances(const Tables& tables, std::string_view service, std::string_view peer) {
  return static_cast<bool>(tables.instances.prefix(index_key({peer_part(peer), service})));
}

StoredService stored_form(std::string_view node, NodeService service) {
  StoredService stored;
  static_cast<NodeService&>(stored) = std::move(service);
  stored.Node = node;
  if (!stored.Weights || !validate_weights(*stored.Weights)) stored.Weights = Weights{.Passing = 1, .Warning = 1};
  stored.LocallyRegisteredAsSidecar = false;  // an agent's own bookkeeping
  return stored;
}

// What a proxy or a native instance means for the mesh. May add the virtual address to the service.
Result<> enter_mesh(Transaction& tx, std::string_view node, NodeService& service, const NodeService* before) {
  update_mesh_links(tx, node, service, before);
  PeeredServiceName name;
  name.ServiceName.Name = service.Kind == kKindConnectProxy ? service.Proxy->DestinationServiceName : service.Service;
  name.Peer = service.PeerName;
  enter_gateways_by_wildcard(tx, name.ServiceName.Name, &service);
  if (name.ServiceName.Name.empty()) return {};
  if (service.PeerName.empty()) add_kind_name(tx, kKindConnectEnabled, name.ServiceName.Name);
  if (!virtual_ips_enabled(tx.tables())) return {};
  Result<std::string> address = assign_virtual_ip(tx, name);
  if (!address) return Error{Errc::internal, "failed updating virtual IP: " + address.error().detail};
  service.TaggedAddresses.make_present()[std::string(kVirtualIpTag)] = {.Address = *address, .Port = service.Port};
  return {};
}

}  // namespace

void insert_service(Transaction& tx, const StoredService& service, const StoredService* before) {
  const bool counted = service.PeerName.empty();
  const bool new_name = counted && !has_instances(tx.tables(), service.Service, service.PeerName);
  put_service(tx, service, before);
  if (counted) {
    count_instance(tx, before, &service);
    if (new_name) count_usage(tx, kUsageServiceNames, +1);
    if (before && !has_instances(tx.tables(), before->Service, service.PeerName)) {
      count_usage(tx, kUsageServiceNames, -1);
    }
  }
  const std::uint64_t index = service.ModifyIndex;
  raise_services(tx, index, service.PeerName);
  raise_service(tx, index, service.Service, service.PeerName);
  raise_kind(tx, index, service.Kind, service.PeerName);
  // Queries for nodes show their services.
  raise_nodes(tx, index, service.PeerName);
  raise_node(tx, index, service.Node, service.PeerName);
}

Result<> ensure_service(Transaction& tx, std::string_view node, NodeService service, Indexes indexes) {
  if (Result<> valid = validate_service_meta(service.Kind, service.Meta); !valid) {
    return Error{Errc::internal, "Invalid Service Meta for node " + std::string(node) + " and serviceID " + service.ID +
                                     ": " + valid.error().detail};
  }
  base::Pointer<StoredService> before;
  if (const ServiceRow* row = find_service(tx.tables(), node, service.ID, service.PeerName)) before = row->get();

  if (service.PeerName.empty()) {
    if (service.Kind.empty() && service.Service != kConsulServiceName) enter_gateways(tx, service);
    add_kind_name(tx, service.Kind, service.Service);
  }
  if (service.Kind == kKindConnectProxy || service.Connect->Native) {
    if (Result<> done = enter_mesh(tx, node, service, before.get()); !done) return done;
  }

  if (indexes == Indexes::assign && service.PeerName.empty() && service.Kind == kKindTerminatingGateway) {
    if (Result<> done = add_gateway_addresses(tx, service); !done) return done;
  }

  if (!find_node(tx.tables(), node, service.PeerName)) return {Errc::internal, "Missing node registration"};
  StoredService entry = stored_form(node, std::move(service));
  if (before) {
    entry.CreateIndex = before->CreateIndex;
    entry.ModifyIndex = before->ModifyIndex;
    if (same_service(entry, *before)) return {};
  }
  if (indexes == Indexes::assign) {
    entry.ModifyIndex = tx.index();
    if (!before) entry.CreateIndex = tx.index();
  }
  insert_service(tx, entry, before.get());
  return {};
}

Result<> delete_service(Transaction& tx, std::string_view node, std::string_view service_id, std::string_view peer) {
  const ServiceRow* row = find_service(tx.tables(), node, service_id, peer);
  if (!row) return {};
  const StoredService service = row->get();
  const std::uint64_t index = tx.index();

  std::vector<std::string> checks;
  for (const auto [key, check] :
       tx.tables().checks_by_instance.prefix(index_key({peer_part(peer), node, service_id}))) {
    checks.push_back(check->get().CheckID);
  }
  for (const std::string& id : checks) {
    if (Result<> done = delete_check(tx, node, id, peer); !done) return done;
  }
  raise_checks(tx, index, peer);

  take_service(tx, service);
  const bool counted = service.PeerName.empty();
  if (counted) count_instance(tx, &service, nullptr);
  raise_services(tx, index, service.PeerName);
  raise_kind(tx, index, service.Kind, service.PeerName);
  raise_nodes(tx, index, service.PeerName);
  raise_node(tx, index, node, service.PeerName);
  remove_mesh_links(tx, service);

  if (has_instances(tx.tables(), service.Service, service.PeerName)) {
    raise_service(tx, index, service.Service, service.PeerName);
  } else {
    if (counted) count_usage(tx, kUsageServiceNames, -1);
    tx.erase_index(service_index(service.PeerName, service.Service));
    raise_service_extinction(tx, index, service.PeerName);
    free_virtual_ip(tx, {.ServiceName = {.Name = service.Service}, .Peer = service.PeerName});
    if (service.PeerName.empty()) remove_kind_name(tx, service.Kind, service.Service);
  }

  if (service.PeerName.empty() && (service.Kind == kKindConnectProxy || service.Connect->Native)) {
    const std::string& name =
        service.Kind == kKindConnectProxy ? service.Proxy->DestinationServiceName : service.Service;
    if (!tx.tables().connect_instances.prefix(index_key({peer_part({}), name}))) {
      remove_kind_name(tx, kKindConnectEnabled, name);
      // The proxy may go after its service, and under another name.
      leave_gateways(tx, name);
    }
  }
  if (service.PeerName.empty()) leave_gateways(tx, service.Service);
  return {};
}

}  // namespace proconsul::catalog
