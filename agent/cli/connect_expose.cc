// connect expose.
#include <algorithm>

#include "agent/cli/client_flags.h"
#include "agent/cli/intention_client.h"
#include "agent/cli/mesh_commands.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/value.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using base::Value;

constexpr Flag kExposeFlags[] = {
    {.name = "host", .kind = FlagKind::list, .help = "A further name by which requests find it. May be repeated."},
    {.name = "ingress-gateway",
     .kind = FlagKind::text,
     .help = "The gateway, perhaps as partition/namespace/name. Required.",
     .value_name = "name"},
    {.name = "port", .kind = FlagKind::integer, .help = "Port on which the gateway listens for it. Required."},
    {.name = "protocol", .kind = FlagKind::text, .help = "What is spoken there.", .default_value = "tcp"},
    {.name = "service",
     .kind = FlagKind::text,
     .help = "The service, perhaps as partition/namespace/name. Required.",
     .value_name = "name"},
};

std::string text_at(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  const std::string* text = found ? found->as_string() : nullptr;
  return text ? *text : "";
}

std::int64_t number_at(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  return found ? static_cast<std::int64_t>(found->number()) : 0;
}

Value::ListType& list_at(Value& map, const std::string& key) {
  Value& value = (*map.as_map())[key];
  return value.as_list() ? *value.as_list() : value.make_list();
}

