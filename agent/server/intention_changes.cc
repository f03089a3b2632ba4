#include "agent/server/intention_changes.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/uuid.h"
#include "catalog/acl/builtin.h"
#include "catalog/commands.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/intentions.h"
#include "catalog/query/intentions.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::Intention;
using catalog::IntentionMutation;
using catalog::Tables;

namespace {

const base::log::Logger kLog("agent.server.intentions");

/// Nothing: it is so already.
using Decided = Result<std::optional<IntentionMutation>>;

Error failed(std::string text) {
  return {Errc::internal, std::move(text)};
}

/// Consul names neither token nor permission here.
Result<> may_write(const tokens::Who& who, const Intention& intention, std::string_view what) {
  const std::string& destination = intention.DestinationName;
  if (!destination.empty() && who->allows(acl::Resource::intention, destination, acl::Access::write)) return {};
  kLog.debug("Intention change denied due to ACLs", {{"operation", what},
                                                     {"source", intention.SourceName},
                                                     {"destination", destination},
                                                     {"accessorID", who.accessor}});
  // With neither name it is no question of permissions, although clients are told so.
  const bool nameless = destination.empty() && intention.SourceName.empty();
  return {Errc::permission_denied, nameless
                                       ? "Permission denied: the intention names neither SourceName nor DestinationName"
                                       : "Permission denied"};
}

void fill_in(Intention& intention) {
  if (intention.SourceNS.empty()) intention.SourceNS = catalog::kDefaultNamespace;
  if (intention.DestinationNS.empty()) intention.DestinationNS = catalog::kDefaultNamespace;
  intention.SourcePartition.clear();
  intention.DestinationPartition.clear();
}

/// The source of an intention that is written by its ID, which has to be right by itself.
Result<catalog::SourceIntention> source_with_id(Intention& intention) {
  if (intention.SourceType.empty()) intention.SourceType = "consul";
  Result<> valid = catalog::check_intention_namespace(intention.SourceNS, "Invalid source namespace");
  if (valid) valid = catalog::check_intention_namespace(intention.DestinationNS, "Invalid destination namespace");
  if (valid) valid = catalog::validate_intention_with_id(intention);
  if (!valid) return valid.error();
  catalog::SourceIntention source = catalog::to_source(intention, true);
  // When it was made is kept of one that there is already.
  source.LegacyCreateTime = source.LegacyUpdateTime = base::system_clock().wall();
  return source;
}

Result<std::optional<Intention>> find_by_id(const Tables& tables, std::string_view id) {
  const Result<catalog::FoundSource> found = catalog::find_source_by_id(tables, id);
  if (!found) return failed("Intention lookup failed: " + found.error().detail);
  if (!found->entry) return std::optional<Intention>{};
  return std::optional(catalog::to_intention(*found->entry, *found->source));
}

Result<std::string> new_id(const Tables& tables) {
  for (;;) {
    std::string id = base::generate_uuid(base::system_random());
    const Result<std::optional<Intention>> taken = find_by_id(tables, id);
    if (!taken) return taken.error();
    if (!*taken) return id;
  }
}

Decided create(const Tables& tables, const tokens::Who& who, Intention& intention) {
  fill_in(intention);
  if (Result<> may = may_write(who, intention, "create"); !may) return may.error();
  if (!intention.ID.empty()) return failed("ID must be empty when creating a new intention");
  Result<std::string> id = new_id(tables);
  if (!id) return id.error();
  intention.ID = std::move(*id);
  Result<catalog::SourceIntention> source = source_with_id(intention);
  if (!source) return source.error();
  IntentionMutation mutation;
  mutation.Destination.Name = intention.DestinationName;
  mutation.Value = std::move(*source);
  return std::optional(std::move(mutation));
}

Decided update(const Tables& tables, const tokens::Who& who, Intention& intention) {
  const Result<std::optional<Intention>> before = find_by_id(tables, intention.ID);
  if (!before) return before.error();
  if (!*before) return failed("Cannot modify non-existent intention: '" + intention.ID + "'");
  if (Result<> may = may_write(who, **before, "update"); !may) return may.error();
  fill_in(intention);
  if ((*before)->DestinationName != intention.DestinationName) {
    return failed("Cannot modify Destination partition/namespace/name for an intention once it exists.");
  }
  Result<catalog::SourceIntention> source = source_with_id(intention);
  if (!source) return source.error();
  IntentionMutation mutation;
  mutation.ID = intention.ID;
  mutation.Value = std::move(*source);
  return std::optional(std::move(mutation));
}

Decided upsert(const Tables& tables, const tokens::Who& who, Intention& intention) {
  if (!intention.ID.empty()) return failed("ID must not be specified");
  fill_in(intention);
  if (Result<> may = may_write(who, intention, "upsert"); !may) return may.error();
  // Metadata belong to the whole entry; who read an intention may send back what it showed of them.
  const catalog::ConfigEntry* before =
      catalog::find_config_entry(tables, catalog::kind::kServiceIntentions, intention.DestinationName);
  if (!before && !intention.Meta.empty()) return failed("Meta must not be specified");
  if (!intention.Meta.empty() && before->Meta != intention.Meta) {
    return failed("Meta must not be specified, or should be unchanged during an update.");
  }
  intention.Meta.reset();
  IntentionMutation mutation;
  mutation.Destination.Name = intention.DestinationName;
  mutation.Source.Name = intention.SourceName;
  mutation.Value = catalog::to_source(intention, false);
  return std::optional(std::move(mutation));
}

Decided erase_by_id(const Tables& tables, const tokens::Who& who, const Intention& intention) {
  const Result<std::optional<Intention>> before = find_by_id(tables, intention.ID);
  if (!before) return before.error();
  if (!*before) return failed("Cannot delete non-existent intention: '" + intention.ID + "'");
  if (Result<> may = may_write(who, **before, "delete"); !may) return may.error();
  IntentionMutation mutation;
  mutation.ID = intention.ID;
  return std::optional(std::move(mutation));
}

Decided erase(const Tables& tables, const tokens::Who& who, Intention& intention) {
  fill_in(intention);
  if (Result<> may = may_write(who, intention, "delete"); !may) return may.error();
  const Result<catalog::IntentionsAnswer> before =
      catalog::intention_between(tables, intention.SourceName, intention.DestinationName, {}, nullptr);
  if (!before) return failed("Intention lookup failed: " + before.error().detail);
  if (before->intentions.empty()) return std::optional<IntentionMutation>{};
  IntentionMutation mutation;
  mutation.Destination.Name = intention.DestinationName;
  mutation.Source.Name = intention.SourceName;
  return std::optional(std::move(mutation));
}

Decided decide(const Tables& tables, const tokens::Who& who, const std::string& op, Intention& intention) {
  if (op == "create") return create(tables, who, intention);
  if (op == "update") return update(tables, who, intention);
  if (op == "upsert") return upsert(tables, who, intention);
  if (op == "delete") return intention.ID.empty() ? erase(tables, who, intention) : erase_by_id(tables, who, intention);
  return failed("Invalid Intention operation: " + op);
}

}  // namespace

