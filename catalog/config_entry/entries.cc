#include "catalog/config_entry/entries.h"

#include <map>
#include <set>
#include <utility>

#include "base/json.h"
#include "catalog/config_entry/graph.h"
#include "catalog/config_entry/hash.h"
#include "catalog/gateway/services.h"
#include "catalog/registry/mesh.h"
#include "catalog/store/key.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_intentions.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Errc;
using base::Result;

namespace {

constexpr std::string_view kConfigEntries = "config-entries";
constexpr std::string_view kDestinationKind = "destination";

std::string key_of(const ConfigEntry& entry) {
  return index_key({entry.kind->name, entry.Name});
}

bool has_virtual_ip(const ConfigEntry& entry) {
  const std::string_view name = entry.kind->name;
  if (entry.Name.empty()) return false;
  if (name == kind::kServiceIntentions) return entry.Name.find('*') == std::string::npos;
  return name == kind::kServiceRouter || name == kind::kServiceResolver || name == kind::kServiceSplitter ||
         name == kind::kServiceDefaults;
}

PeeredServiceName service_of(const ConfigEntry& entry) {
  PeeredServiceName service;
  service.ServiceName.Name = entry.Name;
  return service;
}

/// Null unless the entry is of a destination outside of the mesh.
const ServiceConfigEntry* destination_of(const ConfigEntry& entry) {
  const auto* service = entry_as<ServiceConfigEntry>(&entry);
  return service && service->Destination ? service : nullptr;
}

void erase_rows(Transaction& tx, const ConfigEntry& entry) {
  const std::string key = key_of(entry);
  for (const std::string& service : related_services(entry)) {
    tx.tables().config_entry_links.erase(index_key({service, entry.kind->name, entry.Name}));
  }
  tx.tables().config_entries.erase(key);
  tx.touch(Topic::config_entry, key);
}

Result<> insert(Transaction& tx, std::shared_ptr<ConfigEntry> entry, std::uint64_t index, bool restored) {
  if (entry->kind->name == kind::kSamenessGroup) {
    return {Errc::internal, "sameness-groups are an enterprise-only feature"};
  }
  if (Result<> served = write_gateway(tx, *entry, index, restored); !served) {
    return {Errc::internal, "failed to associate services to gateway: " + served.error().detail};
  }
  if (const auto* destination = destination_of(*entry)) {
    add_destination(tx, *destination, index);
    add_kind_name(tx, kDestinationKind, entry->Name);
  }
  if (auto* proxies = entry_as<ProxyConfigEntry>(entry.get())) {
    if (Result<> computed = compute_protocol(*proxies); !computed) return computed;
  }
  if (virtual_ips_enabled(tx.tables()) && has_virtual_ip(*entry)) {
    if (auto assigned = assign_virtual_ip(tx, service_of(*entry)); !assigned) return assigned.error();
  }
  if (entry->Name.empty()) return {Errc::internal, "failed inserting config entry: object missing primary index"};
  if (const ConfigEntry* old = find_config_entry(tx.tables(), entry->kind->name, entry->Name)) erase_rows(tx, *old);
  const std::string key = key_of(*entry);
  const auto row = base::make_row(StoredConfigEntry{std::move(entry)});
  for (const std::string& service : related_services(*row->entry)) {
    tx.tables().config_entry_links.insert(index_key({service, row->entry->kind->name, row->entry->Name}), row);
  }
  tx.tables().config_entries.insert(key, row);
  tx.touch(Topic::config_entry, key);
  tx.raise_index(kConfigEntries, index);
  return {};
}

// ---- intentions that came from a table of their own still have ids ----

using SourceKey = std::pair<std::string, std::string>;  // peer, name
SourceKey key_of(const SourceIntention& source) {
  return {source.Peer, source.Name};
}

Result<> keep_legacy(ServiceIntentionsConfigEntry& entry, const ServiceIntentionsConfigEntry& before) {
  std::map<SourceKey, const SourceIntention*> by_name;
  std::map<std::string, const SourceIntention*> by_id;
  for (const auto& source : before.Sources) {
    if (!source) continue;
    by_name[key_of(*source)] = source.get();
    if (!source->LegacyID.empty()) by_id[source->LegacyID] = source.get();
  }
  for (std::size_t i = 0; i < entry.Sources.size(); ++i) {
    if (!entry.Sources[i] || entry.Sources[i]->LegacyID.empty()) continue;
    SourceIntention& source = *entry.Sources[i];
    const std::string field = "Sources[" + std::to_string(i) + "].LegacyID: ";
    if (const auto same = by_name.find(key_of(source)); same != by_name.end()) {
      const std::string& id = same->second->LegacyID;
      if (id.empty()) return {Errc::internal, field + "cannot set this field"};
      if (id != source.LegacyID) return {Errc::internal, field + "cannot set this field to a different value"};
    }
    if (const auto same = by_id.find(source.LegacyID); same != by_id.end() && same->second->LegacyCreateTime) {
      source.LegacyCreateTime = same->second->LegacyCreateTime;
    }
  }
  return {};
}

Result<> upsert(Transaction& tx, std::shared_ptr<ConfigEntry> entry, bool with_status) {
  const ConfigEntry* before = find_config_entry(tx.tables(), entry->kind->name, entry->Name);
  const auto* old_intentions = entry_as<ServiceIntentionsConfigEntry>(before);
  if (auto* intentions = entry_as<ServiceIntentionsConfigEntry>(entry.get()); intentions && old_intentions) {
    if (Result<> kept = keep_legacy(*intentions, *old_intentions); !kept) return kept;
  }
  if (const auto status = entry->kind->status; status && !with_status) {
    // Whoever writes an entry has no say in what the controllers think of it.
    *status(*entry) = before ? *status(*copy_config_entry(*before)) : EntryStatus{};
  }
  entry->CreateIndex = before ? before->CreateIndex : tx.index();
  entry->ModifyIndex = tx.index();
  if (Result<> checked = check_config_graph(tx.tables(), *entry->kind, entry->Name, entry.get()); !checked) {
    return checked;
  }
  return insert(tx, std::move(entry), tx.index(), false);
}

Result<> erase(Transaction& tx, const ConfigKind& kind, const std::string& name) {
  const auto row = tx.tables().config_entries.share(index_key({kind.name, name}));
  if (!row) return {};
  const ConfigEntry& entry = *row->entry;
  erase_gateway(tx, entry);
  if (const auto* destination = destination_of(entry)) {
    remove_destination(tx, *destination);
    remove_kind_name(tx, kDestinationKind, entry.Name);
  }
  if (Result<> checked = check_config_graph(tx.tables(), kind, name, nullptr); !checked) return checked;
  erase_rows(tx, entry);
  tx.set_index(kConfigEntries);
  if (has_virtual_ip(entry)) free_virtual_ip(tx, service_of(entry));
  return {};
}

}  // namespace

