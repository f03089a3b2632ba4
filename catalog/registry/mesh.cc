#include "catalog/registry/mesh.h"

#include <algorithm>
#include <set>

#include "catalog/registry/lookup.h"
#include "catalog/registry/settings.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

void add_kind_name(Transaction& tx, std::string_view kind, std::string_view service) {
  const std::string key = index_key({kind, service});
  if (tx.tables().kind_service_names.contains(key)) return;
  KindServiceName row;
  row.CreateIndex = row.ModifyIndex = tx.index();
  row.Kind = kind;
  row.Service = service;
  tx.tables().kind_service_names.insert(key, base::make_row(std::move(row)));
  tx.touch(Topic::kind_name, key);
  tx.raise_index(std::string("kind_service_names.").append(kind_text(kind)), tx.index());
}

void remove_kind_name(Transaction& tx, std::string_view kind, std::string_view service) {
  const std::string key = index_key({kind, service});
  tx.tables().kind_service_names.erase(key);
  tx.touch(Topic::kind_name, key);
  tx.raise_index(std::string("kind_service_names.").append(kind_text(kind)), tx.index());
}

// ---- links ----

namespace {

constexpr std::string_view kPreparedQuery = "prepared_query";

void touch_link(Transaction& tx, std::string_view upstream, std::string_view downstream) {
  tx.touch(Topic::index, link_watch_key(LinkEnd::upstream, upstream));
  tx.touch(Topic::index, link_watch_key(LinkEnd::downstream, downstream));
}

void put_link(Transaction& tx, MeshLink link) {
  const auto row = base::make_row(std::move(link));
  tx.tables().mesh_links.insert(index_key({row->Upstream, row->Downstream}), row);
  tx.tables().mesh_links_by_downstream.insert(index_key({row->Downstream, row->Upstream}), row);
  touch_link(tx, row->Upstream, row->Downstream);
  tx.raise_index(kMeshLinks, row->ModifyIndex);
}

void drop_link(Transaction& tx, std::string_view upstream, std::string_view downstream) {
  tx.tables().mesh_links.erase(index_key({upstream, downstream}));
  tx.tables().mesh_links_by_downstream.erase(index_key({downstream, upstream}));
  touch_link(tx, upstream, downstream);
  tx.raise_index(kMeshLinks, tx.index());
}

std::string proxy_name(std::string_view node, std::string_view id, std::string_view service) {
  std::string name(node);
  name += '/';
  name += id.empty() ? service : id;
  return name;
}

}  // namespace

std::string link_watch_key(LinkEnd end, std::string_view service) {
  // No index has such a name.
  return index_key({kMeshLinks, end == LinkEnd::upstream ? "upstream" : "downstream", service});
}

void update_mesh_links(Transaction& tx, std::string_view node, const NodeService& service, const NodeService* before) {
  std::set<std::string> gone;
  if (before) {
    for (const Upstream& upstream : before->Proxy->Upstreams) gone.insert(upstream.DestinationName);
  }
  const std::string& downstream = service.Proxy->DestinationServiceName;
  for (const Upstream& upstream : service.Proxy->Upstreams) {
    if (upstream.DestinationType == kPreparedQuery) continue;
    // The link belongs to the proxy that named it last, even while others name it too. Every server has to decide so:
    // the links decide about indexes.
    MeshLink link;
    link.CreateIndex = link.ModifyIndex = tx.index();
    link.Upstream = upstream.DestinationName;
    link.Downstream = downstream;
    link.Proxy = proxy_name(node, service.ID, service.Service);
    put_link(tx, std::move(link));
    gone.erase(upstream.DestinationName);
  }
  for (const std::string& upstream : gone) drop_link(tx, upstream, downstream);
}

void remove_mesh_links(Transaction& tx, const StoredService& service) {
  if (!service.PeerName.empty() || service.Kind != kKindConnectProxy) return;
  const std::string& downstream = service.Proxy->DestinationServiceName;
  const std::string proxy = proxy_name(service.Node, service.ID, service.Service);
  std::vector<std::string> gone;
  for (const auto [key, link] : tx.tables().mesh_links_by_downstream.prefix(index_key({downstream}))) {
    if (link->Proxy == proxy) gone.push_back(link->Upstream);
  }
  for (const std::string& upstream : gone) drop_link(tx, upstream, downstream);
}

void put_gateway_link(Transaction& tx, std::string_view service, std::string_view gateway, const RaftIndex& indexes) {
  MeshLink link;
  static_cast<RaftIndex&>(link) = indexes;
  link.Upstream = service;
  link.Downstream = gateway;
  put_link(tx, std::move(link));
}

