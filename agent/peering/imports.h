// What is to be written for what a peer shows: commands by which the catalog has just that under the peer's name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/peering/messages.h"
#include "base/result.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::peering {

using Commands = std::vector<std::string>;

/// All instances of a service; those that are not among them are removed, and nodes that have none any more.
base::Result<Commands> import_service(const catalog::Tables& tables, const std::string& peer,
                                      const std::string& service, ExportedService shown);
/// Removes the services that are not in the list (nor the proxies of those that are).
base::Result<Commands> import_list(const catalog::Tables& tables, const std::string& peer,
                                   const ExportedServiceList& list);
base::Result<Commands> import_trust_bundle(const std::string& peer, catalog::PeeringTrustBundle bundle);
/// Errors: there is no such peering (any more).
base::Result<Commands> import_addresses(const catalog::Tables& tables, const std::string& peer,
                                        const PeeringServerAddresses& addresses);
/// By its URL. An error is what the peer is told.
base::Result<Commands> import_resource(const catalog::Tables& tables, const std::string& peer,
                                       const Response& response);
/// Removes all nodes of a peer, some in each command.
Commands forget_nodes(const catalog::Tables& tables, const std::string& peer);

}  // namespace proconsul::agent::peering
