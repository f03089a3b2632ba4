// What registrations of mesh services leave behind: names by kind, links between services, virtual addresses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/registry/rows.h"
#include "catalog/store/store.h"
#include "catalog/types/system.h"

namespace proconsul::catalog {

inline constexpr std::string_view kVirtualIpTag = "consul-virtual";  // in a service's TaggedAddresses

// ---- names by kind ----
void add_kind_name(Transaction& tx, std::string_view kind, std::string_view service);
void remove_kind_name(Transaction& tx, std::string_view kind, std::string_view service);

// ---- links: a proxy and the upstreams it names ----
/// `before` is what the same instance was until now; null if it is new.
void update_mesh_links(Transaction& tx, std::string_view node, const NodeService& service, const NodeService* before);
void remove_mesh_links(Transaction& tx, const StoredService& service);
// An ingress gateway leads to the services of its entry.
void put_gateway_link(Transaction& tx, std::string_view service, std::string_view gateway, const RaftIndex& indexes);
void drop_gateway_link(Transaction& tx, std::string_view service, std::string_view gateway);
void drop_gateway_links(Transaction& tx, std::string_view gateway, std::uint64_t index);
enum class LinkEnd : bool { upstream, downstream };
/// Touched among the indexes when a link with this service at this end comes, goes or is named again: the index of all
/// links rises with every proxy that comes.
std::string link_watch_key(LinkEnd end, std::string_view service);
inline constexpr std::string_view kMeshLinks = "mesh-topology";  // that index

// ---- virtual addresses: 240.0.0.0 plus an offset for every service of the mesh ----
/// Whether the cluster has agreed to give them out; to what terminating gateways serve, too.
bool virtual_ips_enabled(const Tables& tables);
bool gateway_virtual_ips_enabled(const Tables& tables);
/// The service's address as text, given out now if it has none.
base::Result<std::string> assign_virtual_ip(Transaction& tx, const PeeredServiceName& service);
/// When the last instance of a service is gone. A terminating gateway that serves it keeps it, but not this one.
void free_virtual_ip(Transaction& tx, const PeeredServiceName& service, std::string_view but_for_gateway = {});
/// Null if there is none.
const ServiceVirtualIP* find_virtual_ip(const Tables& tables, const PeeredServiceName& service);
/// Empty if there is none.
std::string virtual_ip_of(const Tables& tables, const PeeredServiceName& service);
/// Command 43: gives the service these addresses of the operator's choice, and takes them from others.
AssignServiceManualVIPsResponse assign_manual_ips(Transaction& tx, const ServiceVirtualIP& request);

void restore_virtual_ip(Transaction& tx, const ServiceVirtualIP& row);
void restore_free_virtual_ip(Transaction& tx, const FreeVirtualIP& row);

}  // namespace proconsul::catalog