void drop_gateway_link(Transaction& tx, std::string_view service, std::string_view gateway) {
  drop_link(tx, service, gateway);
}

void drop_gateway_links(Transaction& tx, std::string_view gateway, std::uint64_t index) {
  std::vector<std::string> upstreams;
  for (const auto [key, link] : tx.tables().mesh_links_by_downstream.prefix(index_key({gateway}))) {
    upstreams.push_back(link->Upstream);
  }
  for (const std::string& upstream : upstreams) drop_link(tx, upstream, gateway);
  tx.raise_index(kMeshLinks, index);
}

// ---- virtual addresses ----

namespace {

constexpr std::string_view kVirtualIps = "service-virtual-ips";
constexpr std::string_view kFree = "free";
constexpr std::string_view kCounter = "counter";

std::string virtual_ip_key(const PeeredServiceName& service) {
  return index_key({service.Peer.empty() ? "~" : "peer:" + service.Peer, service.ServiceName.Name});
}

std::string manual_ip_key(std::string_view address, const PeeredServiceName& service) {
  std::string key(address);
  key += '\0';
  return key + virtual_ip_key(service);
}

void put_virtual_ip(Transaction& tx, ServiceVirtualIP entry) {
  Tables& tables = tx.tables();
  const std::string key = virtual_ip_key(entry.Service);
  if (const auto* old = tables.virtual_ips.get(key)) {
    for (const std::string& address : old->ManualIPs)
      tables.virtual_ips_manual.erase(manual_ip_key(address, old->Service));
  }
  const auto row = base::make_row(std::move(entry));
  tables.virtual_ips.insert(key, row);
  for (const std::string& address : row->ManualIPs) {
    tables.virtual_ips_manual.insert(manual_ip_key(address, row->Service), row);
  }
}

void raise_virtual_ips(Transaction& tx, std::uint64_t index, std::string_view peer) {
  tx.raise_index(kVirtualIps, index);
  if (!peer.empty()) tx.raise_index(std::string(kVirtualIps).append(".imported"), index);
}

// 240.0.0.0 plus the offset, whose last four bytes count (it travels as 16 bytes, ::ffff:a.b.c.d).
std::string address_text(std::string_view offset) {
  if (offset.size() != 4 && offset.size() != 16) return {};
  const std::string_view last = offset.substr(offset.size() - 4);
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    const unsigned byte = static_cast<unsigned char>(last[i]) + (i == 0 ? 240u : 0u);
    if (i > 0) text += '.';
    text += std::to_string(byte & 255u);
  }
  return text;
}

const std::string& no_offset() {
  static const std::string zero = std::string(10, '\0') + "\xff\xff" + std::string(4, '\0');
  return zero;
}

}  // namespace

bool virtual_ips_enabled(const Tables& tables) {
  return !system_metadata(tables, "virtual-ips").empty();
}

bool gateway_virtual_ips_enabled(const Tables& tables) {
  return !system_metadata(tables, "virtual-ips-term-gateway").empty();
}

base::Result<std::string> assign_virtual_ip(Transaction& tx, const PeeredServiceName& service) {
  Tables& tables = tx.tables();
  if (const auto* known = tables.virtual_ips.get(virtual_ip_key(service))) return address_text(known->IP);

  // What was given back comes first. There is room for only one such address: a second one that comes back replaces the
  // first. Servers must agree on the addresses, so this stays.
  FreeVirtualIP entry;
  if (const auto* free = tables.free_virtual_ips.get(kFree)) {
    entry = *free;
    tables.free_virtual_ips.erase(kFree);
  } else {
    const auto* counter = tables.free_virtual_ips.get(kCounter);
    entry.IP = counter ? counter->IP : base::Bytes(no_offset());
    entry.IsCounter = true;
    for (std::size_t i = entry.IP.size(); i-- > 0;) {
      entry.IP[i] = static_cast<char>(static_cast<unsigned char>(entry.IP[i]) + 1);
      if (entry.IP[i] != 0) break;
    }
    if (std::string_view(entry.IP).ends_with("\x0f\xff\xff\xfe")) {
      return base::Error{base::Errc::internal, "cannot allocate any more unique service virtual IPs"};
    }
    tables.free_virtual_ips.insert(kCounter, base::make_row(entry));
  }

  ServiceVirtualIP assigned;
  assigned.CreateIndex = assigned.ModifyIndex = tx.index();
  assigned.Service = service;
  assigned.IP = entry.IP;
  std::string address = address_text(assigned.IP);
  put_virtual_ip(tx, std::move(assigned));
  raise_virtual_ips(tx, tx.index(), service.Peer);
  return address;
}

