#include <algorithm>
#include <utility>

#include "agent/doctor/diagnosis.h"
#include "agent/doctor/trouble.h"
#include "agent/doctor/walk.h"

namespace proconsul::agent::doctor {
namespace {

constexpr std::int64_t kPatience = 30;  // seconds in which what changed in the primary is copied

bool later(const base::Time& a, const base::Time& b) {
  return a.seconds != b.seconds ? a.seconds > b.seconds : a.nanoseconds > b.nanoseconds;
}

bool fails(const Copying& copying) {
  // Times of ACLs are whole seconds; what goes on failing fails again in a later one.
  return !copying.Error.empty() && later(copying.LastError, copying.LastSuccess);
}

std::uint64_t lag_of(const Copying& copying, const View* primary) {
  if (primary == nullptr) return 0;
  const auto there = primary->Indexes.find(copying.Kind);
  if (there == primary->Indexes.end() || there->second <= copying.Index) return 0;
  return there->second - copying.Index;
}

const View* leader_of(const Walk& walk) {
  const View* leader = walk.view_of(walk.own.Datacenter);
  return leader && leader->Leader ? leader : nullptr;
}

void look_at_token(Walk& walk, const View& leader) {
  const std::string& primary = walk.own.PrimaryDatacenter;
  const std::string set = "Set it by `consul acl set-agent-token replication TOKEN` on every server of " +
                          walk.own.Datacenter + ", or as acl.tokens.replication.";
  const std::string rights =
      "acl = \"write\", operator = \"write\", service_prefix \"\" { policy = \"read\" intentions = \"read\" }";
  const auto fault = [&](std::string_view code, std::string cause, std::string fix) {
    walk.hop(walk.own.Datacenter, "token", "replication token", "fail", cause);
    walk.fault(Rank::token, code, walk.own.Datacenter, std::move(cause), std::move(fix));
  };
  if (!leader.ReplicationToken) {
    const bool needed = leader.TokenReplication || std::ranges::any_of(leader.Copying, [](const Copying& copying) {
                          return fails(copying) && is_denial(copying.Error);
                        });
    if (!needed) return walk.hop(walk.own.Datacenter, "token", "replication token", "skipped", "there is none");
    return fault("replication-token-missing",
                 "the server " + leader.Node + ", which leads " + walk.own.Datacenter + ", has no replication token",
                 "Make a token in " + primary + " that may " + rights + ". " + set);
  }
  const TokenTrial& token = walk.findings.token;
  if (is_unknown_token(token.error)) {
    return fault("replication-token-unknown",
                 "the replication token is unknown in " + primary + ": it is wrong, or was deleted", set);
  }
  if (!token.missing.empty()) {
    return fault("replication-token-rights",
                 "the replication token may not " + joined(token.missing) + " in " + primary,
                 "Give it a policy with " + rights + ".");
  }
  walk.hop(walk.own.Datacenter, "token", "replication token", token.tried && token.error.empty() ? "ok" : "skipped",
           token.error);
}

void look_at_copies(Walk& walk, const View& leader) {
  const View* primary = walk.view_of(walk.own.PrimaryDatacenter);
  const std::string& own = walk.own.Datacenter;
  for (const Copying& copying : leader.Copying) {
    const std::uint64_t lag = lag_of(copying, primary);
    const bool bad = fails(copying);
    const bool slow = !bad && lag > 0 && walk.findings.now.seconds - copying.LastSuccess.seconds > kPatience;
    const bool begun = !copying.LastSuccess.is_zero() || bad;
    walk.hop(own, "replication", copying.Kind,
             bad || slow ? "fail"
             : begun     ? "ok"
                         : "skipped",
             bad     ? copying.Error
             : begun ? "index " + std::to_string(copying.Index) + (lag ? ", " + std::to_string(lag) + " behind" : "")
                     : "not begun");
    if (bad) {
      const bool denied = is_denial(copying.Error);
      walk.fault(denied ? Rank::token : Rank::replication, denied ? "replication-denied" : "replication-failing", own,
                 copying.Kind +
                     (copying.Kind.starts_with("the own") ? " is not written in " : " are not copied from ") +
                     walk.own.PrimaryDatacenter + ": " + copying.Error,
                 denied ? "The replication token of the server " + leader.Node +
                              " is wrong, or may too little: see "
                              "`consul acl set-agent-token replication`."
                        : "If nothing above explains it, see the log of the leader, " + leader.Node + ".");
    } else if (slow) {
      walk.fault(Rank::replication, "replication-lags", own,
                 copying.Kind + " are " + std::to_string(lag) + " indexes behind " + walk.own.PrimaryDatacenter,
                 "See the log of the leader, " + leader.Node + ".");
    }
  }
}

void look_at_authority(Walk& walk) {
  const View* primary = walk.view_of(walk.own.PrimaryDatacenter);
  if (!walk.own.Connect || !walk.is_secondary() || primary == nullptr || primary->Root.empty()) return;
  const bool same = walk.own.Root == primary->Root;
  walk.hop(walk.own.Datacenter, "authority", "active root", same ? "ok" : "fail", same ? "" : walk.own.Root);
  if (same) return;
  walk.fault(
      Rank::authority, walk.own.Root.empty() ? "authority-not-begun" : "authority-differs", walk.own.Datacenter,
      walk.own.Root.empty() ? "the mesh's authority of " + walk.own.Datacenter + " has not begun"
                            : "the active root of the mesh's authority is not the one of " + primary->Datacenter,
      "The leader has the primary sign an intermediate with the replication token, which needs operator:write: see "
      "its log.");
}

DatacenterStatus row_of(const Walk& walk, const std::string& datacenter) {
  const View& own = walk.own;
  DatacenterStatus row{
      .Name = datacenter, .Primary = datacenter == own.PrimaryDatacenter, .Own = datacenter == own.Datacenter};
  for (const Member& member : own.Members) {
    if (member.Datacenter != datacenter || member.Status == "left") continue;
    ++row.ServersKnown;
    row.ServersAlive += member.Status == "alive";
  }
  row.GatewayAddresses.make_present();
  const KnownState* state = own.state(datacenter);
  const View* there = walk.view_of(datacenter);
  if (there) {
    row.GatewaysKnown = static_cast<std::int64_t>(there->Gateways.size());
    for (const Gateway& gateway : there->Gateways) {
      row.GatewaysHealthy += usable(gateway);
      row.GatewayAddresses.push_back(gateway.Wan);
    }
  } else if (state) {
    row.GatewaysKnown = state->Gateways;
    row.GatewaysHealthy = static_cast<std::int64_t>(state->Wan.size());
    for (const std::string& address : state->Wan) row.GatewayAddresses.push_back(address);
  }
  if (row.Own) {
    row.Way = "own";
    row.State = own.KnowsLeader ? "ok" : "failed";
    return row;
  }
  const Probe* best = nullptr;
  bool failed = false;
  for (const Probe& probe : walk.findings.probes) {
    if (probe.datacenter != datacenter) continue;
    if (!probe.works()) {
      failed = true;
      row.LastError = probe.error;
    } else if (!best || probe.round_trip < best->round_trip) {
      best = &probe;
    }
  }
  if (best) row.RoundTrip = best->round_trip;
  row.Way = own.ThroughGateways ? "none" : "traditional";
  for (const WayView& way : own.Ways) {
    if (way.Datacenter != datacenter) continue;
    row.Dials += way.Dials;
    row.Failures += way.Failures;
    if (later(way.LastFailure, row.LastFailure)) row.LastFailure = way.LastFailure;
    if (!way.InUse) continue;
    row.Gateway = way.Gateway;
    row.Way = way.Kind == "local"    ? "local gateway"
              : way.Kind == "direct" ? "direct to the primary's gateways"
                                     : "remembered gateway";
  }
  row.State = best == nullptr ? (failed || row.ServersKnown == 0 ? "failed" : "unknown")
              : failed || row.ServersAlive != row.ServersKnown ? "degraded"
                                                               : "ok";
  return row;
}

}  // namespace

void look_at_copying(Walk& walk) {
  if (!walk.is_secondary()) return;
  const View* leader = leader_of(walk);
  if (leader == nullptr) {
    return walk.hop(walk.own.Datacenter, "replication", "everything", "skipped", "the leader did not tell");
  }
  if (walk.own.Acls) look_at_token(walk, *leader);
  look_at_copies(walk, *leader);
  look_at_authority(walk);
}

Status summarize(const Findings& findings) {
  const Walk walk(findings);
  Status status{.Datacenter = walk.own.Datacenter,
                .Node = walk.own.Node,
                .PrimaryDatacenter = walk.own.PrimaryDatacenter,
                .ThroughGateways = walk.own.ThroughGateways,
                .At = findings.now};
  status.Datacenters.make_present();
  status.Copying.make_present();
  status.Datacenters.push_back(row_of(walk, walk.own.Datacenter));
  for (const std::string& datacenter : walk.datacenters) status.Datacenters.push_back(row_of(walk, datacenter));
  std::ranges::sort(status.Datacenters, {}, &DatacenterStatus::Name);
  const View* leader = leader_of(walk);
  if (leader == nullptr) return status;
  status.Leader = leader->Node;
  const View* primary = walk.view_of(walk.own.PrimaryDatacenter);
  for (const Copying& copying : leader->Copying) {
    CopyingStatus row;
    static_cast<Copying&>(row) = copying;
    row.Lag = lag_of(copying, primary);
    if (primary) {
      const auto there = primary->Indexes.find(copying.Kind);
      if (there != primary->Indexes.end()) row.PrimaryIndex = there->second;
    }
    status.Copying.push_back(std::move(row));
  }
  return status;
}

bool may_settle(const Findings& findings) {
  const Report report = diagnose(findings);
  const auto passes = [](const Cause& cause) {
    return cause.Code == "replication-lags" || cause.Code == "state-old" || cause.Code == "not-known-there" ||
           cause.Code == "authority-not-begun" || cause.Code == "replication-failing";
  };
  return !report.Healthy &&
         std::ranges::all_of(report.Causes, [&](const Cause& cause) { return cause.Warning || passes(cause); });
}

}  // namespace proconsul::agent::doctor
