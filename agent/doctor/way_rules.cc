#include <algorithm>
#include <cstdio>
#include <utility>

#include "agent/doctor/trouble.h"
#include "agent/doctor/walk.h"

namespace proconsul::agent::doctor {
namespace {

std::string shown(base::Duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(time.nanoseconds) / 1e6);
  return text;
}

std::string place_of(const Probe& probe) {
  const char* what = probe.kind == "local"        ? "the local gateway "
                     : probe.kind == "direct"     ? "the primary's gateway "
                     : probe.kind == "remembered" ? "the remembered gateway "
                                                  : "the server at ";
  return what + probe.address;
}

/// A name that belongs to servers of another datacenter than was meant: that datacenter.
std::string datacenter_in(const std::vector<std::string>& names, const std::string& domain, const std::string& meant) {
  for (const std::string& name : names) {
    const std::size_t from = name.starts_with("server.")          ? 7
                             : name.find(".server.") == name.npos ? name.npos
                                                                  : name.find(".server.") + 8;
    if (from == name.npos || !name.ends_with("." + domain) || name.size() < from + domain.size() + 1) continue;
    std::string datacenter = name.substr(from, name.size() - from - domain.size() - 1);
    if (!datacenter.empty() && datacenter != meant) return datacenter;
  }
  return {};
}

struct Said {
  std::string code{}, cause{}, fix{};
};

Said explain(const Walk& walk, const Probe& probe) {
  const std::string& dc = probe.datacenter;
  const bool gateway = probe.through_gateway();
  const std::string place = place_of(probe);
  const std::string who = probe.node.empty() ? "a server of " + dc : "server " + probe.node + " of " + dc;
  const std::string where = probe.kind == "local" ? "its address in the service registration of the mesh gateway"
                            : gateway ? "primary_gateways, and the wan address of the primary's mesh gateways"
                                      : "whether the server runs, its advertise_addr_wan and firewalls";
  const std::string make = "Give it one by `consul tls cert create -server -dc " + dc +
                           (probe.node.empty() ? "" : " -node " + probe.node) + "`, of the authority that all share.";
  switch (trouble_of(probe.error)) {
    case Trouble::refused:
      return {gateway ? "gateway-refuses" : "server-refuses", "nobody listens at " + place + ", the way to " + dc,
              "Start it, or correct " + where + "."};
    case Trouble::unreachable:
      return {gateway ? "gateway-unreachable" : "server-unreachable",
              "no route leads to " + place + ", the way to " + dc, "Correct routes, or " + where + "."};
    case Trouble::silent:
      return {
          gateway ? "gateway-silent" : "server-silent",
          place + ", the way to " + dc + ", neither answers nor refuses: packets are dropped, or it is no mesh gateway",
          "Let TCP through to it, or correct " + where + "."};
    case Trouble::no_tls:
      return {gateway ? "not-a-gateway" : "server-without-tls",
              place + ", the way to " + dc + ", does not speak TLS" + (gateway ? ": it is no mesh gateway" : ""),
              gateway ? "Correct " + where + ": the port must be the gateway's own."
                      : "Set tls.internal_rpc alike in both datacenters."};
    case Trouble::closed:
      if (!gateway) {
        return {"server-closes", place + " closes the connection that is meant for " + who,
                "See the log of that server: TLS may be on at one end only (tls.internal_rpc.verify_outgoing)."};
      }
      return {probe.kind == "local" ? "gateway-has-no-way" : "gateway-closes",
              place + " closes the connection that is meant for " + probe.server_name +
                  ": it is no mesh gateway, or it does not reach a server of " + dc,
              probe.kind == "local"
                  ? "See whether the mesh gateways and servers of " + dc +
                        " run, and whether this gateway knows them (`" + "consul federation list`, its log)."
                  : "Correct " + where + "; if it is the gateway, see whether servers of " + dc + " run behind it."};
    case Trouble::authority:
      return {"unknown-authority",
              "behind " + place + " a certificate is shown that an authority signed which this server does not know",
              "Use certificates of one authority in all datacenters: put that of " + dc +
                  " in tls.internal_rpc.ca_file here and this one there; or, if it is no mesh gateway, correct " +
                  where + "."};
    case Trouble::expired:
      return {"certificate-expired",
              who + ", behind " + place + ", shows a certificate that has expired or is not yet valid",
              "Compare the clocks. " + make};
    case Trouble::name: {
      const std::vector<std::string> names = names_in(probe.error);
      const std::string other = datacenter_in(names, walk.own.Domain, dc);
      if (!other.empty()) {
        return {
            "certificate-of-other-datacenter",
            who + ", behind " + place + ", shows a certificate for servers of " + other + " (" + joined(names) + ")",
            "Either the address leads to " + other + ": correct " + where +
                ". Or the server has a certificate that is " + "not its own. " + make};
      }
      return {"certificate-names",
              who + ", behind " + place + ", shows a certificate that is not for " + probe.server_name + ", but for " +
                  (names.empty() ? "nobody" : joined(names)),
              make};
    }
    case Trouble::ours:
      return {"own-certificate-refused",
              who + ", behind " + place + ", refuses the certificate of this server (" + probe.error + ")",
              "Use certificates of one authority in all datacenters: the tls.internal_rpc.ca_file of " + dc +
                  " must know the one of this server, which must not have expired."};
    case Trouble::protocol:
      return {"not-a-server", "what is behind " + place + " speaks TLS, but is no server of " + dc,
              "Correct " + where + "."};
    case Trouble::none:
    case Trouble::other:
      break;
  }
  return {"call-failed", "calling " + who + " by " + place + " failed: " + probe.error,
          "See the logs of both servers."};
}

void show(Walk& walk, const Probe& probe, bool fault) {
  const std::string what = probe.address + (probe.server_name.empty() ? "" : " as " + probe.server_name) +
                           (probe.node.empty() || !probe.server_name.empty() ? "" : " (" + probe.node + ")");
  std::string detail = probe.works() ? shown(probe.round_trip) : probe.error;
  if (probe.works() && !probe.refusal.empty()) detail += ", " + probe.refusal;
  walk.hop(probe.datacenter, probe.through_gateway() ? "gateway" : "server", what,
           probe.works() ? "ok"
           : fault       ? "fail"
                         : "warn",
           std::move(detail));
}

void look_at_names(Walk& walk) {
  const std::string& primary = walk.own.PrimaryDatacenter;
  const bool needed = !walk.reached(primary);
  for (const Resolution& each : walk.findings.names) {
    const bool good = each.error.empty() && !each.addresses.empty();
    walk.hop(primary, "name", each.entry,
             good     ? "ok"
             : needed ? "fail"
                      : "warn",
             good ? joined(each.addresses) : each.error);
    if (good) continue;
    walk.say(needed, Rank::name, "name-unresolved", primary,
             "the entry " + each.entry +
                 " of primary_gateways leads to no address: " + (each.error.empty() ? "it says none" : each.error),
             "Correct primary_gateways, or the name in DNS.");
  }
}

const Member* member_of(const View& own, const Probe& probe) {
  const auto found = std::ranges::find(own.Members, probe.node + "." + probe.datacenter, &Member::Name);
  return found == own.Members.end() ? nullptr : &*found;
}

void look_at_servers_here(Walk& walk) {
  for (const Probe& probe : walk.findings.probes) {
    if (probe.datacenter != walk.own.Datacenter) continue;
    show(walk, probe, false);
    if (probe.works()) continue;
    const Said said = explain(walk, probe);
    walk.warn(said.code, probe.datacenter, said.cause, said.fix);
  }
}

/// Why no way is known at all, or none works, where the gateways themselves say it.
bool look_at_needed_gateways(Walk& walk, const std::string& datacenter) {
  const View& own = walk.own;
  const bool direct = datacenter == own.PrimaryDatacenter;
  const bool here = std::ranges::any_of(own.Gateways, &usable);
  if (!here && !direct) return true;  // the rules of gateways say why
  if (direct) return false;
  const KnownState* state = own.state(datacenter);
  if (state && !state->Wan.empty()) return false;
  const bool unusable = state && state->Gateways > 0;
  // Without the primary, news of others do not come.
  const bool first = !walk.is_secondary() || walk.reached(own.PrimaryDatacenter);
  walk.fault(first ? Rank::needed_gateway : Rank::gateway, unusable ? "gateways-critical" : "no-gateway", datacenter,
             unusable ? "all mesh gateways of " + datacenter + " are critical, or not marked for WAN federation"
                      : "no mesh gateway of " + datacenter + " is known here: nobody reaches its servers",
             unusable
                 ? "See the health of the gateways in " + datacenter + "."
                 : "Start a mesh gateway there with -expose-servers; if there is one, see `consul federation doctor` " +
                       std::string("in ") + datacenter + ": its leader tells the primary of it.");
  return true;
}

void look_at_ways_to(Walk& walk, const std::string& datacenter) {
  const bool reached = walk.reached(datacenter);
  const bool by_gateways = walk.own.ThroughGateways;
  const bool explained = !reached && by_gateways && look_at_needed_gateways(walk, datacenter);
  bool tried = false;
  for (const Probe& probe : walk.findings.probes) {
    if (probe.datacenter != datacenter) continue;
    tried = true;
    const Trouble trouble = trouble_of(probe.error);
    if (trouble == Trouble::expired) walk.certificate_times = true;
    // A server that is down, as gossip has it, is no news of the way. One that shows a wrong certificate is.
    const Member* member = member_of(walk.own, probe);
    const bool down = !probe.node.empty() && member && member->Status != "alive";
    const bool about_server = !probe.node.empty() && !down;
    const bool fault = !probe.works() && (!reached || about_server);
    show(walk, probe, fault);
    if (probe.works()) continue;
    const Said said = explain(walk, probe);
    walk.say(fault, explained ? Rank::gateway : Rank::way, said.code, datacenter, said.cause, said.fix);
  }
  if (tried || reached || walk.findings.left_out.contains(datacenter)) return;
  walk.hop(datacenter, by_gateways ? "gateway" : "server", "no way is known", "fail");
  if (explained || walk.has("no-primary-gateways") || walk.has("name-unresolved") || walk.has("no-retry-join-wan") ||
      walk.has("mode-off") || walk.has("wan-off")) {
    return;
  }
  walk.fault(Rank::way, "no-way", datacenter, "no server of " + datacenter + " is known here, and no way there",
             by_gateways ? "See primary_gateways, and the mesh gateways of this datacenter."
                         : "Join one: retry_join_wan, or `consul join -wan ADDRESS`.");
}

/// Others call us, too: whether they can is theirs to say.
void look_at_way_back(Walk& walk, const View& there) {
  const View& own = walk.own;
  if (!own.ThroughGateways || !there.ThroughGateways) return;
  std::vector<std::string> failed;
  bool works = false, untried = false;
  for (const WayView& way : there.Ways) {
    if (way.Datacenter != own.Datacenter) continue;
    works |= way.State == "works";
    untried |= way.State == "untried";
    if (way.State == "failed") failed.push_back(way.Gateway);
  }
  if (works || (untried && failed.empty())) {
    return walk.hop(there.Datacenter, "way back", there.Node + " to " + own.Datacenter, works ? "ok" : "skipped",
                    works ? "" : "not tried yet");
  }
  const bool have = std::ranges::any_of(own.Gateways, &usable);
  std::vector<std::string> ours;
  std::string untagged;
  for (const Gateway& gateway : own.Gateways) {
    if (!usable(gateway)) continue;
    ours.push_back(gateway.Wan);
    if (!gateway.Tagged) untagged = gateway.ID;
  }
  walk.hop(there.Datacenter, "way back", there.Node + " to " + own.Datacenter, have ? "fail" : "skipped",
           failed.empty() ? "it knows no way" : "not by " + joined(failed));
  if (!have) return;  // the rules of gateways say so
  std::ranges::sort(ours);
  const KnownState* known = there.state(own.Datacenter);
  const auto fault = [&](std::string_view code, std::string cause, std::string fix) {
    walk.fault(Rank::way_back, code, own.Datacenter, std::move(cause), std::move(fix));
  };
  if (known == nullptr || known->Wan.empty()) {
    return fault("not-known-there",
                 there.Datacenter + " does not know the mesh gateways of " + own.Datacenter + ": it cannot call back",
                 "The leader of " + own.Datacenter +
                     " tells the primary of them with the replication token, which needs " +
                     "operator:write: see what follows, and its log (federation state).");
  }
  if (failed.empty()) return;  // it has no gateway of its own: the rules of gateways say so
  std::vector<std::string> theirs(known->Wan.begin(), known->Wan.end());
  std::ranges::sort(theirs);
  const std::string dialed = joined(theirs);
  if (!untagged.empty()) {
    return fault("gateway-without-wan-address",
                 there.Datacenter + " cannot call back: the mesh gateway " + untagged + " of " + own.Datacenter +
                     " is registered without a wan address, and " + dialed + " leads nowhere from there",
                 "Register it with the address and port by which other datacenters reach it (-wan-address).");
  }
  fault("wan-address-unreachable",
        there.Datacenter + " cannot call back: its gateway (" + joined(failed) + ") does not get through to " + dialed +
            ", the wan address of the mesh gateways of " + own.Datacenter,
        "Register the gateway with the address and port by which other datacenters reach it, and let TCP through to "
        "it; " +
            std::string("see also the gateways of ") + there.Datacenter + ".");
}

/// Nobody is to take for well what was not looked at.
void look_at_left_out(Walk& walk) {
  for (const auto& [datacenter, count] : walk.findings.left_out) {
    const std::string number = std::to_string(count);
    walk.hop(datacenter, walk.own.ThroughGateways && datacenter != walk.own.Datacenter ? "gateway" : "server",
             number + " more", "skipped", "not tried: there are too many for one examination");
    walk.warn("not-all-tried", datacenter,
              number + " calls of " + datacenter + " were not tried: there are too many gateways and servers for one " +
                  "examination",
              "Ask servers of " + datacenter + " for what they see: run `consul federation doctor` there.");
  }
}

}  // namespace

void look_at_ways(Walk& walk) {
  look_at_servers_here(walk);
  look_at_names(walk);
  for (const std::string& datacenter : walk.datacenters) {
    look_at_ways_to(walk, datacenter);
    if (const View* there = walk.view_of(datacenter)) look_at_way_back(walk, *there);
  }
  look_at_left_out(walk);
}

}  // namespace proconsul::agent::doctor
