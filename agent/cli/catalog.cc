// catalog datacenters, nodes, services.
#include <map>

#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/files.h"
#include "agent/cli/text.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

void add_node_meta(const Context& context, ApiRequest& request) {
  for (const auto& [key, value] : context.flags.map("node-meta")) request.add("node-meta", key + ':' + value);
}

// ---- datacenters

int run_datacenters(const Context& context) {
  if (!context.arguments.empty()) return too_many_arguments(context, "0");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  const auto names = client->fetch<base::List<std::string>>(client->request("GET", "/v1/catalog/datacenters"));
  if (!names) return fail(context, "Error listing datacenters: " + names.error().detail);
  for (const std::string& name : *names) context.ui.output(name);
  return 0;
}

// ---- nodes

constexpr Flag kNodesFlags[] = {
    {.name = "detailed", .kind = FlagKind::boolean, .help = "Print whole ids, all addresses and the metadata."},
    {.name = "filter",
     .kind = FlagKind::text,
     .help = "Filter expression; @FILE and - for standard input are allowed."},
    {.name = "near",
     .kind = FlagKind::text,
     .help = "Sort by the estimated round trip time from this node; _agent is the agent's own.",
     .value_name = "node"},
    {.name = "node-meta",
     .kind = FlagKind::map,
     .help = "Only nodes with this metadata. May be repeated; all must match."},
    {.name = "service", .kind = FlagKind::text, .help = "Only nodes with this service.", .value_name = "name"},
};

// "a=1, b=2", by key.
std::string pairs(const base::Map<std::string>& map) {
  std::string out;
  for (const auto& [key, value] : map) {
    if (!out.empty()) out += ", ";
    out += key + '=' + value;
  }
  return out;
}

Ui::Rows node_rows(const base::List<CatalogNode>& nodes, bool detailed) {
  Ui::Rows rows{{"Node", "ID", "Address", "DC"}};
  if (detailed) rows[0].insert(rows[0].end(), {"TaggedAddresses", "Meta"});
  for (const CatalogNode& node : nodes) {
    const std::size_t dash = node.ID.find('-');
    const bool shorten = !detailed && dash != std::string::npos && dash > 0;
    rows.push_back({node.Node, shorten ? node.ID.substr(0, dash) : node.ID, node.Address, node.Datacenter});
    if (detailed) rows.back().insert(rows.back().end(), {pairs(node.TaggedAddresses), pairs(node.Meta)});
  }
  return rows;
}

int run_nodes(const Context& context) {
  if (!context.arguments.empty()) return too_many_arguments(context, "0");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> filter = load_data(context.flags.text("filter"), context.ui.in);
  if (!filter) return fail(context, "Could not process filter argument: " + filter.error().detail);

  const std::string& service = context.flags.text("service");
  ApiRequest request = client->request("GET", service.empty() ? "/v1/catalog/nodes" : "/v1/catalog/service/" + service);
  if (const std::string& near = context.flags.text("near"); !near.empty()) request.set("near", near);
  if (!filter->empty()) request.set("filter", *filter);
  add_node_meta(context, request);
  // A row of a service is a node too, but for the name of its metadata.
  Result<base::List<CatalogNode>> nodes = client->fetch<base::List<CatalogNode>>(request);
  if (!nodes) {
    return fail(context, (service.empty() ? "Error listing nodes: " : "Error listing nodes for service: ") +
                             nodes.error().detail);
  }
  if (!service.empty()) {
    for (CatalogNode& node : *nodes) node.Meta = node.NodeMeta;
  }
  if (nodes->empty()) {
    context.ui.error("No nodes match the given query - try expanding your search.");
    return 0;
  }
  context.ui.table(node_rows(*nodes, context.flags.boolean("detailed")));
  return 0;
}

// ---- services

constexpr Flag kServicesFlags[] = {
    {.name = "node", .kind = FlagKind::text, .help = "Only services of this node.", .value_name = "id or name"},
    {.name = "node-meta",
     .kind = FlagKind::map,
     .help = "Only services of nodes with this metadata. May be repeated; all must match."},
    {.name = "tags", .kind = FlagKind::boolean, .help = "Print the tags beside each service."},
};

using ServiceTags = base::Map<base::List<std::string>>;

Result<ServiceTags> services_of(ApiClient& client, const Context& context, const std::string& node) {
  ApiRequest request = client.request("GET", "/v1/catalog/node/" + node);
  add_node_meta(context, request);
  const Result<CatalogNodeServices> answer = client.fetch<CatalogNodeServices>(request);
  if (!answer) return answer.error();
  ServiceTags services;
  for (const auto& [id, service] : answer->Services) {
    base::List<std::string>& tags = services[service.Service];
    tags.insert(tags.end(), service.Tags.begin(), service.Tags.end());
  }
  return services;
}

int run_services(const Context& context) {
  if (!context.arguments.empty()) return too_many_arguments(context, "0");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  const std::string& node = context.flags.text("node");
  Result<ServiceTags> services = ServiceTags{};
  if (node.empty()) {
    ApiRequest request = client->request("GET", "/v1/catalog/services");
    add_node_meta(context, request);
    services = client->fetch<ServiceTags>(request);
  } else {
    services = services_of(*client, context, node);
  }
  if (!services) {
    return fail(context, (node.empty() ? "Error listing services: " : "Error listing services for node: ") +
                             services.error().detail);
  }
  if (services->empty()) {
    context.ui.error("No services match the given query - try expanding your search.");
    return 0;
  }
  if (!context.flags.boolean("tags")) {
    for (const auto& [name, tags] : *services) context.ui.output(name);
    return 0;
  }
  std::string table;
  for (auto& [name, tags] : *services) {
    std::sort(tags.begin(), tags.end());
    table += name + '\t';
    for (std::size_t at = 0; at < tags.size(); ++at) table += (at > 0 ? "," : "") + tags[at];
    table += '\n';
  }
  context.ui.output(trim_space(align_tabs(table, {.minimum = 0, .padding = 6})));
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "catalog",
     .synopsis = "Read the catalog",
     .usage = "catalog <subcommand> [options] [args]",
     .help = R"(  Reads what the whole cluster knows of nodes and services; an agent's own services
  are managed by "services".

      $ consul catalog datacenters
      $ consul catalog nodes
      $ consul catalog services)"},
    {.name = "catalog datacenters",
     .synopsis = "List the known datacenters",
     .usage = "catalog datacenters [options]",
     .help = R"(  Prints one datacenter a line, the nearest first.)",
     .flags = {kClientFlags, kServerFlags},
     .run = run_datacenters},
    {.name = "catalog nodes",
     .synopsis = "List the nodes of a datacenter",
     .usage = "catalog nodes [options]",
     .help = R"(  Prints the nodes of the datacenter as a table.

      $ consul catalog nodes -detailed
      $ consul catalog nodes -service=web
      $ consul catalog nodes -near=_agent -node-meta="rack=4")",
     .flags = {kNodesFlags, kClientFlags, kServerFlags, kPartitionFlags},
     .run = run_nodes},
    {.name = "catalog services",
     .synopsis = "List the services of a datacenter",
     .usage = "catalog services [options]",
     .help = R"(  Prints one service a line, by name.

      $ consul catalog services -tags
      $ consul catalog services -node=web-1)",
     .flags = {kServicesFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_services},
};

}  // namespace

std::span<const Command> catalog_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