void change_intention(Server& server, const tokens::Who& who, catalog::IntentionChange change,
                      Answered<std::string> done) {
  static const auto kTimes = base::metrics::sample("intention.apply", {}, "Time that a change of an intention takes.");
  const auto begun = std::chrono::steady_clock::now();
  const auto view = server.view();
  Intention intention = change.Intention ? std::move(*change.Intention) : Intention{};
  if (!intention.SourcePeer.empty()) {
    return done(failed("SourcePeer field is not supported on this endpoint. Use config entries instead"));
  }
  if (!catalog::intentions_are_entries(view->tables())) {
    return done(failed("Intentions are read only while being upgraded to config entries"));
  }
  if (change.Mutation) return done(failed("Mutation field is internal only and must not be set via RPC"));
  Decided mutation = decide(view->tables(), who, change.Op, intention);
  if (!mutation) return done(mutation.error());
  if (!*mutation) return done(std::string());
  change.Intention.reset();
  change.Mutation = std::move(**mutation);
  change.Token.clear();
  server.apply(catalog::encode_command(catalog::Command::intention, change),
               [done = std::move(done), id = intention.ID, begun](Result<catalog::ApplyResult> result) mutable {
                 kTimes.add_since(begun);
                 if (!result) return done(result.error());
                 if (const Error* error = result->error()) return done(*error);
                 done(std::move(id));
               });
}

}  // namespace proconsul::agent::server
