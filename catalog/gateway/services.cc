#include "catalog/gateway/services.h"

#include <string>
#include <utility>
#include <vector>

#include "base/msgpack.h"
#include "catalog/config_entry/entries.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/register.h"
#include "catalog/store/key.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Result;

namespace {

constexpr std::string_view kKindOfService = "service";
constexpr std::string_view kKindOfDestination = "destination";

// ---- rows ----

/// Of ports in the peer's order of rows: a signed varint, filled up with zeros.
std::string port_key(base::Int port) {
  auto zigzag = (static_cast<std::uint64_t>(port) << 1) ^ static_cast<std::uint64_t>(port >> 63);
  std::string key;
  for (; zigzag >= 0x80; zigzag >>= 7) key += static_cast<char>(zigzag | 0x80);
  key += static_cast<char>(zigzag);
  key.resize(10, '\0');
  return key;
}

std::string key_of(std::string_view gateway, std::string_view service, base::Int port) {
  return index_key({gateway, service}) + port_key(port);
}
std::string key_of(const GatewayService& row) {
  return key_of(row.Gateway.Name, row.Service.Name, row.Port);
}
std::string key_by_service(const GatewayService& row) {
  return index_key({row.Service.Name, row.Gateway.Name}) + port_key(row.Port);
}

/// All but the indexes; AutoHostRewrite alone makes no difference either.
bool is_same(const GatewayService& a, const GatewayService& b) {
  return a.Gateway.Name == b.Gateway.Name && a.Service.Name == b.Service.Name && a.GatewayKind == b.GatewayKind &&
         a.Port == b.Port && a.Protocol == b.Protocol && a.Hosts == b.Hosts && a.CAFile == b.CAFile &&
         a.CertFile == b.CertFile && a.KeyFile == b.KeyFile && a.SNI == b.SNI && a.ServiceKind == b.ServiceKind &&
         a.FromWildcard == b.FromWildcard;
}

void put(Transaction& tx, GatewayService mapping, std::uint64_t index) {
  Tables& tables = tx.tables();
  const std::string key = key_of(mapping);
  const GatewayService* known = tables.gateway_services.get(key);
  mapping.CreateIndex = known ? known->CreateIndex : index;
  if (known && is_same(*known, mapping)) return;
  mapping.ModifyIndex = index;
  const auto row = base::make_row(std::move(mapping));
  tables.gateway_services.insert(key, row);
  tables.gateway_services_by_service.insert(key_by_service(*row), row);
  tx.raise_index(kGatewayServices, index);
  // Only ingress gateways stand on their own in the picture of the mesh.
  if (row->GatewayKind == kKindIngressGateway && row->Service.Name != kWildcard) {
    put_gateway_link(tx, row->Service.Name, row->Gateway.Name, *row);
  }
}

void take(Transaction& tx, const GatewayService& mapping) {
  tx.tables().gateway_services.erase(key_of(mapping));
  tx.tables().gateway_services_by_service.erase(key_by_service(mapping));
}

void take_all_of(Transaction& tx, std::string_view gateway) {
  std::vector<base::RowPtr<GatewayService>> rows;
  const std::string prefix = index_key({gateway});
  for (const auto [key, row] : tx.tables().gateway_services.prefix(prefix)) {
    rows.push_back(tx.tables().gateway_services.share(key));
  }
  for (const auto& row : rows) take(tx, *row);
}

std::vector<GatewayService> rows_of_service(const Tables& tables, std::string_view service) {
  std::vector<GatewayService> rows;
  for (const auto [key, row] : tables.gateway_services_by_service.prefix(index_key({service}))) rows.push_back(*row);
  return rows;
}

// ---- what there is of a service ----

struct Instances {
  bool in_mesh = false;  // a proxy for it, or a native instance
  bool outside = false;  // an instance that is not native
};

Instances instances_of(const Tables& tables, std::string_view name) {
  const std::string prefix = index_key({peer_part({}), name});
  Instances found{.in_mesh = static_cast<bool>(tables.connect_instances.prefix(prefix))};
  for (const auto [key, row] : tables.instances.prefix(prefix)) {
    if (row->service().get().Connect->Native) continue;
    found.outside = true;
    break;
  }
  return found;
}

bool is_destination(const Tables& tables, std::string_view name) {
  const auto* entry = find_config_entry<ServiceConfigEntry>(tables, kind::kServiceDefaults, name);
  return entry && entry->Destination;
}

std::string_view kind_of(const Tables& tables, std::string_view name) {
  if (tables.instances.prefix(index_key({peer_part({}), name}))) return kKindOfService;
  return is_destination(tables, name) ? kKindOfDestination : std::string_view{};
}

/// Whether a gateway that serves everything serves this.
bool serves(std::string_view gateway_kind, Instances found, bool destination) {
  if (gateway_kind == kKindIngressGateway) return found.in_mesh;
  return found.outside || destination;
}

// ---- single services ----

void update_by_wildcard(Transaction& tx, std::string_view name, const NodeService* service,
                        std::string_view service_kind, std::uint64_t index) {
  const std::vector<GatewayService> wildcards = rows_of_service(tx.tables(), kWildcard);
  if (wildcards.empty()) return;
  Instances found = instances_of(tx.tables(), name);
  if (service) {
    (service->Connect->Native || service->Kind == kKindConnectProxy ? found.in_mesh : found.outside) = true;
  }
  for (const GatewayService& wildcard : wildcards) {
    if (!serves(wildcard.GatewayKind, found, service_kind == kKindOfDestination)) continue;
    GatewayService mapping = wildcard;
    mapping.Service.Name = name;
    mapping.FromWildcard = true;
    mapping.ServiceKind = service_kind;
    put(tx, std::move(mapping), index);
  }
}

/// What kind of service it is stands in the first of its rows only: the peer looks at no more.
void update_kind(Transaction& tx, std::string_view name, std::string_view service_kind, std::uint64_t index) {
  const auto rows = tx.tables().gateway_services_by_service.prefix(index_key({name}));
  if (!rows) return;
  GatewayService mapping = *rows.row();
  mapping.Service.Name = name;
  mapping.ServiceKind = service_kind;
  put(tx, std::move(mapping), index);
}

void clean_up(Transaction& tx, std::string_view name, bool destination_goes) {
  const std::vector<GatewayService> rows = rows_of_service(tx.tables(), name);
  if (rows.empty()) return;
  const Instances found = instances_of(tx.tables(), name);
  const bool destination = !destination_goes && is_destination(tx.tables(), name);
  for (const GatewayService& row : rows) {
    if (!row.FromWildcard) {
      // It was named, and stays for when it comes back.
      update_kind(tx, row.Service.Name, kind_of(tx.tables(), row.Service.Name), tx.index());
      continue;
    }
    if (serves(row.GatewayKind, found, destination)) continue;
    take(tx, row);
    tx.raise_index(kGatewayServices, tx.index());
    if (row.GatewayKind == kKindIngressGateway) drop_gateway_link(tx, row.Service.Name, row.Gateway.Name);
  }
}

// ---- a whole gateway ----

/// Everything that there is, but for what the gateway names.
void put_everything(Transaction& tx, GatewayService wildcard, std::uint64_t index) {
  const Tables& tables = tx.tables();
  const auto add = [&](const std::string& name, std::string_view service_kind) {
    if (tables.gateway_services.contains(key_of(wildcard.Gateway.Name, name, wildcard.Port))) return;
    GatewayService mapping = wildcard;
    mapping.Service.Name = name;
    mapping.FromWildcard = true;
    mapping.ServiceKind = service_kind;
    put(tx, std::move(mapping), index);
  };
  std::string last;
  for (const auto [key, row] : tables.instances.prefix(index_key({peer_part({})}))) {
    const StoredService service = row->service().get();
    if (!service.Kind.empty() || service.Service == kConsulServiceName || service.Service == last) continue;
    last = service.Service;
    if (serves(wildcard.GatewayKind, instances_of(tables, last), false)) add(last, wildcard.ServiceKind);
  }
  for (const ConfigEntry* entry : list_config_entries(tables, kind::kServiceDefaults)) {
    if (entry_as<ServiceConfigEntry>(entry)->Destination) add(entry->Name, kKindOfDestination);
  }
  // The row of the wildcard itself says how services that come later are served.
  put(tx, std::move(wildcard), index);
}

template <class T>
bool same_content(const T& a, const T& b) {
  std::string first, second;
  base::append_msgpack(first, a);
  base::append_msgpack(second, b);
  return first == second;
}

std::vector<GatewayService> mappings_of(const IngressGatewayConfigEntry& entry) {
  std::vector<GatewayService> mappings;
  for (const IngressListener& listener : entry.Listeners) {
    for (const IngressService& service : listener.Services) {
      GatewayService& mapping = mappings.emplace_back();
      mapping.Gateway.Name = entry.Name;
      mapping.Service.Name = service.Name;
      mapping.GatewayKind = kKindIngressGateway;
      mapping.Hosts = service.Hosts;
      mapping.Port = listener.Port;
      mapping.Protocol = listener.Protocol;
    }
  }
  return mappings;
}

std::vector<GatewayService> mappings_of(const Tables& tables, const TerminatingGatewayConfigEntry& entry) {
  std::vector<GatewayService> mappings;
  for (const LinkedService& service : entry.Services) {
    GatewayService& mapping = mappings.emplace_back();
    mapping.Gateway.Name = entry.Name;
    mapping.Service.Name = service.Name;
    mapping.GatewayKind = kKindTerminatingGateway;
    mapping.KeyFile = service.KeyFile;
    mapping.CertFile = service.CertFile;
    mapping.CAFile = service.CAFile;
    mapping.SNI = service.SNI;
    mapping.ServiceKind = kind_of(tables, service.Name);
    mapping.AutoHostRewrite = !service.DisableAutoHostRewrite;
  }
  return mappings;
}

void replace_mappings(Transaction& tx, const ConfigEntry& entry, std::vector<GatewayService> mappings,
                      std::uint64_t index) {
  take_all_of(tx, entry.Name);
  if (entry.kind->name == kind::kIngressGateway) drop_gateway_links(tx, entry.Name, index);
  for (GatewayService& mapping : mappings) {
    mapping.Service.Name == kWildcard ? put_everything(tx, std::move(mapping), index)
                                      : put(tx, std::move(mapping), index);
  }
  tx.raise_index(kGatewayServices, index);
}

// ---- virtual addresses of what terminating gateways serve ----

using Addresses = base::Map<ServiceAddress>;

std::string address_tag(std::string_view service) {
  return std::string(kVirtualIpTag).append(":").append(service);
}

Result<Addresses> addresses_of(Transaction& tx, const TerminatingGatewayConfigEntry& entry) {
  Addresses addresses;
  for (const LinkedService& service : entry.Services) {
    Result<std::string> address = assign_virtual_ip(tx, {.ServiceName = {.Name = service.Name}, .Peer = {}});
    if (!address) return address.error();
    addresses[address_tag(service.Name)] = {.Address = std::move(*address), .Port = 0};
  }
  return addresses;
}

Result<> readdress(Transaction& tx, const TerminatingGatewayConfigEntry& entry,
                   const TerminatingGatewayConfigEntry* before, std::uint64_t index) {
  Result<Addresses> addresses = addresses_of(tx, entry);
  if (!addresses) return addresses.error();
  std::vector<StoredService> instances;
  for (const auto [key, row] : tx.tables().instances.prefix(index_key({peer_part({}), entry.Name}))) {
    instances.push_back(row->service().get());
  }
  const std::string virtual_tags = address_tag({});
  for (StoredService& instance : instances) {
    Addresses wanted = *addresses;
    for (const auto& [tag, address] : instance.TaggedAddresses) {
      if (!tag.starts_with(virtual_tags)) wanted.emplace(tag, address);
    }
    if (!instance.TaggedAddresses.is_nil() && same_content(wanted, instance.TaggedAddresses)) continue;
    StoredService changed = instance;
    changed.TaggedAddresses = std::move(wanted);
    changed.TaggedAddresses.make_present();
    changed.Tags.make_present();
    changed.Meta.make_present();
    changed.ModifyIndex = index;
    insert_service(tx, changed, &instance);
  }
  if (!before) return {};
  for (const LinkedService& service : before->Services) {
    if (addresses->contains(address_tag(service.Name))) continue;
    if (tx.tables().connect_instances.prefix(index_key({peer_part({}), service.Name}))) continue;
    free_virtual_ip(tx, {.ServiceName = {.Name = service.Name}, .Peer = {}}, entry.Name);
  }
  return {};
}

}  // namespace

