// services export, exported-services.
#include <algorithm>

#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/text.h"
#include "base/filter/filter.h"
#include "base/quote.h"
#include "base/value.h"

namespace proconsul::agent::cli {

/// An element of GET /v1/exported-services.
struct ExportedService {
  struct Consumer {
    base::List<std::string> Peers{};
    base::List<std::string> Partitions{};
  };
  std::string Service{};
  std::string Partition{};
  std::string Namespace{};
  Consumer Consumers{};
};
PROCONSUL_DECLARE_TYPE(ExportedService::Consumer)
PROCONSUL_DECLARE_TYPE(ExportedService)

PROCONSUL_DESCRIBE_TYPE(ExportedService::Consumer, "api.ResolvedConsumers") {
  type.field("Peers", &ExportedService::Consumer::Peers).omit_empty();
  type.field("Partitions", &ExportedService::Consumer::Partitions).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ExportedService, "api.ResolvedExportedService") {
  type.field("Service", &ExportedService::Service);
  type.field("Partition", &ExportedService::Partition).omit_empty();
  type.field("Namespace", &ExportedService::Namespace).omit_empty();
  type.field("Consumers", &ExportedService::Consumers);
}

namespace {

using base::Errc;
using base::Result;
using base::Value;

constexpr std::string_view kConnectFailed = "Error connect to Consul agent";

// ---- export

constexpr Flag kExportFlags[] = {
    {.name = "consumer-partitions",
     .kind = FlagKind::text,
     .help = "Admin partitions that may use the service, with commas between. This edition has but one.",
     .value_name = "list"},
    {.name = "consumer-peers",
     .kind = FlagKind::text,
     .help = "Peers that may use the service, with commas between.",
     .value_name = "list"},
    {.name = "name", .kind = FlagKind::text, .help = "The service. Required."},
};

Result<std::vector<std::string>> names_of(const std::string& list, std::string_view what) {
  std::vector<std::string> names;
  if (list.empty()) return names;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    names.push_back(list.substr(start, end - start));
    if (names.back().empty()) return {Errc::invalid_argument, "Invalid " + std::string(what) + " \"\""};
    start = end + 1;
  }
  return names;
}

std::string text_at(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  const std::string* text = found == nullptr ? nullptr : found->as_string();
  return text == nullptr ? "" : *text;
}

Value::ListType& list_at(Value& map, const std::string& key) {
  Value& value = (*map.as_map())[key];
  return value.as_list() == nullptr ? value.make_list() : *value.as_list();
}

void add_consumers(Value& service, const std::string& kind, const std::vector<std::string>& names) {
  Value::ListType& consumers = list_at(service, "Consumers");
  for (const std::string& name : names) {
    const bool known =
        std::ranges::any_of(consumers, [&](const Value& consumer) { return text_at(consumer, kind) == name; });
    if (known) continue;
    Value consumer;
    consumer.make_map()[kind] = name;
    consumers.push_back(std::move(consumer));
  }
}

/// Adds the consumers to the entry, which stays otherwise as the agent gave it.
void export_service(Value& entry, const std::string& name, const std::string& name_space,
                    const std::vector<std::string>& peers, const std::vector<std::string>& partitions) {
  Value::ListType& services = list_at(entry, "Services");
  auto service = std::ranges::find_if(services, [&](const Value& one) {
    return one.as_map() != nullptr && text_at(one, "Name") == name && text_at(one, "Namespace") == name_space;
  });
  if (service == services.end()) {
    Value made;
    made.make_map()["Name"] = name;
    if (!name_space.empty()) (*made.as_map())["Namespace"] = name_space;
    services.push_back(std::move(made));
    service = services.end() - 1;
  }
  add_consumers(*service, "Peer", peers);
  add_consumers(*service, "Partition", partitions);
}

int run_export(const Context& context) {
  const std::string& name = context.flags.text("name");
  const std::string& peer_list = context.flags.text("consumer-peers");
  const std::string& partition_list = context.flags.text("consumer-partitions");
  if (name.empty()) return fail(context, "Missing the required -name flag");
  if (peer_list.empty() && partition_list.empty()) {
    return fail(context, "Missing the required -consumer-peers or -consumer-partitions flag");
  }
  const Result<std::vector<std::string>> peers = names_of(peer_list, "peer");
  if (!peers) return fail(context, peers.error().detail);
  const Result<std::vector<std::string>> partitions = names_of(partition_list, "partition");
  if (!partitions) return fail(context, partitions.error().detail);
  std::optional<ApiClient> client = connect(context, kConnectFailed);
  if (!client) return 1;

  const std::string& partition = context.flags.text("partition");
  const std::string entry_name = partition.empty() ? "default" : partition;
  Value entry;
  const Result<ApiResponse> read =
      client->call(client->request("GET", "/v1/config/exported-services/" + entry_name), {200});
  if (read) {
    Result<Value> decoded = base::from_json<Value>(read->body, {.input = base::JsonInput::first});
    if (!decoded || decoded->as_map() == nullptr) {
      return fail(context, "Error reading config entry exported-services/default: " +
                               (decoded ? "not an object" : decoded.error().detail));
    }
    entry = std::move(*decoded);
  } else if (read.error().detail.find("Config entry not found") != std::string::npos) {
    entry.make_map()["Kind"] = "exported-services";
    (*entry.as_map())["Name"] = entry_name;
  } else {
    return fail(context, "Error reading config entry exported-services/default: " + read.error().detail);
  }
  const Value* index = entry.find("ModifyIndex");
  ApiRequest request = client->request("PUT", "/v1/config");
  request.set("cas", std::to_string(index == nullptr ? 0 : static_cast<std::uint64_t>(index->number())));
  export_service(entry, name, context.flags.text("namespace"), *peers, *partitions);
  request.body = base::to_json(entry);
  const Result<ApiResponse> written = client->call(request);
  if (!written) return fail(context, "Error writing config entry: " + written.error().detail);
  if (written->body.find("true") == std::string::npos) {
    return fail(context, "Config entry was changed during update. Please try again");
  }
  std::string said = "Successfully exported service " + base::quote(name) + " to ";
  if (!peer_list.empty()) said += "cluster peers " + base::quote(peer_list);
  if (!peer_list.empty() && !partition_list.empty()) said += " and to ";
  if (!partition_list.empty()) said += "partitions " + base::quote(partition_list);
  context.ui.output(said);
  return 0;
}

// ---- exported-services

constexpr Flag kExportedFlags[] = {
    {.name = "filter", .kind = FlagKind::text, .help = "Filter expression."},
    {.name = "format", .kind = FlagKind::text, .help = "pretty or json.", .default_value = "pretty"},
};

std::string joined(const base::List<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

int run_exported(const Context& context) {
  const std::string& format = context.flags.text("format");
  if (format != "pretty" && format != "json") {
    return fail(context, "Invalid format, valid formats are {pretty|json}");
  }
  std::optional<ApiClient> client = connect(context, kConnectFailed);
  if (!client) return 1;
  ApiRequest request = client->request("GET", "/v1/exported-services");
  apply_stale(context, request);
  auto services = client->fetch<base::List<ExportedService>>(request);
  if (!services) return fail(context, "Error reading exported services: " + services.error().detail);
  if (const std::string& expression = context.flags.text("filter"); !expression.empty()) {
    const auto filter = base::filter::Filter::compile(expression, base::type_of<ExportedService>());
    if (!filter) {
      return fail(context, "Error while creating filter: Failed to create boolean expression evaluator: " +
                               filter.error().detail);
    }
    std::erase_if(*services, [&](const ExportedService& service) { return !filter->matches(service); });
  }
  if (services->empty()) {
    context.ui.output("No exported services found");
    return 0;
  }
  if (format == "json") {
    context.ui.output(indented_json(base::to_json(*services), "    "));
    return 0;
  }
  const bool with_partition = !services->front().Partition.empty();
  std::vector<std::vector<std::string>> rows{{"Service", "Consumer Peers"}};
  if (with_partition) rows[0] = {"Service", "Partition", "Namespace", "Consumer Peers", "Consumer Partitions"};
  for (const ExportedService& service : *services) {
    const std::string peers = joined(service.Consumers.Peers);
    rows.push_back(service.Partition.empty()
                       ? std::vector<std::string>{service.Service, peers}
                       : std::vector<std::string>{service.Service, service.Partition, service.Namespace, peers,
                                                  joined(service.Consumers.Partitions)});
  }
  context.ui.table(rows);
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "services export",
     .synopsis = "Let peers use a service",
     .usage = "services export [options] -name=NAME -consumer-peers=PEERS",
     .help = R"(  Adds consumers of a service to the config entry exported-services.

      $ consul services export -name=web -consumer-peers=east,west)",
     .flags = {kExportFlags, kClientFlags, kTenancyFlags},
     .run = run_export},
    {.name = "services exported-services",
     .synopsis = "List the services that others may use",
     .usage = "services exported-services [options]",
     .help = R"(  Prints the services that the config entry exported-services names, and for whom.)",
     .flags = {kExportedFlags, kClientFlags, kServerFlags, kPartitionFlags},
     .run = run_exported},
};

}  // namespace

std::span<const Command> export_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
