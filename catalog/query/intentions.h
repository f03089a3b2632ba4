// Who may call whom: intentions by name, all that hold for a service, and what they amount to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/tables.h"
#include "catalog/types/intention.h"

namespace proconsul::catalog {

struct IntentionsAnswer {
  std::uint64_t index{};
  Intentions intentions{};  // those that count first come first; nil if there is none
};

/// Everybody is written "*".
IntentionsAnswer list_intentions(const Tables& tables, base::KeySet* watch);
/// One that was written by an ID, or none. An error: that is no ID.
base::Result<IntentionsAnswer> intention_by_id(const Tables& tables, std::string_view id, base::KeySet* watch);
/// The one of these names, or none. `peer` is the source's. An error: a name is missing.
base::Result<IntentionsAnswer> intention_between(const Tables& tables, std::string_view source,
                                                 std::string_view destination, std::string_view peer,
                                                 base::KeySet* watch);

enum class IntentionSide : std::uint8_t { source, destination };
/// What stands at the destination: a service of the mesh, or a place outside of it that service-defaults describe.
enum class IntentionTarget : std::uint8_t { service, destination };

/// All that hold for a service on this side, those of everybody among them. Of sources only what leads to such targets.
IntentionsAnswer match_intentions(const Tables& tables, IntentionSide side, const std::string& name,
                                  IntentionTarget target, base::KeySet* watch);

/// Whether the intention covers a service on this side; `peer` is the source's.
bool covers(const Intention& intention, IntentionSide side, std::string_view name, std::string_view peer = {});

struct DecisionRules {
  bool default_allow = false;      // without an intention
  bool allow_permissions = false;  // where it depends on the request
};
/// What the first of these, which hold for one service, says about another one on the other side.
IntentionDecisionSummary decide(const Intentions& intentions, IntentionSide side, std::string_view name,
                                DecisionRules rules);

/// The same of many services on that side. What it was made of must outlive it.
class Decisions {
 public:
  Decisions(const Intentions& intentions, IntentionSide side);
  IntentionDecisionSummary of(std::string_view name, DecisionRules rules) const;

 private:
  const Intentions& intentions_;
  std::map<std::string_view, std::size_t> first_{};  // the place of the first that names it, or everybody
};

struct ServiceDecision {
  std::string service{};
  IntentionDecisionSummary decision{};
};
struct TopologyAnswer {
  std::uint64_t index{};
  std::vector<ServiceDecision> services{};  // by name
};
/// The services that may call this one, or (upstreams) that it may call.
TopologyAnswer intention_topology(const Tables& tables, const std::string& service, bool downstreams,
                                  bool default_allow, IntentionTarget target, base::KeySet* watch);
/// The same by the intentions that match_intentions() has found for it.
TopologyAnswer intention_topology(const Tables& tables, const IntentionsAnswer& matched, const std::string& service,
                                  bool downstreams, bool default_allow, IntentionTarget target, base::KeySet* watch);

}  // namespace proconsul::catalog
