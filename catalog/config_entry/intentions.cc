#include "catalog/config_entry/intentions.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/rules.h"
#include "catalog/config_entry/validate.h"
#include "catalog/registry/settings.h"
#include "catalog/store/key.h"
#include "catalog/store/uuid_key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;
using EntryPtr = std::shared_ptr<ServiceIntentionsConfigEntry>;

namespace {

/// By which older servers compared intentions with IDs: BLAKE2b-256 of what a person can change.
base::Bytes hash_of(const Intention& intention) {
  std::string text = intention.ID + intention.Description + intention.SourceNS + intention.SourceName +
                     intention.DestinationNS + intention.DestinationName + intention.SourceType + intention.Action;
  const auto precedence = static_cast<std::uint64_t>(intention.Precedence);
  for (int i = 0; i < 8; ++i) text += static_cast<char>(precedence >> (8 * i));
  for (const auto& [key, value] : intention.Meta) text.append(key).append(value);
  base::Bytes hash{std::string(32, '\0')};
  crypto_generichash_blake2b(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                             reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return hash;
}

Error failed(std::string text) {
  return {Errc::internal, std::move(text)};
}

Result<> check_tenant(std::string_view name, std::string_view what, std::string_view feature) {
  if (name.empty() || lower_case(name) == kDefaultNamespace) return {};
  return failed(std::string(what) + " " + base::quote(name) + ": " + std::string(feature) +
                " is a Consul Enterprise feature");
}

EntryPtr entry_of(const std::string& destination) {
  EntryPtr entry = std::static_pointer_cast<ServiceIntentionsConfigEntry>(*make_config_entry(kind::kServiceIntentions));
  entry->Name = destination;
  return entry;
}

const ServiceIntentionsConfigEntry* find_entry(const Tables& tables, const std::string& destination) {
  return find_config_entry<ServiceIntentionsConfigEntry>(tables, kind::kServiceIntentions, destination);
}

/// Writes an entry whose sources have changed, or, if none is left, deletes it.
Result<> put(Transaction& tx, EntryPtr entry, bool with_ids) {
  ConfigEntryRequest request;
  request.Op = entry->Sources.empty() ? "delete" : "upsert";
  if (!entry->Sources.empty()) {
    Result<> valid = with_ids ? normalize_intentions_with_ids(*entry) : normalize_config_entry(*entry);
    if (valid) valid = with_ids ? validate_intentions_with_ids(*entry) : validate_config_entry(*entry);
    if (!valid) return valid;
    if (!with_ids) {
      for (auto& source : entry->Sources) source->LegacyMeta.reset();  // empty, and then absent
    }
  }
  request.Entry = std::move(entry);
  const auto done = apply_config_entry(tx, std::move(request));
  return done ? Result<>{} : Result<>{done.error()};
}

/// Whoever edits an entry as a whole takes the IDs out of it.
Result<> may_edit_by_id(const ServiceIntentionsConfigEntry& entry) {
  if (std::ranges::all_of(entry.Sources, [](const auto& source) { return source && !source->LegacyID.empty(); })) {
    return {};
  }
  return failed("cannot use legacy intention API to edit intentions with a destination of " + base::quote(entry.Name) +
                " after editing them via a service-intentions config entry");
}

// The peer does not look at who exports the service: every server has to find the same source.
auto find_source(ServiceIntentionsConfigEntry& entry, const std::string& name) {
  return std::ranges::find_if(entry.Sources, [&](const auto& source) { return source && source->Name == name; });
}
auto find_source_with_id(ServiceIntentionsConfigEntry& entry, const std::string& id) {
  return std::ranges::find_if(entry.Sources, [&](const auto& source) { return source && source->LegacyID == id; });
}

Result<> create(Transaction& tx, IntentionMutation mutation) {
  const ServiceIntentionsConfigEntry* before = find_entry(tx.tables(), mutation.Destination.Name);
  if (before) {
    if (Result<> may = may_edit_by_id(*before); !may) return may;
  }
  EntryPtr entry =
      before ? std::make_shared<ServiceIntentionsConfigEntry>(*before) : entry_of(mutation.Destination.Name);
  entry->Sources.push_back(std::move(mutation.Value));
  return put(tx, std::move(entry), true);
}

Result<> upsert(Transaction& tx, IntentionMutation mutation) {
  const ServiceIntentionsConfigEntry* before = find_entry(tx.tables(), mutation.Destination.Name);
  EntryPtr entry =
      before ? std::make_shared<ServiceIntentionsConfigEntry>(*before) : entry_of(mutation.Destination.Name);
  if (const auto same = find_source(*entry, mutation.Source.Name); same != entry->Sources.end()) {
    *same = std::move(mutation.Value);
  } else {
    entry->Sources.push_back(std::move(mutation.Value));
  }
  return put(tx, std::move(entry), false);
}

Result<> erase(Transaction& tx, const IntentionMutation& mutation) {
  const ServiceIntentionsConfigEntry* before = find_entry(tx.tables(), mutation.Destination.Name);
  if (!before) return {};
  EntryPtr entry = std::make_shared<ServiceIntentionsConfigEntry>(*before);
  const auto found = find_source(*entry, mutation.Source.Name);
  if (found == entry->Sources.end()) return {};
  entry->Sources.erase(found);
  return put(tx, std::move(entry), false);
}

/// Replaces the source with this ID, or, without a value, takes it out.
Result<> change_by_id(Transaction& tx, IntentionMutation mutation, std::string_view what) {
  const Result<FoundSource> found = find_source_by_id(tx.tables(), mutation.ID);
  if (!found) return failed("Intention lookup failed: " + found.error().detail);
  if (!found->entry) return failed("Cannot " + std::string(what) + " non-existent intention: '" + mutation.ID + "'");
  if (Result<> may = may_edit_by_id(*found->entry); !may) return may;
  EntryPtr entry = std::make_shared<ServiceIntentionsConfigEntry>(*found->entry);
  const auto source = find_source_with_id(*entry, mutation.ID);
  if (mutation.Value) {
    *source = std::move(mutation.Value);
  } else {
    entry->Sources.erase(source);
  }
  return put(tx, std::move(entry), true);
}

}  // namespace

Result<> check_intention_namespace(std::string_view name, std::string_view what) {
  return check_tenant(name, what, "Namespaces");
}

Result<> check_intention_partition(std::string_view name, std::string_view what) {
  return check_tenant(name, what, "Partitions");
}

Intention to_intention(const ServiceIntentionsConfigEntry& entry, const SourceIntention& source) {
  Intention intention;
  static_cast<RaftIndex&>(intention) = entry;
  intention.ID = source.LegacyID;
  intention.Description = source.Description;
  intention.SourcePeer = source.Peer;
  intention.SourceSamenessGroup = source.SamenessGroup;
  intention.SourceNS = kDefaultNamespace;
  intention.SourceName = source.Name;
  intention.SourceType = source.Type;
  intention.JWT = entry.JWT;
  intention.Action = source.Action;
  intention.Permissions = source.Permissions;
  intention.Meta = source.LegacyID.empty() ? entry.Meta : source.LegacyMeta;
  intention.Precedence = source.Precedence;
  intention.DestinationNS = kDefaultNamespace;
  intention.DestinationName = entry.Name;
  if (source.LegacyCreateTime) intention.CreatedAt = *source.LegacyCreateTime;
  if (source.LegacyUpdateTime) intention.UpdatedAt = *source.LegacyUpdateTime;
  if (!source.LegacyID.empty()) intention.Hash = hash_of(intention);
  return intention;
}

SourceIntention to_source(const Intention& intention, bool by_id) {
  SourceIntention source;
  source.Name = intention.SourceName;
  source.Peer = intention.SourcePeer;
  source.SamenessGroup = intention.SourceSamenessGroup;
  source.Action = intention.Action;
  if (!by_id) source.Permissions = intention.Permissions;
  source.LegacyID = intention.ID;
  source.Type = intention.SourceType;
  source.Description = intention.Description;
  source.LegacyMeta = intention.Meta;
  return source;
}

Result<FoundSource> find_source_by_id(const Tables& tables, std::string_view id) {
  if (const Result<std::string> bytes = uuid_key(id); !bytes) {
    return failed("failed config entry lookup: index error: " + bytes.error().detail);
  }
  for (const ConfigEntry* entry : list_config_entries(tables, kind::kServiceIntentions)) {
    const auto* intentions = entry_as<ServiceIntentionsConfigEntry>(entry);
    for (const auto& source : intentions->Sources) {
      if (source && source->LegacyID == id) return FoundSource{intentions, source.get()};
    }
  }
  return FoundSource{};
}

bool intentions_are_entries(const Tables& tables) {
  return system_metadata(tables, "intention-format") == "config-entry";
}

Result<> validate_intention_with_id(const Intention& intention) {
  rules::Faults faults;
  const std::pair<const char*, const std::string&> names[] = {{"SourceName", intention.SourceName},
                                                              {"DestinationName", intention.DestinationName}};
  for (const auto& [field, name] : names) {
    if (name.empty()) faults.add(std::string(field) + " must be set");
  }
  for (const auto& [field, name] : names) {
    if (name != "*" && name.find('*') != std::string::npos) {
      faults.add(std::string(field) + ": wildcard character '*' cannot be used with partial values");
    }
  }
  if (intention.Description.size() > rules::kLongestText) {
    faults.add("Description exceeds maximum length " + std::to_string(rules::kLongestText));
  }
  faults.add_meta(intention.Meta);
  if (intention.Action != "allow" && intention.Action != "deny") faults.add("Action must be set to 'allow' or 'deny'");
  if (!intention.Permissions.empty()) faults.add("Permissions must not be set when using the legacy APIs");
  if (intention.SourceType != "consul") faults.add("SourceType must be set to 'consul'");
  return faults.result();
}

Result<> apply_intention_mutation(Transaction& tx, std::string_view op, IntentionMutation mutation) {
  if (!intentions_are_entries(tx.tables())) {
    return failed("state: IntentionMutation() is not allowed when intentions are not stored in config entries");
  }
  const bool writes = op == "create" || op == "update" || op == "upsert";
  if (!writes && op != "delete") {
    return failed("Invalid Intention mutation operation '" + std::string(op) + "'");
  }
  if (writes != static_cast<bool>(mutation.Value)) return failed("the intention is missing, or there is one too many");
  if (op == "create") return create(tx, std::move(mutation));
  if (op == "upsert") return upsert(tx, std::move(mutation));
  if (op == "update") return change_by_id(tx, std::move(mutation), "modify");
  return mutation.ID.empty() ? erase(tx, mutation) : change_by_id(tx, std::move(mutation), "delete");
}

}  // namespace proconsul::catalog
