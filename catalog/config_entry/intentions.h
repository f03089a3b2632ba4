// Intentions within the service-intentions entries of their destinations: single ones as the API shows them, and what
// command 12 does to them. Those that were written one by one, before there were entries or by an old client, have IDs
// and a creation date; an entry has either such sources only, or none.
#pragma once

#include <string_view>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/config_intentions.h"
#include "catalog/types/intention.h"

namespace proconsul::catalog {

/// The only namespace of this edition.
inline constexpr std::string_view kDefaultNamespace = "default";
/// An error if it is another one, in any letter case; it begins with `what`: "Invalid source namespace".
base::Result<> check_intention_namespace(std::string_view name, std::string_view what);
base::Result<> check_intention_partition(std::string_view name, std::string_view what);

/// One source of an entry.
Intention to_intention(const ServiceIntentionsConfigEntry& entry, const SourceIntention& source);
/// The source that a valid intention becomes. One that is written by its ID keeps no permissions.
SourceIntention to_source(const Intention& intention, bool by_id);

/// Where an intention with an ID is; nulls: nowhere.
struct FoundSource {
  const ServiceIntentionsConfigEntry* entry = nullptr;
  const SourceIntention* source = nullptr;
};
/// Looks through all entries: nothing new should ask by ID. An error: "failed config entry lookup: index error: UUID
/// must be 36 characters" and the like.
base::Result<FoundSource> find_source_by_id(const Tables& tables, std::string_view id);

/// Whether every server has moved its intentions into entries; until then nobody changes them.
bool intentions_are_entries(const Tables& tables);
/// What is wrong with an intention that is to be written by its ID; all faults in one text.
base::Result<> validate_intention_with_id(const Intention& intention);

/// Command 12 with a mutation. Errc::internal, and nothing changed, if the entry would be wrong by itself or beside
/// others.
base::Result<> apply_intention_mutation(Transaction& tx, std::string_view op, IntentionMutation mutation);

}  // namespace proconsul::catalog
