#include <algorithm>
#include <utility>

#include "agent/doctor/walk.h"

namespace proconsul::agent::doctor {
namespace {

/// What neither could open of the other.
std::string difference(const View& a, const View& b) {
  if (a.GossipKeys.empty() && b.GossipKeys.empty()) return {};
  if (a.GossipKeys.empty() != b.GossipKeys.empty()) {
    return "gossip is encrypted in " + (a.GossipKeys.empty() ? b : a).Datacenter + " and not in " +
           (a.GossipKeys.empty() ? a : b).Datacenter;
  }
  const auto opens = [](const View& who, const View& whose) {
    return std::ranges::find(who.GossipKeys, whose.GossipKeys.front()) != who.GossipKeys.end();
  };
  if (opens(a, b) && opens(b, a)) return {};
  return a.Datacenter + " and " + b.Datacenter + " use different gossip keys (" + a.GossipKeys.front() + ", " +
         b.GossipKeys.front() + ")";
}

}  // namespace

void look_at_gossip(Walk& walk) {
  const View& own = walk.own;
  if (!own.Wan) return;
  for (const std::string& datacenter : walk.datacenters) {
    int alive = 0, known = 0;
    std::vector<std::string> failed;
    for (const Member& member : own.Members) {
      if (member.Datacenter != datacenter || member.Status == "left") continue;
      ++known;
      if (member.Status == "alive") {
        ++alive;
      } else {
        failed.push_back(member.Name);
      }
    }
    const View* there = walk.view_of(datacenter);
    const bool reached = walk.reached(datacenter);
    const std::string what = std::to_string(alive) + " of " + std::to_string(known) + " servers alive";
    walk.hop(datacenter, "gossip", what,
             alive > 0 && failed.empty() ? "ok"
             : alive > 0                 ? "warn"
                                         : "fail",
             joined(failed));
    const std::string keys = there ? difference(own, *there) : std::string();
    if (!keys.empty()) {
      walk.fault(
          Rank::gossip_key, "gossip-key-differs", datacenter, keys + ": the WAN pool cannot be one",
          "Set the same encrypt key in all datacenters: `consul keyring -install`, then -use, or encrypt and a " +
              std::string("restart without the file serf/remote.keyring."));
      continue;
    }
    if (alive == 0 && reached) {
      walk.fault(
          Rank::gossip, known == 0 ? "not-joined" : "gossip-failed", datacenter,
          known == 0 ? "servers of " + datacenter + " answer, but none is in the WAN pool"
                     : "servers of " + datacenter + " answer, but the WAN pool takes all of them for failed",
          own.ThroughGateways
              ? "Compare the gossip keys (encrypt) and the node names, and see the log for \"(WAN) couldn't join\"."
              : "Let TCP and UDP through to port 8302 of every server, and compare the gossip keys (encrypt).");
    } else if (alive == 0 && known > 0) {
      walk.fault(Rank::gossip, "datacenter-gone", datacenter,
                 "no server of " + datacenter + " answers: the WAN pool takes all of them for failed",
                 "Bring the datacenter back; if it is gone for good, `consul federation remove " + datacenter + "`.");
    } else if (!failed.empty()) {
      walk.warn("server-failed", datacenter, "the WAN pool takes " + joined(failed) + " for failed",
                "Bring the server back, or take it out by `consul force-leave -wan`.");
    }
    if (there == nullptr || alive == 0) continue;
    const bool seen = std::ranges::any_of(there->Members, [&](const Member& member) {
      return member.Datacenter == own.Datacenter && member.Status == "alive";
    });
    if (seen) continue;
    walk.hop(datacenter, "gossip", there->Node + " sees " + own.Datacenter, "fail");
    // Nobody gets in: the rules of gateways say so.
    if (own.ThroughGateways && std::ranges::none_of(own.Gateways, &usable)) continue;
    walk.fault(
        Rank::gossip, "not-seen-there", datacenter,
        "the WAN pool of " + datacenter + " takes all servers of " + own.Datacenter + " for failed, or knows none",
        own.ThroughGateways ? "See the mesh gateways of " + own.Datacenter + ", by which its servers are called."
                            : "Let TCP and UDP through to port 8302 of the servers of " + own.Datacenter + ".");
  }
}

}  // namespace proconsul::agent::doctor