Result<std::optional<bool>> apply_config_entry(Transaction& tx, ConfigEntryRequest request) {
  const ConfigKind& kind = *request.Entry->kind;
  const ConfigEntry* before = find_config_entry(tx.tables(), kind.name, request.Entry->Name);
  const std::uint64_t expected = request.Entry->ModifyIndex;
  if (request.Op == "delete" || request.Op == "delete-cas") {
    const bool with_index = request.Op == "delete-cas";
    if (with_index && (!before || before->ModifyIndex != expected)) return std::optional(false);
    Result<> erased = tx.atomically([&] { return erase(tx, kind, request.Entry->Name); });
    if (!erased) return erased.error();
    return with_index ? std::optional(true) : std::optional<bool>{};
  }
  const bool with_status = request.Op == "upsert-with-status-cas";
  if (with_status || request.Op == "upsert-cas") {
    // Index 0 says that there must be none yet.
    if ((expected == 0) != (before == nullptr)) return std::optional(false);
    if (before && before->ModifyIndex != expected) return std::optional(false);
  } else if (request.Op != "upsert") {
    return {Errc::internal, "invalid config entry operation type: " + request.Op};
  }
  Result<> written = tx.atomically([&] { return upsert(tx, std::move(request.Entry), with_status); });
  if (!written) return written.error();
  return std::optional(true);
}

