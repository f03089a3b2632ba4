#include "agent/peering/imports.h"

#include <map>
#include <set>
#include <utility>

#include "base/quote.h"
#include "catalog/commands.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"
#include "catalog/query/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/same.h"
#include "catalog/store/key.h"
#include "catalog/types/register.h"

namespace proconsul::agent::peering {

using base::Errc;
using base::Error;
using base::Result;
using catalog::CheckServiceNode;
using catalog::Command;
using catalog::HealthCheck;

namespace {

constexpr std::string_view kProxySuffix = "-sidecar-proxy";
constexpr std::size_t kNodesAtOnce = 256;

void deregister(Commands& commands, const std::string& peer, const std::string& node, const std::string& service,
                const std::string& check) {
  catalog::DeregisterRequest request;
  request.Node = node;
  request.ServiceID = service;
  request.CheckID = check;
  request.PeerName = peer;
  commands.push_back(catalog::encode_command(Command::deregister, request));
}

/// Whether all that the peer shows of it is stored as it is.
bool is_stored(const catalog::Tables& tables, const std::string& peer, const CheckServiceNode& shown) {
  const catalog::NodeRow* node = catalog::find_node(tables, shown.Node->Node, peer);
  const catalog::ServiceRow* service = catalog::find_service(tables, shown.Node->Node, shown.Service->ID, peer);
  if (!node || !service || !catalog::same_node(node->get(), *shown.Node)) return false;
  if (!catalog::same_registration(service->get(), *shown.Service)) return false;
  for (const auto& check : shown.Checks) {
    const catalog::CheckRow* stored = catalog::find_check(tables, shown.Node->Node, check->CheckID, peer);
    if (!stored || !catalog::same_check(stored->get(), *check)) return false;
  }
  return true;
}

std::string registration(const CheckServiceNode& shown, const std::string& peer) {
  catalog::RegisterRequest request;
  request.ID = shown.Node->ID;
  request.Node = shown.Node->Node;
  request.Datacenter = shown.Node->Datacenter;
  request.Address = shown.Node->Address;
  request.TaggedAddresses = shown.Node->TaggedAddresses;
  request.NodeMeta = shown.Node->Meta;
  request.Locality = shown.Node->Locality;
  request.PeerName = peer;
  request.Service = *shown.Service;
  request.Checks = shown.Checks;
  return catalog::encode_command(Command::register_, request);
}

Result<> adopt(CheckServiceNode& instance, const std::string& peer) {
  if (!instance.Node || instance.Node->Node.empty()) return {Errc::invalid_argument, "an instance has no node"};
  if (!instance.Service || instance.Service->ID.empty()) return {Errc::invalid_argument, "an instance has no ID"};
  instance.Node->PeerName = peer;
  instance.Node->Partition.clear();
  instance.Service->PeerName = peer;
  for (auto& check : instance.Checks) {
    if (!check || check->CheckID.empty()) return {Errc::invalid_argument, "a check has no ID"};
    check->PeerName = peer;
  }
  return {};
}

using Kept = std::map<std::string, std::map<std::string, std::set<std::string>>>;  // checks by node and instance
using Instances = std::map<std::string, std::set<std::string>>;                    // by node

/// Of a service. Puts into `gone` what goes with nodes that the peer shows no instance on.
void remove_missing(const catalog::Tables& tables, const std::string& peer, const std::string& service,
                    const Kept& kept, Commands& commands, Instances& gone) {
  std::set<std::pair<std::string, std::string>> gone_checks;
  const catalog::InstancesQuery query{.service = service, .peer = peer};
  for (const catalog::InstanceRow* row : catalog::health_instances(tables, query, nullptr).rows) {
    const CheckServiceNode stored = catalog::check_service_node(tables, *row);
    const auto node = kept.find(catalog::lower_case(stored.Node->Node));
    if (node == kept.end()) {
      gone[stored.Node->Node].insert(catalog::lower_case(stored.Service->ID));
      deregister(commands, peer, stored.Node->Node, stored.Service->ID, {});
      continue;
    }
    const auto instance = node->second.find(catalog::lower_case(stored.Service->ID));
    if (instance == node->second.end()) {
      deregister(commands, peer, stored.Node->Node, stored.Service->ID, {});
      continue;
    }
    for (const auto& check : stored.Checks) {
      if (instance->second.contains(check->CheckID)) continue;
      if (gone_checks.emplace(check->Node, check->CheckID).second) {
        deregister(commands, peer, check->Node, {}, check->CheckID);
      }
    }
  }
}

/// Those that have nothing but what goes.
void remove_empty_nodes(const catalog::Tables& tables, const std::string& peer, const Instances& gone,
                        Commands& commands) {
  for (const auto& [node, instances] : gone) {
    bool in_use = false;
    const std::string prefix = catalog::index_key({catalog::peer_part(peer), node});
    for (const auto [key, row] : tables.services.prefix(prefix)) {
      in_use |= !instances.contains(catalog::lower_case(row->get().ID));
    }
    if (!in_use) deregister(commands, peer, node, {}, {});
  }
}

}  // namespace

Result<Commands> import_service(const catalog::Tables& tables, const std::string& peer, const std::string& service,
                                ExportedService shown) {
  Commands commands;
  Kept kept;
  for (CheckServiceNode& instance : shown.Nodes) {
    if (Result<> adopted = adopt(instance, peer); !adopted) return adopted.error();
    auto& checks = kept[catalog::lower_case(instance.Node->Node)][catalog::lower_case(instance.Service->ID)];
    for (const auto& check : instance.Checks) checks.insert(check->CheckID);
    if (!is_stored(tables, peer, instance)) commands.push_back(registration(instance, peer));
  }
  Instances gone;
  remove_missing(tables, peer, service, kept, commands, gone);
  remove_empty_nodes(tables, peer, gone, commands);
  return commands;
}

Result<Commands> import_list(const catalog::Tables& tables, const std::string& peer, const ExportedServiceList& list) {
  std::set<std::string> kept;
  for (const std::string& name : list.Services) {
    kept.insert(catalog::lower_case(name));
    kept.insert(catalog::lower_case(name) + std::string(kProxySuffix));
  }
  std::set<std::string> names;
  const std::string prefix = catalog::index_key({catalog::peer_part(peer)});
  for (const auto [key, row] : tables.services.prefix(prefix)) {
    const std::string name = catalog::service_name(*row);
    if (!kept.contains(catalog::lower_case(name))) names.insert(name);
  }
  Commands commands;
  // A node is looked at once all that goes is known: what it has may be of several services.
  Instances gone;
  for (const std::string& name : names) remove_missing(tables, peer, name, {}, commands, gone);
  remove_empty_nodes(tables, peer, gone, commands);
  return commands;
}

Result<Commands> import_trust_bundle(const std::string& peer, catalog::PeeringTrustBundle bundle) {
  bundle.Partition.clear();
  bundle.PeerName = peer;
  catalog::PeeringTrustBundleWriteRequest request;
  request.PeeringTrustBundle = std::move(bundle);
  return Commands{catalog::encode_peering_command(Command::peering_trust_bundle_write, request)};
}

Result<Commands> import_addresses(const catalog::Tables& tables, const std::string& peer,
                                  const PeeringServerAddresses& addresses) {
  const catalog::Peering* existing = catalog::find_peering(tables, peer);
  if (!existing || !existing->active()) {
    return Error{Errc::not_found, "peering does not exist or has been marked for deletion"};
  }
  catalog::PeeringWriteRequest request;
  request.Peering = *existing;
  request.Peering->PeerServerAddresses = addresses.Addresses;
  return Commands{catalog::encode_peering_command(Command::peering_write, request)};
}

Result<Commands> import_resource(const catalog::Tables& tables, const std::string& peer, const Response& response) {
  const Any& resource = *response.Resource;
  if (resource.type_url != response.ResourceURL) {
    return Error{Errc::invalid_argument, "mismatched resourceURL " + base::quote(response.ResourceURL) +
                                             " and Any typeUrl " + base::quote(resource.type_url)};
  }
  const auto with = [&]<class Message>(Message message, auto act) -> Result<Commands> {
    if (Result<> parsed = schema().parse(resource.value, message); !parsed) {
      return Error{Errc::invalid_argument, "failed to unmarshal resource: " + parsed.error().detail};
    }
    return act(std::move(message));
  };
  if (response.ResourceURL == kExportedServiceUrl) {
    return with(ExportedService(), [&](ExportedService shown) {
      return import_service(tables, peer, response.ResourceID, std::move(shown));
    });
  }
  if (response.ResourceURL == kExportedServiceListUrl) {
    return with(ExportedServiceList(),
                [&](const ExportedServiceList& list) { return import_list(tables, peer, list); });
  }
  if (response.ResourceURL == kTrustBundleUrl) {
    return with(catalog::PeeringTrustBundle(),
                [&](catalog::PeeringTrustBundle bundle) { return import_trust_bundle(peer, std::move(bundle)); });
  }
  return with(PeeringServerAddresses(),
              [&](const PeeringServerAddresses& addresses) { return import_addresses(tables, peer, addresses); });
}

Commands forget_nodes(const catalog::Tables& tables, const std::string& peer) {
  Commands commands;
  catalog::TxnRequest request;
  const auto flush = [&] {
    if (!request.Ops.empty()) commands.push_back(catalog::encode_command(Command::txn, request));
    request.Ops.clear();
  };
  for (const auto [key, row] : tables.nodes.prefix(catalog::index_key({catalog::peer_part(peer)}))) {
    catalog::TxnOp op;
    catalog::TxnNodeOp& node = op.Node.emplace();
    node.Verb = "delete";
    node.Node.Node = catalog::name_of(*row);
    node.Node.PeerName = peer;
    request.Ops.emplace_back(std::move(op));
    if (request.Ops.size() >= kNodesAtOnce) flush();
  }
  flush();
  return commands;
}

}  // namespace proconsul::agent::peering