namespace {

// These give their service an address even where it has no instance. An imported service of the same name keeps its own
// because of them, too: servers must agree on the addresses, so this stays.
bool has_configured_address(const Tables& tables, const PeeredServiceName& service) {
  constexpr std::string_view kKinds[] = {"service-resolver", "service-router", "service-splitter", "service-defaults",
                                         "service-intentions"};
  return std::ranges::any_of(kKinds, [&](std::string_view kind) {
    return tables.config_entries.contains(index_key({kind, service.ServiceName.Name}));
  });
}

bool served_by_gateway(const Tables& tables, const std::string& service, std::string_view but_for) {
  if (tables.gateway_services.empty() || !gateway_virtual_ips_enabled(tables)) return false;
  for (const auto [key, row] : tables.gateway_services_by_service.prefix(index_key({service}))) {
    if (row->GatewayKind == kKindTerminatingGateway && row->Gateway.Name != but_for) return true;
  }
  return false;
}

}  // namespace

void free_virtual_ip(Transaction& tx, const PeeredServiceName& service, std::string_view but_for_gateway) {
  Tables& tables = tx.tables();
  if (!virtual_ips_enabled(tables)) return;
  if (tables.instances.prefix(index_key({peer_part(service.Peer), service.ServiceName.Name}))) return;
  if (has_configured_address(tables, service)) return;
  if (served_by_gateway(tables, service.ServiceName.Name, but_for_gateway)) return;
  const std::string key = virtual_ip_key(service);
  const auto row = tables.virtual_ips.share(key);
  if (!row) return;
  for (const std::string& address : row->ManualIPs)
    tables.virtual_ips_manual.erase(manual_ip_key(address, row->Service));
  tables.virtual_ips.erase(key);
  FreeVirtualIP free;
  free.IP = row->IP;
  tables.free_virtual_ips.insert(kFree, base::make_row(std::move(free)));
  raise_virtual_ips(tx, tx.index(), service.Peer);
}

const ServiceVirtualIP* find_virtual_ip(const Tables& tables, const PeeredServiceName& service) {
  return tables.virtual_ips.get(virtual_ip_key(service));
}

std::string virtual_ip_of(const Tables& tables, const PeeredServiceName& service) {
  const ServiceVirtualIP* row = find_virtual_ip(tables, service);
  return row ? address_text(row->IP) : std::string{};
}

AssignServiceManualVIPsResponse assign_manual_ips(Transaction& tx, const ServiceVirtualIP& request) {
  Tables& tables = tx.tables();
  AssignServiceManualVIPsResponse answer;
  const std::set<std::string> wanted(request.ManualIPs.begin(), request.ManualIPs.end());
  const auto row = tables.virtual_ips.share(virtual_ip_key(request.Service));
  if (!row) return answer;  // nothing is taken from others for a service that is not there

  std::set<PeeredServiceName> losers;
  for (const std::string& address : wanted) {
    const auto found = tables.virtual_ips_manual.prefix(address + '\0');
    if (!found) continue;
    ServiceVirtualIP loser = *found.row();
    if (loser.Service == request.Service) continue;
    base::List<std::string> left;
    for (std::string& kept : loser.ManualIPs) {
      if (!wanted.contains(kept)) left.push_back(std::move(kept));
    }
    std::sort(left.begin(), left.end());
    loser.ManualIPs = std::move(left);
    loser.ModifyIndex = tx.index();
    losers.insert(loser.Service);
    raise_virtual_ips(tx, tx.index(), loser.Service.Peer);
    put_virtual_ip(tx, std::move(loser));
  }

  const bool same = row->ManualIPs.size() == wanted.size() &&
                    std::all_of(row->ManualIPs.begin(), row->ManualIPs.end(),
                                [&](const std::string& address) { return wanted.contains(address); });
  if (!same) {
    ServiceVirtualIP entry = *row;
    entry.ManualIPs = request.ManualIPs;
    entry.ModifyIndex = tx.index();
    std::sort(entry.ManualIPs.begin(), entry.ManualIPs.end());
    put_virtual_ip(tx, std::move(entry));
    raise_virtual_ips(tx, tx.index(), request.Service.Peer);
  }
  answer.Found = true;
  answer.UnassignedFrom.assign(losers.begin(), losers.end());
  return answer;
}

void restore_virtual_ip(Transaction& tx, const ServiceVirtualIP& row) {
  put_virtual_ip(tx, row);
  raise_virtual_ips(tx, row.ModifyIndex, row.Service.Peer);
}

void restore_free_virtual_ip(Transaction& tx, const FreeVirtualIP& row) {
  tx.tables().free_virtual_ips.insert(row.IsCounter ? kCounter : kFree, base::make_row(row));
}

}  // namespace proconsul::catalog