Result<> restore_config_entry(Transaction& tx, std::shared_ptr<ConfigEntry> entry) {
  const std::uint64_t index = entry->ModifyIndex;
  entry->Hash = hash_config_entry(*entry);  // who wrote it may have known less of the kind
  return insert(tx, std::move(entry), index, true);
}

// As the peer's decoder makes a text of a free value.
Result<> compute_protocol(ProxyConfigEntry& entry) {
  entry.Protocol.clear();
  for (const auto& [key, value] : entry.Config) {
    if (lower_case(key) != "protocol") continue;
    entry.Protocol.clear();
    if (const std::string* text = value.as_string()) {
      entry.Protocol = *text;
    } else if (const bool* flag = value.as_bool()) {
      entry.Protocol = *flag ? "1" : "0";
    } else if (value.as_list() || value.as_map()) {
      return {Errc::internal, "1 error(s) decoding:\n\n* 'protocol' expected type 'string', got unconvertible type '" +
                                  std::string(value.as_map() ? "map[string]interface {}" : "[]interface {}") + "'"};
    } else if (value != base::Value{}) {
      base::append_json_number(entry.Protocol, value.number());
    }
    if (key == "protocol") break;  // the exact spelling counts before others
  }
  return {};
}

const ConfigEntry* find_config_entry(const Tables& tables, std::string_view kind, std::string_view name) {
  const auto* row = tables.config_entries.get(index_key({kind, name}));
  return row ? row->entry.get() : nullptr;
}

std::vector<const ConfigEntry*> list_config_entries(const Tables& tables, std::string_view kind) {
  std::vector<const ConfigEntry*> entries;
  const std::string below = kind.empty() ? std::string{} : index_key({kind});
  for (const auto [key, row] : tables.config_entries.prefix(below)) entries.push_back(row->entry.get());
  return entries;
}

std::vector<const ConfigEntry*> config_entries_naming(const Tables& tables, std::string_view service) {
  std::vector<const ConfigEntry*> entries;
  for (const auto [key, row] : tables.config_entry_links.prefix(index_key({service}))) {
    entries.push_back(row->entry.get());
  }
  return entries;
}

std::vector<std::string> related_services(const ConfigEntry& entry) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) { names.insert(name.empty() ? entry.Name : name); };
  if (const auto* router = entry_as<ServiceRouterConfigEntry>(&entry)) {
    names.insert(entry.Name);
    for (const ServiceRoute& route : router->Routes) {
      if (route.Destination) add(route.Destination->Service);
    }
  } else if (const auto* splitter = entry_as<ServiceSplitterConfigEntry>(&entry)) {
    for (const ServiceSplit& split : splitter->Splits) add(split.Service);
    names.erase(entry.Name);
  } else if (const auto* resolver = entry_as<ServiceResolverConfigEntry>(&entry)) {
    if (resolver->Redirect) add(resolver->Redirect->Service);
    for (const auto& [subset, failover] : resolver->Failover) {
      if (failover.Targets.empty()) add(failover.Service);
      for (const auto& target : failover.Targets) {
        if (target.Peer.empty()) add(target.Service);
      }
    }
    names.erase(entry.Name);
  } else if (const auto* ingress = entry_as<IngressGatewayConfigEntry>(&entry)) {
    for (const IngressListener& listener : ingress->Listeners) {
      for (const IngressService& service : listener.Services) {
        if (service.Name != "*") names.insert(service.Name);
      }
    }
  } else if (const auto* bound = entry_as<BoundAPIGatewayConfigEntry>(&entry)) {
    for (const auto& [service, routes] : bound->Services) names.insert(service);
  }
  return {names.begin(), names.end()};
}

}  // namespace proconsul::catalog
