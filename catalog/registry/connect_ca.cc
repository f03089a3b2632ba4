#include "catalog/registry/connect_ca.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr std::string_view kRoots = "connect-ca-roots";
constexpr std::string_view kBuiltin = "connect-ca-builtin";
constexpr std::string_view kSerial = "connect-ca-builtin-serial";
constexpr std::string_view kConfig = "connect-ca-config";  // what watches of the configuration are called

/// Gives the row the index of its first write and this one's.
void stamp(Transaction& tx, const RaftIndex* old, RaftIndex& row) {
  row.CreateIndex = old ? old->CreateIndex : tx.index();
  row.ModifyIndex = tx.index();
}

Result<CAApplied> set_roots(Transaction& tx, CARequest& request) {
  const auto active = std::ranges::count_if(request.Roots, [](const auto& root) { return root && root->Active; });
  if (active != 1) return Error{Errc::internal, "there must be exactly one active CA"};
  Tables& tables = tx.tables();
  if (tables.index_of(kRoots) != request.Index) return CAApplied{true};
  std::vector<std::pair<std::string, CARoot>> fresh;
  for (const base::Pointer<CARoot>& root : request.Roots) {
    if (!root || root->ID.empty()) return Error{Errc::internal, "Missing CA root ID"};
    std::string key = index_key({root->ID});
    CARoot row = *root;
    stamp(tx, tables.ca_roots.get(key), row);
    fresh.emplace_back(std::move(key), std::move(row));
  }
  tables.ca_roots.erase_prefix({});
  for (auto& [key, row] : fresh) tables.ca_roots.insert(key, base::make_row(std::move(row)));
  tx.set_index(kRoots);
  return CAApplied{true};
}

void put_config(Transaction& tx, CAConfiguration config) {
  tx.tables().ca_config.insert({}, base::make_row(std::move(config)));
  tx.touch(Topic::index, kConfig);
}

/// With an index the configuration must have that one.
Result<CAApplied> set_config(Transaction& tx, CARequest& request, bool checked) {
  if (!request.Config) return Error{Errc::internal, "missing CA configuration"};
  CAConfiguration config = *request.Config;
  const CAConfiguration* old = tx.tables().ca_config.get({});
  if (checked && config.ModifyIndex != (old ? old->ModifyIndex : 0)) {
    return Error{Errc::internal, "ModifyIndex did not match existing"};
  }
  if (old && config.ClusterID.empty()) config.ClusterID = old->ClusterID;
  stamp(tx, old, config);
  put_config(tx, std::move(config));
  return checked ? CAApplied{true} : CAApplied{};
}

Result<CAApplied> set_provider_state(Transaction& tx, CARequest& request) {
  if (!request.ProviderState) return Error{Errc::internal, "missing CA provider state"};
  CAConsulProviderState state = *request.ProviderState;
  const std::string key = index_key({state.ID});
  stamp(tx, tx.tables().ca_provider_states.get(key), state);
  tx.tables().ca_provider_states.insert(key, base::make_row(std::move(state)));
  tx.set_index(kBuiltin);
  return CAApplied{true};
}

Result<CAApplied> delete_provider_state(Transaction& tx, const CARequest& request) {
  if (!request.ProviderState) return Error{Errc::internal, "missing CA provider state"};
  if (tx.tables().ca_provider_states.erase(index_key({request.ProviderState->ID}))) tx.set_index(kBuiltin);
  return CAApplied{true};
}

/// Serial numbers once were the provider's indexes: they go on from there.
CAApplied next_serial(Transaction& tx) {
  const Tables& tables = tx.tables();
  const std::uint64_t last = tables.indexes.contains(kSerial) ? tables.index_of(kSerial) : tables.index_of(kBuiltin);
  tx.set_index(kSerial, last + 1);
  return last + 1;
}

}  // namespace

Result<CAApplied> apply_connect_ca(Transaction& tx, CARequest request) {
  if (request.Op == "set-roots") return set_roots(tx, request);
  if (request.Op == "set-config") return set_config(tx, request, request.Config && request.Config->ModifyIndex != 0);
  if (request.Op == "set-provider-state") return set_provider_state(tx, request);
  if (request.Op == "delete-provider-state") return delete_provider_state(tx, request);
  if (request.Op == "increment-provider-serial") return next_serial(tx);
  if (request.Op == "set-roots-config") {
    if (Result<CAApplied> roots = set_roots(tx, request); !roots) return roots;
    return set_config(tx, request, true);
  }
  return Error{Errc::internal, "Invalid CA operation '" + request.Op + "'"};
}

const CAConfiguration* ca_configuration(const Tables& tables) {
  return tables.ca_config.get({});
}

const CAConsulProviderState* ca_provider_state(const Tables& tables, std::string_view id) {
  return tables.ca_provider_states.get(index_key({id}));
}

const CARoot* active_ca_root(const Tables& tables) {
  for (const auto [key, root] : tables.ca_roots.prefix({})) {
    if (root->Active) return root;
  }
  return nullptr;
}

CARootsAnswer ca_roots(const Tables& tables, base::KeySet* watch) {
  watch_key(watch, Topic::index, kRoots);
  watch_key(watch, Topic::index, kConfig);
  CARootsAnswer answer{.roots_index = tables.index_of(kRoots), .configuration = ca_configuration(tables)};
  answer.index = std::max(answer.roots_index, answer.configuration ? answer.configuration->ModifyIndex : 0);
  for (const auto [key, root] : tables.ca_roots.prefix({})) answer.roots.push_back(root);
  return answer;
}

void restore_ca_root(Transaction& tx, CARoot root) {
  tx.raise_index(kRoots, root.ModifyIndex);
  const std::string key = index_key({root.ID});
  tx.tables().ca_roots.insert(key, base::make_row(std::move(root)));
}

void restore_ca_config(Transaction& tx, CAConfiguration config) {
  if (config.Provider.empty()) return;  // a blank one, as old archives have it
  put_config(tx, std::move(config));
}

void restore_ca_provider_state(Transaction& tx, CAConsulProviderState state) {
  tx.raise_index(kBuiltin, state.ModifyIndex);
  const std::string key = index_key({state.ID});
  tx.tables().ca_provider_states.insert(key, base::make_row(std::move(state)));
}

}  // namespace proconsul::catalog
