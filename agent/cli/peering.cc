// peering generate-token|establish|list|read|delete|exported-services.
#include <algorithm>

#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/mesh_commands.h"
#include "agent/cli/text.h"
#include "agent/http/peering_endpoint.h"
#include "base/json.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using http::PeeringEstablishBody;
using http::PeeringTokenAnswer;
using http::PeeringTokenBody;
using http::ShownPeering;

constexpr std::string_view kConnectFailed = "Error connect to Consul agent";
constexpr std::string_view kConnectingFailed = "Error connecting to Consul agent";

constexpr Flag kName{.name = "name", .kind = FlagKind::text, .help = "What the peer is called here. Required."};
constexpr Flag kFormat{.name = "format", .kind = FlagKind::text, .help = "pretty or json.", .default_value = "pretty"};
constexpr Flag kMeta{.name = "meta",
                     .kind = FlagKind::map,
                     .help = "Metadata of the peering, as key=value. May be given several times.",
                     .value_name = "key=value"};

constexpr Flag kGenerateFlags[] = {
    kFormat,
    kMeta,
    kName,
    {.name = "server-external-addresses",
     .kind = FlagKind::text,
     .help = "Where the other side reaches the servers instead of their own addresses: host:port, with commas between.",
     .value_name = "list"},
};
constexpr Flag kEstablishFlags[] = {
    kMeta,
    kName,
    {.name = "peering-token", .kind = FlagKind::text, .help = "The token that the other side made. Required."},
};
constexpr Flag kListFlags[] = {kFormat};
constexpr Flag kReadFlags[] = {kFormat, kName};
constexpr Flag kDeleteFlags[] = {kName};

bool has_name(const Context& context) {
  if (!context.flags.text("name").empty()) return true;
  fail(context, "Missing the required -name flag");
  return false;
}

bool has_format(const Context& context) {
  const std::string& format = context.flags.text("format");
  if (format == "pretty" || format == "json") return true;
  fail(context, "Invalid format, valid formats are {json|pretty}");
  return false;
}

bool wants_json(const Context& context) {
  return context.flags.text("format") == "json";
}

base::Map<std::string> meta_of(const Context& context) {
  base::Map<std::string> meta;
  for (const auto& [key, value] : context.flags.map("meta")) meta[key] = value;
  return meta;
}

int run_generate(const Context& context) {
  if (!has_name(context) || !has_format(context)) return 1;
  std::optional<ApiClient> client = connect(context, kConnectFailed);
  if (!client) return 1;
  PeeringTokenBody body{
      .PeerName = context.flags.text("name"), .Partition = context.flags.text("partition"), .Meta = meta_of(context)};
  const std::string& addresses = context.flags.text("server-external-addresses");
  for (std::size_t start = 0; !addresses.empty() && start <= addresses.size();) {
    const std::size_t end = std::min(addresses.find(',', start), addresses.size());
    body.ServerExternalAddresses.push_back(addresses.substr(start, end - start));
    start = end + 1;
  }
  ApiRequest request = client->request("POST", "/v1/peering/token");
  request.body = base::to_json(body);
  const auto made = client->fetch<PeeringTokenAnswer>(request);
  if (!made) return fail(context, "Error generating peering token for " + body.PeerName + ": " + made.error().detail);
  wants_json(context) ? context.ui.output(base::to_json(*made)) : context.ui.output(made->PeeringToken);
  return 0;
}

int run_establish(const Context& context) {
  if (!has_name(context)) return 1;
  if (context.flags.text("peering-token").empty()) return fail(context, "Missing the required -peering-token flag");
  std::optional<ApiClient> client = connect(context, kConnectingFailed);
  if (!client) return 1;
  const PeeringEstablishBody body{.PeerName = context.flags.text("name"),
                                  .PeeringToken = context.flags.text("peering-token"),
                                  .Partition = context.flags.text("partition"),
                                  .Meta = meta_of(context)};
  ApiRequest request = client->request("POST", "/v1/peering/establish");
  request.body = base::to_json(body);
  if (const auto made = client->call(request); !made) {
    return fail(context, "Error establishing peering for " + body.PeerName + ": " + made.error().detail);
  }
  context.ui.output("Successfully established peering connection with " + body.PeerName);
  return 0;
}

