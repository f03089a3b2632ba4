#include "catalog/registry/settings.h"

#include "base/quote.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Result;

namespace {

constexpr std::string_view kSystemMetadata = "system-metadata";
constexpr std::string_view kAutopilot = "autopilot-config";  // what watches of the configuration are called

void put(Transaction& tx, const SystemMetadataEntry& entry) {
  const std::string key = index_key({entry.Key});
  tx.tables().system_metadata.insert(key, base::make_row(entry));
  tx.touch(Topic::system, key);
}

}  // namespace

std::optional<bool> apply_autopilot(Transaction& tx, AutopilotSetConfigRequest request) {
  const AutopilotConfig* old = tx.tables().autopilot.get({});
  AutopilotConfig& config = request.Config;
  if (request.CAS && (!old || old->ModifyIndex != config.ModifyIndex)) return false;
  config.CreateIndex = old ? old->CreateIndex : tx.index();
  config.ModifyIndex = tx.index();
  restore_autopilot(tx, config);
  return request.CAS ? std::optional(true) : std::nullopt;
}

void restore_autopilot(Transaction& tx, const AutopilotConfig& config) {
  tx.tables().autopilot.insert({}, base::make_row(config));
  tx.touch(Topic::index, kAutopilot);
}

const AutopilotConfig* autopilot_config(const Tables& tables, base::KeySet* watch) {
  watch_key(watch, Topic::index, kAutopilot);
  return tables.autopilot.get({});
}

Result<std::optional<bool>> apply_system_metadata(Transaction& tx, SystemMetadataRequest request) {
  if (request.Op != "upsert" && request.Op != "delete") {
    return {Errc::internal, "invalid system metadata operation type: " + request.Op};
  }
  if (!request.Entry) return {Errc::internal, "missing key on system metadata"};
  SystemMetadataEntry& entry = *request.Entry;
  const std::string key = index_key({entry.Key});
  if (request.Op == "delete") {
    if (tx.tables().system_metadata.erase(key)) {
      tx.touch(Topic::system, key);
      tx.set_index(kSystemMetadata);
    }
    return std::optional<bool>{};
  }
  if (entry.Key.empty()) return {Errc::internal, "missing key on system metadata"};
  const SystemMetadataEntry* old = tx.tables().system_metadata.get(key);
  entry.CreateIndex = old ? old->CreateIndex : tx.index();
  entry.ModifyIndex = tx.index();
  put(tx, entry);
  tx.set_index(kSystemMetadata);
  return std::optional(true);
}

void restore_system_metadata(Transaction& tx, const SystemMetadataEntry& entry) {
  put(tx, entry);
  tx.raise_index(kSystemMetadata, entry.ModifyIndex);
}

std::string_view system_metadata(const Tables& tables, std::string_view key) {
  const SystemMetadataEntry* entry = tables.system_metadata.get(index_key({key}));
  return entry ? std::string_view(entry->Value) : std::string_view{};
}

}  // namespace proconsul::catalog
