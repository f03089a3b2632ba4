// Gateways and what they serve, discovery chains, and services that others may use.
#include <algorithm>
#include <utility>

#include "agent/rpc/gateway_types.h"
#include "agent/rpc/methods/families.h"
#include "agent/rpc/methods/service_access.h"
#include "agent/rpc/methods/settling.h"
#include "agent/tokens/readable.h"
#include "base/metrics.h"
#include "catalog/config_entry/hash.h"
#include "catalog/query/discovery_chain.h"
#include "catalog/query/gateways.h"
#include "catalog/query/instances.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using tokens::Who;

bool may_read(const Who& who, const std::string& service) {
  return who->allows(acl::Resource::service, service, acl::Access::read);
}

Result<Found> gateway_services(Services& services, const catalog::View& view, base::KeySet* watch,
                               const ServiceSpecificRequest& request, IndexedGatewayServices& reply) {
  const Result<Who> who = may_read_service(services, view, request.Token, request.ServiceName);
  if (!who) return who.error();
  catalog::GatewayServicesAnswer found = catalog::services_of_gateway(view.tables(), request.ServiceName, watch);
  reply.Index = found.index;
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.rows));
  reply.Services.make_present();
  for (const catalog::GatewayService* row : found.rows) reply.Services.emplace_back(*row);
  return Found::yes;
}

/// Every instance of every service of a gateway; of a service without any, that it is the gateway's.
Result<Found> gateway_service_dump(Services& services, const catalog::View& view, base::KeySet* watch,
                                   const ServiceSpecificRequest& request, IndexedServiceDump& reply) {
  if (request.ServiceName.empty()) return Error{Errc::internal, "Must provide gateway name"};
  const Result<Who> who = may_read_service(services, view, request.Token, request.ServiceName);
  if (!who) return who.error();
  const catalog::Tables& tables = view.tables();
  const catalog::GatewayServicesAnswer found = catalog::services_of_gateway(tables, request.ServiceName, watch);
  reply.Index = found.index;
  bool filtered = false;
  for (const catalog::GatewayService* row : found.rows) {
    const catalog::InstancesAnswer instances =
        catalog::health_instances(tables, {.service = row->Service.Name, .peer = request.PeerName}, watch);
    reply.Index = std::max(reply.Index, instances.index);
    for (const catalog::InstanceRow* instance : instances.rows) {
      if (!tokens::is_readable(*who, *instance)) {
        filtered = true;
        continue;
      }
      catalog::CheckServiceNode joined = catalog::check_service_node(tables, *instance);
      catalog::ServiceInfo& info = reply.Dump.emplace_back().emplace();
      info.Node = std::move(joined.Node);
      info.Service = std::move(joined.Service);
      info.Checks = std::move(joined.Checks);
      info.GatewayService = *row;
    }
    if (!instances.rows.empty()) continue;
    if (!may_read(*who, row->Service.Name)) {
      filtered = true;
      continue;
    }
    reply.Dump.emplace_back().emplace().GatewayService = *row;
  }
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, filtered);
  return Found::yes;
}

Result<Found> service_gateways(Services& services, const catalog::View& view, base::KeySet* watch,
                               const ServiceSpecificRequest& request, IndexedCheckServiceNodes& reply) {
  if (request.ServiceName.empty()) return Error{Errc::internal, "Must provide gateway name"};
  const Result<Who> who = may_read_service(services, view, request.Token, request.ServiceName);
  if (!who) return who.error();
  catalog::InstancesAnswer found =
      catalog::gateways_of_service(view.tables(), request.ServiceName, request.ServiceKind, watch);
  reply.Index = found.index;
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.rows));
  reply.Nodes.make_present();
  for (const catalog::InstanceRow* row : found.rows) {
    reply.Nodes.push_back(catalog::check_service_node(view.tables(), *row));
  }
  return Found::yes;
}

const base::metrics::Sample& chain_time() {
  static const base::metrics::Sample kTime =
      base::metrics::sample("discovery_chain.get", {}, "Time that compiling a discovery chain takes.");
  return kTime;
}

Result<std::uint64_t> discovery_chain(Services& services, const catalog::View& view, base::KeySet* watch,
                                      const DiscoveryChainRequest& request, DiscoveryChainResponse& reply) {
  if (!services.connect_enabled) {
    return Error{Errc::internal, "Connect must be enabled in order to use this endpoint"};
  }
  const base::metrics::ScopedTimer timer(chain_time());
  const Result<Who> who = may_read_service(services, view, request.Token, request.Name);
  if (!who) return who.error();
  if (request.Name.empty()) return Error{Errc::internal, "Must provide service name"};
  const std::string& here = request.EvaluateInDatacenter.empty() ? services.datacenter : request.EvaluateInDatacenter;
  Result<catalog::ChainAnswer> found = catalog::discovery_chain(view.tables(),
                                                                {.service = request.Name,
                                                                 .datacenter = here,
                                                                 .mesh_gateway = request.OverrideMeshGateway,
                                                                 .protocol = request.OverrideProtocol,
                                                                 .connect_timeout = request.OverrideConnectTimeout},
                                                                watch);
  if (!found) return found.error();
  reply.Index = found->index;
  reply.Chain = std::move(found->chain);
  return catalog::hash_content(base::type_of<catalog::CompiledDiscoveryChain>(), reply.Chain.get());
}

/// As long as there are no peers, nothing is exported to any.
Result<Found> exported_peered_services(Services& services, const catalog::View& view, base::KeySet*,
                                       const DCSpecificRequest& request, IndexedExportedServiceList& reply) {
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  reply.Services.make_present();
  return Found::yes;
}

Result<Found> exported_services_for_peer(Services& services, const catalog::View& view, base::KeySet*,
                                         const ServiceDumpRequest& request, IndexedServiceList&) {
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (request.PeerName.empty()) return Error{Errc::internal, "must provide PeerName"};
  return Found::no;
}

Result<Found> resolved_exported_services(Services& services, const catalog::View& view, base::KeySet* watch,
                                         const DCSpecificRequest& request, IndexedResolvedExportedServices& reply) {
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (Result<> may = tokens::require(*who, acl::Resource::mesh, acl::Access::read); !may) return may.error();
  catalog::ExportedServicesAnswer found = catalog::exported_services(view.tables(), watch);
  reply.Index = found.index;
  reply.Services = std::move(found.services);
  return Found::yes;
}

}  // namespace

std::span<const Method> gateway_methods() {
  static constexpr Method kRows[] = {
      method<&gateway_services>("Catalog.GatewayServices", kReads),
      method<&gateway_service_dump>("Internal.GatewayServiceDump", kReads),
      method<&service_gateways>("Internal.ServiceGateways", kReads),
      settling_method<&discovery_chain>("DiscoveryChain.Get", kReads),
      method<&exported_peered_services>("Internal.ExportedPeeredServices", kReads),
      method<&resolved_exported_services>(kResolvedExportedServices, kReads),
      method<&exported_services_for_peer>("Internal.ExportedServicesForPeer", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