int run_list(const Context& context) {
  if (!has_format(context)) return 1;
  std::optional<ApiClient> client = connect(context, kConnectFailed);
  if (!client) return 1;
  auto found = client->fetch<base::List<ShownPeering>>(client->request("GET", "/v1/peerings"));
  if (!found) return fail(context, "Error listing peerings: " + found.error().detail);
  std::ranges::sort(*found, {}, &ShownPeering::Name);
  if (wants_json(context)) {
    context.ui.output(base::to_json(*found));
    return 0;
  }
  if (found->empty()) {
    context.ui.output("There are no peering connections.");
    return 0;
  }
  std::vector<std::vector<std::string>> rows{{"Name", "State", "Imported Svcs", "Exported Svcs", "Meta"}};
  for (const ShownPeering& peering : *found) {
    std::string meta;
    for (const auto& [key, value] : peering.Meta) meta += (meta.empty() ? "" : ",") + key + '=' + value;
    rows.push_back({peering.Name, peering.State, std::to_string(peering.StreamStatus.ImportedServices.size()),
                    std::to_string(peering.StreamStatus.ExportedServices.size()), meta});
  }
  context.ui.table(rows);
  return 0;
}

/// Nothing: it has said why.
std::optional<ShownPeering> read_one(const Context& context) {
  if (!has_name(context) || !has_format(context)) return std::nullopt;
  std::optional<ApiClient> client = connect(context, kConnectFailed);
  if (!client) return std::nullopt;
  const std::string& name = context.flags.text("name");
  const Result<ApiResponse> answered = client->call(client->request("GET", "/v1/peering/" + name), {200, 404});
  if (!answered) {
    fail(context, "Error reading peering: " + answered.error().detail);
    return std::nullopt;
  }
  if (answered->status != 200) {
    fail(context, "No peering with name " + name + " found.");
    return std::nullopt;
  }
  Result<ShownPeering> peering = base::from_json<ShownPeering>(answered->body, {.input = base::JsonInput::first});
  if (!peering) {
    fail(context, "Error reading peering: " + peering.error().detail);
    return std::nullopt;
  }
  return std::move(*peering);
}

/// As Go prints a time: "2006-01-02 15:04:05.999 +0000 UTC".
std::string shown_time(const base::Pointer<base::Time>& time) {
  if (!time) return "<nil>";
  std::string text = base::to_rfc3339(*time);
  std::ranges::replace(text, 'T', ' ');
  if (text.ends_with('Z')) text.replace(text.size() - 1, 1, " +0000 UTC");
  return text;
}

int run_read(const Context& context) {
  const std::optional<ShownPeering> peering = read_one(context);
  if (!peering) return 1;
  if (wants_json(context)) {
    context.ui.output(base::to_json(*peering));
    return 0;
  }
  std::string out = "Name:         " + peering->Name + "\nID:           " + peering->ID + '\n';
  if (!peering->Partition.empty()) out += "Partition:    " + peering->Partition + '\n';
  if (peering->DeletedAt) {
    base::Time seconds = *peering->DeletedAt;
    seconds.nanoseconds = 0;
    out += "DeletedAt:    " + base::to_rfc3339(seconds) + '\n';
  }
  out += "State:        " + peering->State + '\n';
  if (!peering->Meta.empty()) {
    out += "Meta:\n";
    for (const auto& [key, value] : peering->Meta) out += "    " + key + '=' + value + '\n';
  }
  out += "\nPeer ID:               " + peering->PeerID;
  out += "\nPeer Server Name:      " + peering->PeerServerName;
  out += "\nPeer CA Pems:          " + std::to_string(peering->PeerCAPems.size()) + '\n';
  if (!peering->PeerServerAddresses.empty()) {
    out += "Peer Server Addresses:\n";
    for (const std::string& address : peering->PeerServerAddresses) out += "    " + address;
  }
  const http::PeeringStreamStatus& status = peering->StreamStatus;
  out += "\nImported Services: " + std::to_string(status.ImportedServices.size());
  out += "\nExported Services: " + std::to_string(status.ExportedServices.size());
  out += "\n\nLast Heartbeat:    " + shown_time(status.LastHeartbeat);
  out += "\nLast Send:         " + shown_time(status.LastSend);
  out += "\nLast Receive:      " + shown_time(status.LastReceive);
  out += "\n\nCreate Index: " + std::to_string(peering->CreateIndex);
  out += "\nModify Index: " + std::to_string(peering->ModifyIndex) + '\n';
  context.ui.output(out);
  return 0;
}

