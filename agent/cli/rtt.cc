// rtt.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "base/quote.h"
#include "catalog/query/distance.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using catalog::NetworkCoordinate;

constexpr Flag kRttFlags[] = {
    {.name = "wan",
     .kind = FlagKind::boolean,
     .help = "Between servers of any datacenters; nodes are named NODE.DATACENTER."},
};

struct Pair {
  base::Pointer<NetworkCoordinate> first{};
  base::Pointer<NetworkCoordinate> second{};
};

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// A node has one coordinate per network segment; only two of the same segment can be compared. A node in one segment
// is perhaps a client and decides it; servers are in all of them.
using Segments = std::map<std::string, base::Pointer<NetworkCoordinate>>;
Pair comparable(Segments first, Segments second) {
  std::string segment;
  if (first.size() == 1) segment = first.begin()->first;
  if (second.size() == 1) segment = second.begin()->first;
  return {.first = first[segment], .second = second[segment]};
}

Result<Pair> lan_pair(ApiClient& client, const std::vector<std::string>& nodes) {
  const auto entries = client.fetch<base::List<catalog::Coordinate>>(client.request("GET", "/v1/coordinate/nodes"));
  if (!entries) return entries.error();
  Segments first;
  Segments second;
  for (const catalog::Coordinate& entry : *entries) {
    if (same_name(entry.Node, nodes[0])) first[entry.Segment] = entry.Coord;
    if (same_name(entry.Node, nodes[1])) second[entry.Segment] = entry.Coord;
  }
  return comparable(std::move(first), std::move(second));
}

struct WanName {
  std::string node{};
  std::string datacenter{};
};

// "NODE.DATACENTER". A node's name may have dots of its own, a datacenter's never has.
std::optional<WanName> wan_name(const std::string& text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  return WanName{text.substr(0, dot), text.substr(dot + 1)};
}

Result<Pair> wan_pair(ApiClient& client, const WanName& first, const WanName& second) {
  const auto datacenters =
      client.fetch<base::List<catalog::DatacenterMap>>(client.request("GET", "/v1/coordinate/datacenters"));
  if (!datacenters) return datacenters.error();
  Pair pair;
  std::string first_area;
  std::string second_area;
  for (const catalog::DatacenterMap& datacenter : *datacenters) {
    for (const auto& entry : datacenter.Coordinates) {
      if (!entry) continue;
      if (datacenter.Datacenter == first.datacenter && same_name(entry->Node, first.node)) {
        first_area = datacenter.AreaID;
        pair.first = entry->Coord;
      }
      if (datacenter.Datacenter == second.datacenter && same_name(entry->Node, second.node)) {
        second_area = datacenter.AreaID;
        pair.second = entry->Coord;
      }
      if (pair.first && pair.second && first_area == second_area) return pair;
    }
  }
  return Pair{};  // coordinates of different areas cannot be compared
}

int run_rtt(const Context& context) {
  std::vector<std::string> nodes = context.arguments;
  if (nodes.empty() || nodes.size() > 2) {
    return fail_with_help(context, "One or two node names must be specified");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const bool wan = context.flags.boolean("wan");
  if (nodes.size() == 1) {
    const auto self = client->fetch<AgentSelf>(client->request("GET", "/v1/agent/self"));
    if (!self) return fail(context, "Unable to look up agent info: " + self.error().detail);
    nodes.push_back(wan ? self->Config.NodeName + '.' + self->Config.Datacenter : self->Config.NodeName);
  }
  Result<Pair> pair;
  if (wan) {
    const std::optional<WanName> first = wan_name(nodes[0]);
    const std::optional<WanName> second = wan_name(nodes[1]);
    if (!first || !second) {
      return fail(context, "Node names must be specified as <node name>.<datacenter> with -wan");
    }
    pair = wan_pair(*client, *first, *second);
  } else {
    pair = lan_pair(*client, nodes);
  }
  if (!pair) return fail(context, "Error getting coordinates: " + pair.error().detail);
  for (const auto& [coordinate, node] : {std::pair(&pair->first, &nodes[0]), {&pair->second, &nodes[1]}}) {
    if (!*coordinate) return fail(context, "Could not find a coordinate for node " + base::quote(*node));
  }
  const double seconds = catalog::seconds_between(*pair->first, *pair->second);
  if (std::isinf(seconds)) {
    return fail(context, "The coordinates of " + base::quote(nodes[0]) + " and " + base::quote(nodes[1]) +
                             " have different dimensions");
  }
  char distance[64];
  std::snprintf(distance, sizeof distance, "%.3f ms", seconds * 1000);
  context.ui.output("Estimated " + nodes[0] + " <-> " + nodes[1] + " rtt: " + distance + " (using " +
                    (wan ? "WAN" : "LAN") + " coordinates)");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "rtt",
     .synopsis = "Estimate the round trip time between two nodes",
     .usage = "rtt [options] NODE1 [NODE2]",
     .help = R"(  Computes it from the network coordinates that gossip keeps; nothing is sent between
  the two. Without NODE2 it is from the agent's own node.

      $ consul rtt n1 n2
      $ consul rtt -wan n1.dc1 n2.dc2)",
     .flags = {kRttFlags, kClientFlags},
     .run = run_rtt},
};

}  // namespace

std::span<const Command> rtt_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
