#include "catalog/query/intentions.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/intentions.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr std::string_view kEverybody = "*";

std::uint64_t index_of_entries(const Tables& tables) {
  return std::max<std::uint64_t>(tables.index_of("config-entries"), 1);
}

void watch_all(base::KeySet* watch) {
  watch_below(watch, Topic::config_entry, index_key({kind::kServiceIntentions}));
}

const ServiceIntentionsConfigEntry* find_entry(const Tables& tables, std::string_view destination,
                                               base::KeySet* watch) {
  watch_key(watch, Topic::config_entry, index_key({kind::kServiceIntentions, destination}));
  return find_config_entry<ServiceIntentionsConfigEntry>(tables, kind::kServiceIntentions, destination);
}

void sort_by_precedence(Intentions& intentions) {
  const auto rank = [](const Intention& one) {
    return std::tie(one.SourceSamenessGroup, one.SourcePeer, one.SourceName, one.DestinationName);
  };
  std::ranges::sort(intentions, [&](const auto& a, const auto& b) {
    return a->Precedence != b->Precedence ? a->Precedence > b->Precedence : rank(*a) < rank(*b);
  });
}

template <class Takes>
void take_sources(const ServiceIntentionsConfigEntry& entry, Intentions& intentions, Takes takes) {
  for (const auto& source : entry.Sources) {
    if (source && takes(*source)) intentions.emplace_back(to_intention(entry, *source));
  }
}

constexpr auto kEverySource = [](const SourceIntention&) { return true; };

/// Whether intentions to it are about targets of this kind. Who has instances is a service, whatever its defaults say.
bool leads_to(const Tables& tables, const std::string& destination, IntentionTarget target) {
  const bool is_service = static_cast<bool>(tables.instances.prefix(index_key({peer_part({}), destination})));
  const auto* defaults =
      is_service ? nullptr : find_config_entry<ServiceConfigEntry>(tables, kind::kServiceDefaults, destination);
  const bool is_outside = defaults && defaults->Destination;
  if (target == IntentionTarget::service) return !is_outside;
  return is_outside || destination == kEverybody;
}

}  // namespace

IntentionsAnswer list_intentions(const Tables& tables, base::KeySet* watch) {
  IntentionsAnswer answer{.index = tables.index_of("config-entries")};
  watch_all(watch);
  for (const ConfigEntry* entry : list_config_entries(tables, kind::kServiceIntentions)) {
    take_sources(*entry_as<ServiceIntentionsConfigEntry>(entry), answer.intentions, kEverySource);
  }
  sort_by_precedence(answer.intentions);
  return answer;
}

Result<IntentionsAnswer> intention_by_id(const Tables& tables, std::string_view id, base::KeySet* watch) {
  const Result<FoundSource> found = find_source_by_id(tables, id);
  if (!found) return found.error();
  IntentionsAnswer answer{.index = index_of_entries(tables)};
  watch_all(watch);
  if (found->entry) answer.intentions.emplace_back(to_intention(*found->entry, *found->source));
  return answer;
}

Result<IntentionsAnswer> intention_between(const Tables& tables, std::string_view source, std::string_view destination,
                                           std::string_view peer, base::KeySet* watch) {
  std::string missing;
  if (source.empty()) missing += "\n\t* SourceName is missing";
  if (destination.empty()) missing += "\n\t* DestinationName is missing";
  if (!missing.empty()) {
    const bool both = source.empty() && destination.empty();
    return Error{Errc::internal, (both ? "2 errors occurred:" : "1 error occurred:") + missing + "\n\n"};
  }
  IntentionsAnswer answer{.index = tables.index_of("config-entries")};
  if (const auto* entry = find_entry(tables, destination, watch)) {
    take_sources(*entry, answer.intentions,
                 [&](const SourceIntention& one) { return one.Name == source && one.Peer == peer; });
  }
  return answer;
}

IntentionsAnswer match_intentions(const Tables& tables, IntentionSide side, const std::string& name,
                                  IntentionTarget target, base::KeySet* watch) {
  IntentionsAnswer answer{.index = tables.index_of("config-entries")};
  const std::set<std::string_view> names{name, kEverybody};
  if (side == IntentionSide::destination) {
    for (const std::string_view destination : names) {
      if (const auto* entry = find_entry(tables, destination, watch)) {
        take_sources(*entry, answer.intentions, kEverySource);
      }
    }
  } else {
    watch_all(watch);
    for (const ConfigEntry* entry : list_config_entries(tables, kind::kServiceIntentions)) {
      const auto& intentions = *entry_as<ServiceIntentionsConfigEntry>(entry);
      // Who is called so elsewhere is somebody else.
      const auto is_meant = [&](const SourceIntention& one) { return one.Peer.empty() && names.contains(one.Name); };
      const bool some = std::ranges::any_of(intentions.Sources, [&](const auto& one) { return one && is_meant(*one); });
      if (!some || !leads_to(tables, intentions.Name, target)) continue;
      take_sources(intentions, answer.intentions, is_meant);
    }
  }
  sort_by_precedence(answer.intentions);
  return answer;
}