/// Empty means the default, letter case nothing.
bool same_tenant(std::string a, std::string b) {
  for (std::string* each : {&a, &b}) {
    if (each->empty()) *each = "default";
    std::ranges::transform(*each, each->begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
  return a == b;
}

void set_tenant(Value& map, const IntentionTarget& target) {
  if (!target.name_space.empty()) (*map.as_map())["Namespace"] = target.name_space;
  if (!target.partition.empty()) (*map.as_map())["Partition"] = target.partition;
}

void set_tenant(ApiRequest& request, const IntentionTarget& target) {
  if (!target.name_space.empty()) request.set("ns", target.name_space);
  if (!target.partition.empty()) request.set("partition", target.partition);
}

struct Exposure {
  IntentionTarget gateway{}, service{};
};

Result<Exposure> exposure_of(const FlagValues& flags) {
  if (flags.text("service").empty()) {
    return {Errc::invalid_argument, "A service name must be given via the -service flag."};
  }
  Result<IntentionTarget> service = parse_intention_target(flags.text("service"));
  if (!service) return {service.error().code, "Invalid service name: " + service.error().detail};
  if (flags.text("ingress-gateway").empty()) {
    return {Errc::invalid_argument, "An ingress gateway service must be given via the -ingress-gateway flag."};
  }
  Result<IntentionTarget> gateway = parse_intention_target(flags.text("ingress-gateway"));
  if (!gateway) return {gateway.error().code, "Invalid ingress gateway name: " + gateway.error().detail};
  if (flags.integer("port") == 0) return {Errc::invalid_argument, "A port must be provided via the -port flag."};
  return Exposure{std::move(*gateway), std::move(*service)};
}

/// The gateway's entry as the agent has it, or a new one.
Result<Value> gateway_entry(ApiClient& client, const IntentionTarget& gateway) {
  ApiRequest request = client.request("GET", "/v1/config/ingress-gateway/" + gateway.name);
  set_tenant(request, gateway);
  const Result<ApiResponse> read = client.call(request);
  if (read) {
    Result<Value> entry = base::from_json<Value>(read->body, {.input = base::JsonInput::first});
    if (!entry) return entry;
    if (!entry->as_map()) return {Errc::corrupt, "the config entry is no object"};
    return entry;
  }
  if (read.error().detail.find("Config entry not found") == std::string::npos) return read.error();
  Value entry;
  entry.make_map()["Kind"] = "ingress-gateway";
  (*entry.as_map())["Name"] = gateway.name;
  set_tenant(entry, gateway);
  return entry;
}

/// Puts the service behind the gateway's listener of this port, which it makes if there is none; the rest of the entry
/// stays as the agent gave it. The detail of an error is the whole message.
Result<> expose(const Context& context, const IntentionTarget& target, Value& entry) {
  const std::int64_t port = context.flags.integer("port");
  const std::string& protocol = context.flags.text("protocol");
  Value service;
  service.make_map()["Name"] = target.name;
  set_tenant(service, target);
  if (const auto& hosts = context.flags.list("host"); !hosts.empty()) {
    Value::ListType& list = (*service.as_map())["Hosts"].make_list();
    for (const std::string& host : hosts) list.emplace_back(host);
  }
  Value::ListType& listeners = list_at(entry, "Listeners");
  const auto listener =
      std::ranges::find_if(listeners, [&](const Value& one) { return one.as_map() && number_at(one, "Port") == port; });
  if (listener == listeners.end()) {
    Value made;
    Value::MapType& fields = made.make_map();
    fields["Port"] = port;
    fields["Protocol"] = protocol;
    fields["Services"].make_list().push_back(std::move(service));
    listeners.push_back(std::move(made));
    return {};
  }
  if (text_at(*listener, "Protocol") != protocol) {
    return {Errc::conflict, "Listener on port " + std::to_string(port) +
                                " already configured with conflicting protocol " +
                                base::quote(text_at(*listener, "Protocol"))};
  }
  Value::ListType& services = list_at(*listener, "Services");
  const auto same = std::ranges::find_if(services, [&](const Value& one) {
    return one.as_map() && text_at(one, "Name") == target.name &&
           same_tenant(text_at(one, "Namespace"), target.name_space) &&
           same_tenant(text_at(one, "Partition"), target.partition);
  });
  if (same == services.end()) {
    services.push_back(std::move(service));
    return {};
  }
  context.ui.output("Updating service definition for " + base::quote(context.flags.text("service")) +
                    " on listener with port " + std::to_string(port));
  *same = std::move(service);
  return {};
}

std::string exact_name(const IntentionTarget& target) {
  if (target.partition.empty() && target.name_space.empty()) return target.name;
  const std::string name = (target.name_space.empty() ? "default" : target.name_space) + "/" + target.name;
  return target.partition.empty() ? name : target.partition + "/" + name;
}

Result<> allow(ApiClient& client, const Exposure& exposure) {
  Intention intention;
  intention.SourcePartition = exposure.gateway.partition;
  intention.SourceNS = exposure.gateway.name_space;
  intention.SourceName = exposure.gateway.name;
  intention.DestinationPartition = exposure.service.partition;
  intention.DestinationNS = exposure.service.name_space;
  intention.DestinationName = exposure.service.name;
  intention.SourceType = "consul";
  intention.Action = "allow";
  ApiRequest request = client.request("PUT", "/v1/connect/intentions/exact");
  request.set("source", exact_name(exposure.gateway));
  request.set("destination", exact_name(exposure.service));
  request.body = base::to_json(intention);
  const Result<ApiResponse> done = client.call(request);
  return done ? Result<>{} : Result<>{done.error()};
}

int run_expose(const Context& context) {
  std::optional<ApiClient> client = connect(context, "Error initializing client");
  if (!client) return 1;
  const Result<Exposure> exposure = exposure_of(context.flags);
  if (!exposure) return fail(context, exposure.error().detail);
  Result<Value> entry = gateway_entry(*client, exposure->gateway);
  if (!entry) {
    return fail(context, "Error fetching existing ingress gateway configuration: " + entry.error().detail);
  }
  if (Result<> exposed = expose(context, exposure->service, *entry); !exposed) {
    return fail(context, exposed.error().detail);
  }
  ApiRequest request = client->request("PUT", "/v1/config");
  set_tenant(request, exposure->gateway);
  // Unless somebody else has changed it meanwhile.
  request.set("cas", std::to_string(static_cast<std::uint64_t>(number_at(*entry, "ModifyIndex"))));
  entry->as_map()->erase("Hash");  // it counts anew
  request.body = base::to_json(*entry);
  const Result<ApiResponse> written = client->call(request);
  if (!written) return fail(context, "Error writing ingress config entry: " + written.error().detail);
  if (written->body.find("true") == std::string::npos) {
    return fail(context, "Ingress config entry was changed while attempting to update, please try again.");
  }
  context.ui.output("Successfully updated config entry for ingress service " + base::quote(exposure->gateway.name));

  const std::string& gateway = context.flags.text("ingress-gateway");
  const std::string& service = context.flags.text("service");
  const std::string both = base::quote(gateway) + " -> " + base::quote(service);
  const Result<base::Pointer<Intention>> before = find_intention(context, *client, gateway, service);
  if (!before) return fail(context, "Error looking up existing intention: " + before.error().detail);
  if (*before && (*before)->Action == "allow") {
    context.ui.output("Intention already exists for " + both);
    return 0;
  }
  if (Result<> allowed = allow(*client, *exposure); !allowed) {
    return fail(context, "Error upserting intention: " + allowed.error().detail);
  }
  context.ui.output("Successfully set up intention for " + both);
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "connect",
     .synopsis = "Work with the service mesh",
     .usage = "connect <subcommand> [options] [args]",
     .help = R"(  What is special about services that reach each other through proxies.)"},
    {.name = "connect expose",
     .synopsis = "Put a service of the mesh behind an ingress gateway",
     .usage = "connect expose -service=NAME -ingress-gateway=NAME -port=PORT [options]",
     .help = R"(  Adds the service to the gateway's config entry, and allows the gateway to call it.

      $ consul connect expose -service=web -ingress-gateway=ingress -port=8443)",
     .flags = {kExposeFlags, kClientFlags, kServerFlags},
     .run = run_expose,
     .bad_flag = BadFlag::repeated_as_parse_failure},
};

}  // namespace

std::span<const Command> connect_expose_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
