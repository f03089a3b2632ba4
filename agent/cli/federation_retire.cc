// federation retire-gateway.
#include <algorithm>
#include <set>

#include "agent/cli/client_flags.h"
#include "agent/cli/federation_commands.h"
#include "agent/invite/retirement.h"
#include "agent/rpc/federation_types.h"
#include "base/type_of.h"
#include "base/value.h"
#include "wanfed/known.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using base::Value;
using invite::Gateways;

constexpr Flag kFlags[] = {
    {.name = "datacenter",
     .kind = FlagKind::text,
     .help = "Datacenter of the gateway; by default the agent's own.",
     .value_name = "name"},
};

struct Self {
  std::string datacenter{};
  std::string node{};
};

Result<Self> ask_self(ApiClient& client) {
  const Result<Value> self = client.fetch<Value>(client.request("GET", "/v1/agent/self"));
  if (!self) return self.error();
  const auto text = [&](std::string_view key) {
    const Value* config = self->find("Config");
    const Value* value = config ? config->find(key) : nullptr;
    return value && value->as_string() ? *value->as_string() : std::string();
  };
  return Self{.datacenter = text("Datacenter"), .node = text("NodeName")};
}

/// Open connections of the built-in gateway, where the agent runs it.
std::optional<std::int64_t> open_connections(ApiClient& client) {
  const Result<Value> metrics = client.fetch<Value>(client.request("GET", "/v1/agent/metrics"));
  const Value* gauges = metrics ? metrics->find("Gauges") : nullptr;
  if (!gauges || !gauges->as_list()) return std::nullopt;
  for (const Value& gauge : *gauges->as_list()) {
    const Value* name = gauge.find("Name");
    const Value* value = gauge.find("Value");
    if (!name || !name->as_string() || !value || !name->as_string()->ends_with("mesh_gateway.active")) continue;
    return static_cast<std::int64_t>(value->number());
  }
  return std::nullopt;
}

/// What `asked` knows of the mesh gateways of `of`.
Result<Gateways> known_in(ApiClient& client, const std::string& asked, const std::string& of) {
  ApiRequest request = client.request("GET", "/v1/internal/federation-states");
  request.set("dc", asked);
  const auto states = client.fetch<base::List<base::Pointer<catalog::FederationState>>>(request);
  if (!states) return states.error();
  for (const auto& state : *states) {
    if (state && state->Datacenter == of) return state->MeshGateways;
  }
  return Gateways{};
}

/// Those that join datacenters, as the catalog has them now.
Result<Gateways> gateways_now(ApiClient& client, const std::string& datacenter) {
  const Result<Gateways> known = known_in(client, datacenter, datacenter);
  if (!known) return known;
  std::set<std::string> names;
  for (const catalog::CheckServiceNode& each : *known) {
    if (each.Service) names.insert(each.Service->Service);
  }
  Gateways gateways;
  for (const std::string& name : names) {
    ApiRequest request = client.request("GET", "/v1/health/service/" + name);
    request.set("dc", datacenter);
    Result<Gateways> instances = client.fetch<Gateways>(request);
    if (!instances) return instances;
    for (catalog::CheckServiceNode& each : *instances) {
      if (!each.Service || each.Service->Kind != catalog::kKindMeshGateway) continue;
      const auto meta = each.Service->Meta.find(wanfed::kFederationMeta);
      if (meta != each.Service->Meta.end() && meta->second == "1") gateways.push_back(std::move(each));
    }
  }
  return gateways;
}

int run_retire(const Context& context) {
  if (context.arguments.size() > 1) return too_many_arguments(context, "1");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  invite::GatewayView view;
  view.datacenter = context.flags.text("datacenter");
  const Result<Self> self = ask_self(*client);
  if (!self) return fail(context, "Error asking the agent: " + self.error().detail);
  if (view.datacenter.empty()) view.datacenter = self->datacenter;
  Result<Gateways> now = gateways_now(*client, view.datacenter);
  if (!now) return fail(context, "Error asking for mesh gateways: " + now.error().detail);
  view.now = std::move(*now);
  const std::string wanted = context.arguments.empty() ? "" : context.arguments[0];
  const Result<const catalog::CheckServiceNode*> gateway = invite::find_gateway(view.now, wanted);
  if (!gateway) return fail(context, gateway.error().detail);
  const auto datacenters = client->fetch<base::List<std::string>>(client->request("GET", "/v1/catalog/datacenters"));
  if (!datacenters) return fail(context, "Error asking for datacenters: " + datacenters.error().detail);
  for (const std::string& datacenter : *datacenters) {
    if (datacenter == view.datacenter) continue;
    view.elsewhere.emplace(datacenter, known_in(*client, datacenter, view.datacenter));
  }

  const bool is_here = view.datacenter == self->datacenter && (*gateway)->Node && (*gateway)->Node->Node == self->node;
  if (is_here) view.connections = open_connections(*client);

  const std::string shown = invite::shown_gateway(**gateway);
  const std::vector<std::string> reasons = invite::reasons_to_stay(view, **gateway);
  if (reasons.empty()) {
    context.ui.output("Mesh gateway " + shown + " may go: the other datacenters know another way.");
    if (!view.connections) {
      context.ui.output(
          "Whether connections still run through it, the agent that runs it knows: ask there (-http-addr).");
    }
    return 0;
  }
  context.ui.output("Mesh gateway " + shown + " must stay for now:");
  for (const std::string& reason : reasons) context.ui.output("  " + reason);
  return 1;
}

constexpr Command kCommands[] = {
    {.name = "federation retire-gateway",
     .synopsis = "Ask whether a mesh gateway may be taken away",
     .usage = "federation retire-gateway [options] [ID|ADDRESS]",
     .help = R"(  Says whether the gateway is needed: whether its datacenter has another healthy one, and
  whether every other datacenter knows of that already. Ends with 0 if it may go, else with
  1 and the reasons. Changes nothing. Asked of the agent that runs the built-in gateway it
  counts its connections too. Needs operator:read, agent:read, and to read the gateways.)",
     .flags = {kFlags, kClientFlags},
     .run = run_retire},
};

}  // namespace

std::span<const Command> federation_retire_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