Result<> write_gateway(Transaction& tx, const ConfigEntry& entry, std::uint64_t index, bool restored) {
  const ConfigEntry* old = find_config_entry(tx.tables(), entry.kind->name, entry.Name);
  if (const auto* ingress = entry_as<IngressGatewayConfigEntry>(&entry)) {
    const auto* before = entry_as<IngressGatewayConfigEntry>(old);
    if (before && same_content(before->Listeners, ingress->Listeners)) return {};
    replace_mappings(tx, entry, mappings_of(*ingress), index);
  } else if (const auto* terminating = entry_as<TerminatingGatewayConfigEntry>(&entry)) {
    const auto* before = entry_as<TerminatingGatewayConfigEntry>(old);
    if (before && same_content(before->Services, terminating->Services)) return {};
    std::vector<GatewayService> mappings = mappings_of(tx.tables(), *terminating);
    if (!restored && gateway_virtual_ips_enabled(tx.tables())) {
      if (Result<> done = readdress(tx, *terminating, before, index); !done) return done;
    }
    replace_mappings(tx, entry, std::move(mappings), index);
  }
  return {};
}

void erase_gateway(Transaction& tx, const ConfigEntry& entry) {
  const bool ingress = entry.kind->name == kind::kIngressGateway;
  if (!ingress && entry.kind->name != kind::kTerminatingGateway) return;
  take_all_of(tx, entry.Name);
  tx.raise_index(kGatewayServices, tx.index());
  if (ingress) drop_gateway_links(tx, entry.Name, tx.index());
}

