#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "agent/doctor/trouble.h"
#include "agent/doctor/walk.h"

namespace proconsul::agent::doctor {
namespace {

constexpr std::int64_t kSoon = std::int64_t{7} * 24 * 3600;  // seconds in which a certificate ends
constexpr const char* kMode = "connect.enable_mesh_gateway_wan_federation";

std::string server_of(const View& view) {
  return "server " + view.Node + " of " + view.Datacenter;
}

std::string on(bool value) {
  return value ? "on" : "off";
}

void look_at_certificate(Walk& walk, const View& view) {
  if (!view.Tls) return;
  const Certificate& shown = view.Certificate;
  Rank rank = Rank::own_certificate;
  const std::string whose = "the certificate of " + server_of(view) + " (tls.internal_rpc.cert_file)";
  const std::string make = "Make one with `consul tls cert create -server -dc " + view.Datacenter + " -node " +
                           view.Node + "` from the same authority, put it in place and reload the agent.";
  const auto fault = [&](std::string_view code, const std::string& what, const std::string& fix) {
    walk.fault(rank, code, view.Datacenter, whose + " " + what, fix);
    walk.hop(view.Datacenter, "certificate", view.Node, "fail", what);
  };
  if (!shown.Error.empty()) return fault("certificate-unreadable", "cannot be read: " + shown.Error, make);
  if (shown.NotAfter.is_zero()) return;
  if (walk.findings.now.seconds > shown.NotAfter.seconds) {
    walk.certificate_times = true;
    return fault("certificate-expired", "has expired", make);
  }
  if (walk.findings.now.seconds < shown.NotBefore.seconds) {
    walk.certificate_times = true;
    return fault("certificate-not-yet-valid", "is not valid yet", "Set the clock of " + view.Node + ". " + make);
  }
  if (view.ThroughGateways) {
    rank = Rank::configuration;  // names of servers and domains explain it
    const std::string any = "server." + view.Datacenter + "." + view.Domain;
    for (const std::string& name : {any, view.Node + "." + any}) {
      const bool there =
          std::ranges::any_of(shown.Names, [&](const std::string& pattern) { return covers(pattern, name); });
      if (!there) {
        return fault("certificate-names", "is not for " + name + ", but for " + joined(shown.Names), make);
      }
    }
  }
  const std::int64_t left = shown.NotAfter.seconds - walk.findings.now.seconds;
  const std::string days = std::to_string(left / 86400) + " days left";
  if (left < kSoon) walk.warn("certificate-ends-soon", view.Datacenter, whose + " has " + days, make);
  walk.hop(view.Datacenter, "certificate", view.Node, left < kSoon ? "warn" : "ok", days);
}

void look_at_own(Walk& walk) {
  const View& own = walk.own;
  std::string detail =
      "primary " + own.PrimaryDatacenter + ", " + (own.ThroughGateways ? "through mesh gateways" : "traditional");
  bool good = true;
  const auto fault = [&](std::string_view code, std::string cause, std::string fix) {
    good = false;
    walk.fault(Rank::configuration, code, own.Datacenter, std::move(cause), std::move(fix));
  };
  const bool lost = walk.is_secondary() && !walk.reached(own.PrimaryDatacenter);
  if (!own.Wan && !walk.datacenters.empty()) {
    fault("wan-off", "this server has no WAN pool (ports.serf_wan)",
          "Set ports.serf_wan to a port, 8302, and restart.");
  }
  if (own.ThroughGateways && own.Node.find('.') != own.Node.npos) {
    fault("dotted-node-name",
          "the node name " + own.Node + " has a dot in it: in the WAN pool it cannot be told from the datacenter",
          "Give the server a node_name without dots, a certificate for it, and restart.");
  }
  if (own.ThroughGateways && lost && own.PrimaryGateways.empty() && own.Ways.empty()) {
    fault("no-primary-gateways",
          "this datacenter knows no way to its primary, " + own.PrimaryDatacenter + ": primary_gateways is empty",
          "Set primary_gateways to the addresses of the primary's mesh gateways and restart.");
  }
  if (!own.ThroughGateways && lost && !own.PrimaryGateways.empty()) {
    fault("mode-off", std::string("primary_gateways is set, but ") + kMode + " is off: the gateways are not used",
          std::string("Set ") + kMode + " = true on every server and restart.");
  } else if (!own.ThroughGateways && lost && !own.RetryJoinWan &&
             std::ranges::none_of(own.Members,
                                  [&](const Member& member) { return member.Datacenter != own.Datacenter; })) {
    fault("no-retry-join-wan",
          "this datacenter knows no server of its primary, " + own.PrimaryDatacenter + ": retry_join_wan is empty",
          "Set retry_join_wan to addresses of servers of " + own.PrimaryDatacenter +
              ", or join one by `consul join -wan`.");
  }
  if (!own.KnowsLeader) {
    fault("no-leader", "the servers of " + own.Datacenter + " have no leader: nothing is copied or kept up to date",
          "Bring the missing servers back, or see `consul operator raft list-peers -stale`.");
  }
  walk.hop(own.Datacenter, "configuration", own.Node, good ? "ok" : "fail", std::move(detail));
}

void compare(Walk& walk, const View& other) {
  const View& own = walk.own;
  bool good = true;
  const auto fault = [&](std::string_view code, std::string cause, std::string fix) {
    good = false;
    walk.fault(Rank::configuration, code, other.Datacenter, std::move(cause), std::move(fix));
  };
  if (other.PrimaryDatacenter != own.PrimaryDatacenter) {
    fault("primary-differs",
          server_of(other) + " has the primary_datacenter " + other.PrimaryDatacenter + ", " + server_of(own) +
              " has " + own.PrimaryDatacenter + ": two authorities, two worlds of ACLs",
          "Set the same primary_datacenter on every server of every datacenter.");
  }
  if (other.ThroughGateways != own.ThroughGateways) {
    fault("mode-differs",
          std::string(kMode) + " is " + on(other.ThroughGateways) + " on " + server_of(other) + " and " +
              on(own.ThroughGateways) + " on " + server_of(own),
          "Set it to true on every server of every datacenter, or on none, and restart them.");
  }
  if (other.Domain != own.Domain) {
    fault("domain-differs",
          server_of(other) + " has the domain " + other.Domain + ", " + server_of(own) + " has " + own.Domain +
              ": the names of servers in TLS differ",
          "Set the same domain everywhere.");
  }
  if (other.ThroughGateways && other.Node.find('.') != other.Node.npos) {
    fault("dotted-node-name", "the node name of " + server_of(other) + " has a dot in it",
          "Give the server a node_name without dots, a certificate for it, and restart.");
  }
  if (other.Datacenter != own.Datacenter && other.Acls != own.Acls) {
    walk.warn(
        "acls-differ", other.Datacenter,
        "ACLs are " + on(other.Acls) + " in " + other.Datacenter + " and " + on(own.Acls) + " in " + own.Datacenter,
        "Set acl.enabled alike, unless that is meant.");
  }
  walk.hop(other.Datacenter, "configuration", other.Node, good ? "ok" : "fail");
  look_at_certificate(walk, other);
}

}  // namespace

void look_at_configuration(Walk& walk) {
  look_at_own(walk);
  look_at_certificate(walk, walk.own);
  for (const View* other : walk.views) compare(walk, *other);
}

void look_at_clocks(Walk& walk) {
  constexpr std::int64_t kFault = 30, kWarn = 5;  // seconds
  std::set<std::string> everybody = walk.datacenters;
  everybody.insert(walk.own.Datacenter);
  for (const std::string& datacenter : everybody) {
    const Probe* nearest = nullptr;
    for (const Probe& probe : walk.findings.probes) {
      if (probe.datacenter != datacenter || !probe.ahead) continue;
      if (!nearest || probe.round_trip < nearest->round_trip) nearest = &probe;
    }
    if (nearest == nullptr) continue;
    // A clock that was never set is centuries away, as far as a Duration goes.
    const std::int64_t ahead = std::max(nearest->ahead->nanoseconds, -std::numeric_limits<std::int64_t>::max());
    const std::int64_t size = (std::abs(ahead) - nearest->round_trip.nanoseconds) / 1'000'000'000;
    const std::string what =
        std::to_string(std::max<std::int64_t>(size, 0)) + " s " + (ahead < 0 ? "behind ours" : "ahead of ours");
    const bool bad = size > kFault, so_so = size > kWarn;
    walk.hop(datacenter, "clock", nearest->node.empty() ? "a server" : nearest->node,
             bad     ? "fail"
             : so_so ? "warn"
                     : "ok",
             so_so || bad ? what : "as ours");
    if (!so_so) continue;
    walk.say(bad, walk.certificate_times ? Rank::clock_first : Rank::clock, "clock", datacenter,
             "the clock of " + datacenter + " is " + what + ": certificates, tokens and checks with an end suffer",
             "Have the servers of both datacenters set their clocks by NTP.");
  }
}

}  // namespace proconsul::agent::doctor