/// A service as the exporting side knows it: Consul's command prints it with its enterprise fields, which are empty.
int run_exported(const Context& context) {
  const std::optional<ShownPeering> peering = read_one(context);
  if (!peering) return 1;
  std::string out;
  for (const std::string& service : peering->StreamStatus.ExportedServices) {
    if (wants_json(context)) {
      std::string id;
      base::append_json_string(id, service);
      out += (out.empty() ? "[" : ",") + ("{\"ID\":" + id + '}');
    } else {
      out += (out.empty() ? "" : "\n") + service;
    }
  }
  if (wants_json(context)) out += out.empty() ? "[]" : "]";
  context.ui.output(out);
  return 0;
}

int run_delete(const Context& context) {
  if (!has_name(context)) return 1;
  std::optional<ApiClient> client = connect(context, kConnectingFailed);
  if (!client) return 1;
  const std::string& name = context.flags.text("name");
  if (const auto gone = client->call(client->request("DELETE", "/v1/peering/" + name)); !gone) {
    return fail(context, "Error deleting peering for " + name + ": " + gone.error().detail);
  }
  context.ui.output("Successfully submitted peering connection, " + name + ", for deletion");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "peering",
     .synopsis = "Peer with other clusters",
     .usage = "peering SUBCOMMAND [options]",
     .help =
         R"(  Makes services of other clusters available here, and ours there. One side makes a token, the other establishes
  the peering with it.

      $ consul peering generate-token -name=west
      $ consul peering establish -name=east -peering-token=TOKEN)"},
    {.name = "peering delete",
     .synopsis = "Delete a peering",
     .usage = "peering delete [options] -name=NAME",
     .help =
         R"(  Ends the peering, and removes what was imported. It goes on in the background. A peering that is not there is
  deleted already.)",
     .flags = {kDeleteFlags, kClientFlags, kPartitionFlags},
     .run = run_delete},
    {.name = "peering establish",
     .synopsis = "Establish a peering with a token",
     .usage = "peering establish [options] -name=NAME -peering-token=TOKEN",
     .help = R"(  Dials the servers that the token names, and establishes the peering.)",
     .flags = {kEstablishFlags, kClientFlags, kPartitionFlags},
     .run = run_establish},
    {.name = "peering exported-services",
     .synopsis = "List the services that a peer may use",
     .usage = "peering exported-services [options] -name=NAME",
     .help = R"(  Prints the services that are exported to the peer.)",
     .flags = {kReadFlags, kClientFlags, kPartitionFlags},
     .run = run_exported},
    {.name = "peering generate-token",
     .synopsis = "Make a token for a peer",
     .usage = "peering generate-token [options] -name=NAME",
     .help =
         R"(  Makes a token with which another cluster establishes a peering with this one. It is good for one use; a new
  one replaces it.)",
     .flags = {kGenerateFlags, kClientFlags, kPartitionFlags},
     .run = run_generate},
    {.name = "peering list",
     .synopsis = "List peerings",
     .usage = "peering list [options]",
     .help = R"(  Prints all peerings of this cluster.)",
     .flags = {kListFlags, kClientFlags, kPartitionFlags},
     .run = run_list},
    {.name = "peering read",
     .synopsis = "Show a peering",
     .usage = "peering read [options] -name=NAME",
     .help = R"(  Prints a peering, and what its stream is like.)",
     .flags = {kReadFlags, kClientFlags, kPartitionFlags},
     .run = run_read},
};

}  // namespace

std::span<const Command> peering_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