void add_destination(Transaction& tx, const ServiceConfigEntry& entry, std::uint64_t index) {
  if (tx.tables().gateway_services.empty()) return;
  // The entry is not in the table yet.
  const bool registered = kind_of(tx.tables(), entry.Name) == kKindOfService;
  const std::string_view service_kind = registered ? kKindOfService : kKindOfDestination;
  update_by_wildcard(tx, entry.Name, nullptr, service_kind, index);
  update_kind(tx, entry.Name, service_kind, index);
}

void remove_destination(Transaction& tx, const ServiceConfigEntry& entry) {
  if (tx.tables().gateway_services.empty()) return;
  const bool registered = kind_of(tx.tables(), entry.Name) == kKindOfService;
  const std::string_view service_kind = registered ? kKindOfService : std::string_view{};
  update_by_wildcard(tx, entry.Name, nullptr, service_kind, tx.index());
  clean_up(tx, entry.Name, true);
  update_kind(tx, entry.Name, service_kind, tx.index());
}

void enter_gateways(Transaction& tx, const NodeService& service) {
  if (tx.tables().gateway_services.empty()) return;
  update_by_wildcard(tx, service.Service, &service, kKindOfService, tx.index());
  update_kind(tx, service.Service, kKindOfService, tx.index());
}

void enter_gateways_by_wildcard(Transaction& tx, std::string_view name, const NodeService* service) {
  if (tx.tables().gateway_services.empty()) return;
  update_by_wildcard(tx, name, service, kKindOfService, tx.index());
}

void leave_gateways(Transaction& tx, std::string_view name) {
  if (tx.tables().gateway_services.empty()) return;
  clean_up(tx, name, false);
}

Result<> add_gateway_addresses(Transaction& tx, NodeService& service) {
  if (!gateway_virtual_ips_enabled(tx.tables())) return {};
  const auto* entry =
      find_config_entry<TerminatingGatewayConfigEntry>(tx.tables(), kind::kTerminatingGateway, service.Service);
  if (!entry) return {};
  Result<Addresses> addresses = addresses_of(tx, *entry);
  if (!addresses) return addresses.error();
  service.TaggedAddresses.make_present();
  for (auto& [tag, address] : *addresses) service.TaggedAddresses[tag] = std::move(address);
  return {};
}

}  // namespace proconsul::catalog
