// Config entries in the store: what commands do to them, and how they are found.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/store/store.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

struct ProxyConfigEntry;  // types/config_services.h

/// True for an upsert, whether it happened for one with an index, nothing for a delete.
base::Result<std::optional<bool>> apply_config_entry(Transaction& tx, ConfigEntryRequest request);
/// Its hash is taken anew. An error: an entry that this edition does not have.
base::Result<> restore_config_entry(Transaction& tx, std::shared_ptr<ConfigEntry> entry);

/// Sets Protocol from what Config says; an error if that is no word.
base::Result<> compute_protocol(ProxyConfigEntry& entry);

/// Null if there is none. The name in any letter case.
const ConfigEntry* find_config_entry(const Tables& tables, std::string_view kind, std::string_view name);
template <class T>
const T* find_config_entry(const Tables& tables, std::string_view kind, std::string_view name) {
  return entry_as<T>(find_config_entry(tables, kind, name));
}
/// All of a kind, or with an empty one all that there are: by kind, then by name.
std::vector<const ConfigEntry*> list_config_entries(const Tables& tables, std::string_view kind);
/// Entries that name this service: routers, splitters, resolvers and gateways.
std::vector<const ConfigEntry*> config_entries_naming(const Tables& tables, std::string_view service);

/// The services that a router, splitter, resolver or gateway names, sorted. A router names its own service, too.
std::vector<std::string> related_services(const ConfigEntry& entry);

}  // namespace proconsul::catalog