bool covers(const Intention& intention, IntentionSide side, std::string_view name, std::string_view peer) {
  if (side == IntentionSide::destination) {
    return intention.DestinationName == kEverybody || intention.DestinationName == name;
  }
  return intention.SourcePeer == peer && (intention.SourceName == kEverybody || intention.SourceName == name);
}

namespace {

/// Null: there is none.
IntentionDecisionSummary summary_of(const Intention* intention, DecisionRules rules) {
  IntentionDecisionSummary summary{.Allowed = rules.default_allow, .DefaultAllow = rules.default_allow};
  if (!intention) return summary;
  summary.HasPermissions = !intention->Permissions.empty();
  summary.Allowed = summary.HasPermissions ? rules.allow_permissions : intention->Action == "allow";
  if (const auto by = intention->Meta.find("external-source"); by != intention->Meta.end()) {
    summary.ExternalSource = by->second;
  }
  summary.HasExact = intention->SourceName != kEverybody && intention->DestinationName != kEverybody;
  return summary;
}

}  // namespace

IntentionDecisionSummary decide(const Intentions& intentions, IntentionSide side, std::string_view name,
                                DecisionRules rules) {
  const auto found = std::ranges::find_if(intentions, [&](const auto& one) { return covers(*one, side, name); });
  return summary_of(found == intentions.end() ? nullptr : found->get(), rules);
}

Decisions::Decisions(const Intentions& intentions, IntentionSide side) : intentions_(intentions) {
  for (std::size_t i = 0; i < intentions.size(); ++i) {
    const Intention& one = *intentions[i];
    const std::string& name = side == IntentionSide::destination ? one.DestinationName : one.SourceName;
    if (covers(one, side, name)) first_.emplace(name, i);
  }
}

IntentionDecisionSummary Decisions::of(std::string_view name, DecisionRules rules) const {
  std::size_t first = intentions_.size();
  for (const std::string_view known : {name, kEverybody}) {
    if (const auto found = first_.find(known); found != first_.end()) first = std::min(first, found->second);
  }
  return summary_of(first < intentions_.size() ? intentions_[first].get() : nullptr, rules);
}

TopologyAnswer intention_topology(const Tables& tables, const std::string& service, bool downstreams,
                                  bool default_allow, IntentionTarget target, base::KeySet* watch) {
  const IntentionSide own = downstreams ? IntentionSide::destination : IntentionSide::source;
  const IntentionsAnswer matched = match_intentions(tables, own, service, target, watch);
  return intention_topology(tables, matched, service, downstreams, default_allow, target, watch);
}

TopologyAnswer intention_topology(const Tables& tables, const IntentionsAnswer& matched, const std::string& service,
                                  bool downstreams, bool default_allow, IntentionTarget target, base::KeySet* watch) {
  TopologyAnswer answer{.index = matched.index};
  std::set<std::string> candidates;
  const auto take_kind = [&](std::string_view kind) {
    const std::string index = std::string("kind_service_names.").append(kind_text(kind));
    watch_key(watch, Topic::index, index);
    answer.index = std::max(answer.index, tables.index_of(index));
    for (const auto [key, row] : tables.kind_service_names.prefix(index_key({kind}))) candidates.insert(row->Service);
  };
  if (target == IntentionTarget::destination) {
    take_kind("destination");
  } else {
    take_kind(kKindTypical);
    if (downstreams) {
      take_kind(kKindIngressGateway);  // nobody calls those
    } else {
      // A service without instances, to which others lead, may be called as well.
      constexpr std::string_view kVirtualIps = "service-virtual-ips";
      watch_key(watch, Topic::index, kVirtualIps);
      answer.index = std::max(answer.index, tables.index_of(kVirtualIps));
      for (const auto [key, row] : tables.virtual_ips.all()) candidates.insert(row->Service.ServiceName.Name);
    }
  }
  candidates.erase(std::string(kConsulServiceName));
  candidates.erase(service);
  const Decisions decisions(matched.intentions, downstreams ? IntentionSide::source : IntentionSide::destination);
  for (const std::string& candidate : candidates) {
    IntentionDecisionSummary decision =
        decisions.of(candidate, {.default_allow = default_allow, .allow_permissions = true});
    if (decision.Allowed) answer.services.push_back({candidate, std::move(decision)});
  }
  return answer;
}

}  // namespace proconsul::catalog
