#include "agent/xds/gateway_inputs.h"

#include <chrono>
#include <set>
#include <utility>

#include "agent/rpc/config_types.h"
#include "agent/rpc/connect_ca_types.h"
#include "agent/rpc/federation_types.h"
#include "base/log.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/types/config_mesh.h"

namespace proconsul::agent::xds {

using base::Result;
using base::net::Clock;

namespace {

const base::log::Logger kLog("agent.envoy.xds.mesh_gateway");

// Changes come in groups: of a service's registration and its checks, of many services after a restart.
constexpr std::chrono::milliseconds kTogether{100};
constexpr std::chrono::seconds kDatacenterLook{10};

}  // namespace

GatewayInputs::GatewayInputs(base::net::Loop& loop, rpc::Caller& caller, Options options, std::function<void()> changed)
    : loop_(loop), caller_(caller), options_(std::move(options)), changed_(std::move(changed)) {
  world_.datacenter = options_.datacenter;
  world_.domain = options_.domain;
  follow_datacenter();
  ask_datacenters();
}

GatewayInputs::~GatewayInputs() {
  *here_ = false;
}

template <class Req, class Rep>
GatewayInputs::Following GatewayInputs::follow(std::string_view method, Req request, std::function<void(Rep)> told) {
  if (request.Datacenter.empty()) request.Datacenter = options_.datacenter;
  request.Token = options_.token;
  request.AllowStale = true;
  const bool far = request.Datacenter != options_.datacenter;
  return rpc::follow<Req, Rep>(loop_, caller_, method, std::move(request),
                               [this, method, far, told = std::move(told)](Result<Rep> answer) {
                                 if (answer) {
                                   told(std::move(*answer));
                                   return change();
                                 }
                                 // What is far may be out of reach for long, and the federation states tell as much.
                                 far ? kLog.debug("failed to ask", {{"method", method}, {"error", answer.error()}})
                                     : kLog.warn("failed to ask", {{"method", method}, {"error", answer.error()}});
                               });
}

void GatewayInputs::use(catalog::NodeService service) {
  const bool renamed = !defaults_ || world_.service.Service != service.Service;
  world_.service = std::move(service);
  if (renamed) follow_defaults();
  follow_servers();
  change();
}

void GatewayInputs::follow_datacenter() {
  roots_ = follow<rpc::DCSpecificRequest, rpc::IndexedCARoots>(
      "ConnectCA.Roots", {}, [this](rpc::IndexedCARoots roots) { world_.trust_domain = std::move(roots.TrustDomain); });
  list_ = follow<rpc::DCSpecificRequest, rpc::IndexedServiceList>(
      "Catalog.ServiceList", {}, [this](const rpc::IndexedServiceList& list) { services_listed(list); });
  rpc::ConfigEntryQuery of_resolvers;
  of_resolvers.Kind = "service-resolver";
  resolvers_ = follow<rpc::ConfigEntryQuery, rpc::IndexedConfigEntries>(
      "ConfigEntry.List", std::move(of_resolvers), [this](const rpc::IndexedConfigEntries& answer) {
        resolvers_known_ = true;
        world_.resolvers.clear();
        for (const catalog::ConfigEntryPtr& entry : answer.Entries) {
          const auto* resolver = catalog::entry_as<catalog::ServiceResolverConfigEntry>(entry.get());
          if (!resolver) continue;
          world_.resolvers.emplace(resolver->Name,
                                   std::shared_ptr<const catalog::ServiceResolverConfigEntry>(entry, resolver));
        }
      });
  rpc::ConfigEntryQuery of_mesh;
  of_mesh.Kind = "mesh";
  of_mesh.Name = "mesh";
  mesh_ = follow<rpc::ConfigEntryQuery, rpc::ConfigEntryResponse>(
      "ConfigEntry.Get", std::move(of_mesh), [this](const rpc::ConfigEntryResponse& answer) {
        mesh_known_ = true;
        const auto* mesh = catalog::entry_as<catalog::MeshConfigEntry>(answer.Entry.get());
        world_.peering_through_gateways = mesh && mesh->Peering && mesh->Peering->PeerThroughMeshGateways;
        follow_servers();
      });
}

/// What is configured for all upstreams of the gateway's service.
void GatewayInputs::follow_defaults() {
  rpc::ConfigEntryQuery request;
  request.Kind = "service-defaults";
  request.Name = world_.service.Service;
  defaults_ = follow<rpc::ConfigEntryQuery, rpc::ConfigEntryResponse>(
      "ConfigEntry.Get", std::move(request), [this](const rpc::ConfigEntryResponse& answer) {
        defaults_known_ = true;
        world_.limits.reset();
        const auto* entry = catalog::entry_as<catalog::ServiceConfigEntry>(answer.Entry.get());
        if (entry && entry->UpstreamConfig && entry->UpstreamConfig->Defaults) {
          world_.limits = entry->UpstreamConfig->Defaults->Limits;
        }
      });
}

/// As far as somebody comes to them.
void GatewayInputs::follow_servers() {
  const bool federates = exposes_servers(world_);
  if (federates && !states_) {
    states_ = follow<rpc::DCSpecificRequest, rpc::DatacenterIndexedCheckServiceNodes>(
        "FederationState.ListMeshGateways", {}, [this](rpc::DatacenterIndexedCheckServiceNodes answer) {
          states_known_ = true;
          world_.states.clear();
          for (auto& [datacenter, gateways] : answer.DatacenterNodes) {
            world_.states.emplace(datacenter, std::make_shared<const Instances>(std::move(gateways)));
          }
        });
  } else if (!federates && states_) {
    states_.reset();
    states_known_ = false;
    world_.states.clear();
  }
  const bool wanted = federates || world_.peering_through_gateways;
  if (wanted && !servers_) {
    rpc::ServiceSpecificRequest request;
    request.ServiceName = catalog::kConsulServiceName;
    servers_ = follow<rpc::ServiceSpecificRequest, rpc::IndexedCheckServiceNodes>(
        "Health.ServiceNodes", std::move(request), [this](rpc::IndexedCheckServiceNodes answer) {
          world_.servers = std::make_shared<const Instances>(std::move(answer.Nodes));
        });
  } else if (!wanted && servers_) {
    servers_.reset();
    world_.servers = nullptr;
  }
}

void GatewayInputs::services_listed(const rpc::IndexedServiceList& list) {
  listed_ = true;
  std::set<std::string_view> names;
  for (const auto& each : list.Services) {
    names.insert(each.Name);
    if (!services_.contains(each.Name)) follow_service(each.Name);
  }
  std::erase_if(services_, [&](const auto& each) {
    if (names.contains(each.first)) return false;
    world_.services.erase(each.first);
    return true;
  });
}

void GatewayInputs::follow_service(const std::string& name) {
  rpc::ServiceSpecificRequest request;
  request.ServiceName = name;
  request.Connect = true;
  services_[name] = follow<rpc::ServiceSpecificRequest, rpc::IndexedCheckServiceNodes>(
      "Health.ServiceNodes", std::move(request), [this, name](rpc::IndexedCheckServiceNodes answer) {
        world_.services[name] = std::make_shared<const Instances>(std::move(answer.Nodes));
      });
}

/// Nobody tells when there is another datacenter.
void GatewayInputs::ask_datacenters() {
  rpc::DatacentersRequest request;
  request.Token = options_.token;
  rpc::ask<rpc::DatacentersRequest, base::List<std::string>>(
      caller_, loop_, "Catalog.ListDatacenters", std::move(request),
      [this, here = here_, &loop = loop_](const Result<base::List<std::string>>& names) {
        if (!*here) return;
        if (names) datacenters_listed(*names);
        loop.after(kDatacenterLook, [this, here] {
          if (*here) ask_datacenters();
        });
      });
}

void GatewayInputs::datacenters_listed(const base::List<std::string>& names) {
  const std::set<std::string_view> there(names.begin(), names.end());
  for (const std::string& name : names) {
    if (name == options_.datacenter || datacenters_.contains(name)) continue;
    rpc::ServiceDumpRequest request;
    request.Datacenter = name;
    request.ServiceKind = catalog::kKindMeshGateway;
    request.UseServiceKind = true;
    request.NodesOnly = true;
    datacenters_[name] = follow<rpc::ServiceDumpRequest, rpc::IndexedNodesWithGateways>(
        "Internal.ServiceDump", std::move(request), [this, name](rpc::IndexedNodesWithGateways answer) {
          world_.told[name] = std::make_shared<const Instances>(std::move(answer.Nodes));
        });
  }
  const std::size_t gone = std::erase_if(datacenters_, [&](const auto& each) {
    if (there.contains(each.first)) return false;
    world_.told.erase(each.first);
    return true;
  });
  if (gone > 0) change();
}

bool GatewayInputs::is_complete() const {
  if (world_.service.ID.empty() || world_.trust_domain.empty()) return false;
  if (!listed_ || !resolvers_known_ || !mesh_known_ || !defaults_known_) return false;
  if ((states_ && !states_known_) || (servers_ && !world_.servers)) return false;
  // An instance that is not known yet would be taken for one that is gone.
  return world_.services.size() >= services_.size();
}

void GatewayInputs::change() {
  if (!armed()) arm(loop_, Clock::now() + kTogether);
}

void GatewayInputs::on_timer() {
  complete_ = complete_ || is_complete();
  if (complete_) changed_();
}

}  // namespace proconsul::agent::xds
