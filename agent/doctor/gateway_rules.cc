#include <algorithm>
#include <utility>

#include "agent/doctor/walk.h"

namespace proconsul::agent::doctor {
namespace {

std::vector<std::string> wan_addresses(const View& view) {
  std::vector<std::string> all;
  for (const Gateway& gateway : view.Gateways) {
    if (usable(gateway)) all.push_back(gateway.Wan);
  }
  std::ranges::sort(all);
  const auto [from, to] = std::ranges::unique(all);
  all.erase(from, to);
  return all;
}

bool is_no_address(std::string_view address) {
  return address.starts_with("0.0.0.0:") || address.starts_with("[::]:");
}

void look_at_registered(Walk& walk, const View& view) {
  const std::string& datacenter = view.Datacenter;
  for (const Gateway& gateway : view.Gateways) {
    const bool critical = gateway.Health == "critical";
    walk.hop(datacenter, "gateway", gateway.ID + " on " + gateway.Node,
             critical         ? "warn"
             : gateway.Marked ? "ok"
                              : "skipped",
             gateway.Health + (gateway.Marked ? "" : ", takes no part in WAN federation") + ", lan " + gateway.Lan +
                 (gateway.Tagged ? ", wan " + gateway.Wan : ", no wan address of its own"));
    if (gateway.Marked && is_no_address(gateway.Wan)) {
      walk.fault(Rank::needed_gateway, "gateway-wan-address", datacenter,
                 "the mesh gateway " + gateway.ID + " of " + datacenter + " is registered with the wan address " +
                     gateway.Wan + ", which leads nowhere",
                 "Register it with the address and port by which other datacenters reach it (-wan-address).");
    }
  }
  if (std::ranges::any_of(view.Gateways, &usable)) {
    for (const Gateway& gateway : view.Gateways) {
      if (!gateway.Marked || gateway.Health != "critical") continue;
      walk.warn("gateway-critical", datacenter,
                "the mesh gateway " + gateway.ID + " of " + datacenter + " is critical: only the others are used",
                "See its checks: `consul catalog services`, the log of the gateway.");
    }
    return;
  }
  // A secondary whose primary answers has time for this; whoever has no other way has not.
  const bool alone = walk.datacenters.empty() && !walk.is_secondary();
  const std::string& primary = walk.own.PrimaryDatacenter;
  const bool lost = (!walk.is_secondary() || walk.reached(primary)) &&
                    std::ranges::any_of(walk.datacenters, [&](const std::string& other) {
                      return other != primary && !walk.reached(other);
                    });
  const Rank rank = lost ? Rank::needed_gateway : Rank::gateway;
  const bool marked = std::ranges::any_of(view.Gateways, &Gateway::Marked);
  const std::string effect = ": no other datacenter reaches the servers of " + datacenter;
  if (view.Gateways.empty()) {
    walk.hop(datacenter, "gateway", "none is registered", alone ? "skipped" : "fail");
    if (alone) return;
    walk.fault(
        rank, "no-gateway", datacenter, "there is no mesh gateway in " + datacenter + effect,
        "Start one there: `consul connect mesh-gateway`, or Envoy by `consul connect envoy -gateway=mesh -register " +
            std::string("-expose-servers`."));
  } else if (!marked) {
    walk.say(!alone, rank, "gateway-unmarked", datacenter,
             "no mesh gateway of " + datacenter + " is marked for WAN federation (metadata consul-wan-federation = 1)" +
                 effect,
             "Register it with -expose-servers.");
  } else {
    walk.say(!alone, rank, "gateways-critical", datacenter,
             "all mesh gateways of " + datacenter + " that take part in WAN federation are critical" + effect,
             "See their checks: `consul watch -type=checks -state=critical`, and the logs of the gateways.");
  }
}

void look_at_state(Walk& walk, const View& view) {
  const std::vector<std::string> now = wan_addresses(view);
  if (now.empty()) return;
  const KnownState* state = walk.own.state(view.Datacenter);
  const std::vector<std::string> known =
      state ? std::vector<std::string>(state->Wan.begin(), state->Wan.end()) : std::vector<std::string>();
  const bool same = known == now;
  walk.hop(view.Datacenter, "federation state", joined(known), same ? "ok" : "fail", same ? "" : "now: " + joined(now));
  if (same) return;
  walk.fault(Rank::state, "state-old", view.Datacenter,
             "the federation state of " + view.Datacenter + " has not the mesh gateways that there are: " +
                 (known.empty() ? "none" : joined(known)) + " instead of " + joined(now),
             walk.own.PrimaryDatacenter == view.Datacenter || !walk.is_secondary()
                 ? "See the log of the leader of " + view.Datacenter + "."
                 : "The leader of " + view.Datacenter + " tells the primary with the replication token, which needs " +
                       "operator:write, and copies it back: see its log.");
}

void look_for_twins(Walk& walk) {
  for (const KnownState& one : walk.own.States) {
    for (const KnownState& other : walk.own.States) {
      if (one.Datacenter >= other.Datacenter) continue;
      for (const std::string& address : one.Wan) {
        if (std::ranges::find(other.Wan, address) == other.Wan.end()) continue;
        const bool works = (one.Datacenter == walk.own.Datacenter || walk.reached(one.Datacenter)) &&
                           (other.Datacenter == walk.own.Datacenter || walk.reached(other.Datacenter));
        walk.say(
            !works, Rank::needed_gateway, "gateway-address-twice", other.Datacenter,
            "mesh gateways of " + one.Datacenter + " and of " + other.Datacenter +
                " are registered with the same wan address, " + address,
            "Register each with the address by which the others reach it, not with its private one (-wan-address).");
      }
    }
  }
}

}  // namespace

void look_at_gateways(Walk& walk) {
  if (!walk.own.ThroughGateways) return;
  look_for_twins(walk);
  look_at_registered(walk, walk.own);
  look_at_state(walk, walk.own);
  for (const std::string& datacenter : walk.datacenters) {
    const View* there = walk.view_of(datacenter);
    if (there == nullptr || !there->ThroughGateways) continue;
    look_at_registered(walk, *there);
    look_at_state(walk, *there);
  }
}

}  // namespace proconsul::agent::doctor
