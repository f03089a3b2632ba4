// operator usage instances.
#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/text.h"

namespace proconsul::agent::cli {

struct ServiceUsage {
  base::Int Nodes{};
  base::Int Services{};
  base::Map<base::Int> ConnectServiceInstances{};
  base::Int BillableServiceInstances{};
};
PROCONSUL_DECLARE_TYPE(ServiceUsage)

PROCONSUL_DESCRIBE_TYPE(ServiceUsage, "api.ServiceUsage") {
  type.field("Nodes", &ServiceUsage::Nodes);
  type.field("Services", &ServiceUsage::Services);
  type.field("ConnectServiceInstances", &ServiceUsage::ConnectServiceInstances);
  type.field("BillableServiceInstances", &ServiceUsage::BillableServiceInstances);
}

/// GET /v1/operator/usage, by datacenter.
struct UsageAnswer {
  base::Map<ServiceUsage> Usage{};
};
PROCONSUL_DECLARE_TYPE(UsageAnswer)

PROCONSUL_DESCRIBE_TYPE(UsageAnswer, "api.Usage") {
  type.field("Usage", &UsageAnswer::Usage);
}

namespace {

using base::Result;
using Usages = base::Map<ServiceUsage>;

constexpr TabLayout kLayout{.minimum = 0, .padding = 6};

constexpr Flag kUsageFlags[] = {
    {.name = "all-datacenters", .kind = FlagKind::boolean, .help = "Count in every datacenter."},
    {.name = "billable",
     .kind = FlagKind::boolean,
     .help = "Only services that are neither proxies nor gateways nor the servers themselves."},
    {.name = "connect", .kind = FlagKind::boolean, .help = "Only the parts of the mesh: proxies and gateways."},
};

std::string trimmed_table(const std::string& text) {
  return std::string(trim_space(align_tabs(text, kLayout)));
}

std::string billable_table(const Usages& usages, bool with_datacenter) {
  std::string text = with_datacenter ? "Datacenter\t" : "";
  text += "Services\tService instances\n";
  std::int64_t services = 0;
  std::int64_t instances = 0;
  for (const auto& [datacenter, usage] : usages) {
    if (with_datacenter) text += datacenter + '\t';
    text += std::to_string(usage.Services) + '\t' + std::to_string(usage.BillableServiceInstances) + '\n';
    services += usage.Services;
    instances += usage.BillableServiceInstances;
  }
  if (with_datacenter) {
    text += "\t\t\nTotal\t" + std::to_string(services) + '\t' + std::to_string(instances) + '\n';
  }
  return trimmed_table(text);
}

std::string connect_table(const Usages& usages, bool with_datacenter) {
  std::string text = with_datacenter ? "Datacenter\t" : "";
  text += "Type\tService instances\n";
  std::int64_t instances = 0;
  for (const auto& [datacenter, usage] : usages) {
    for (const auto& [type, count] : usage.ConnectServiceInstances) {
      if (with_datacenter) text += datacenter + '\t';
      text += type + '\t' + std::to_string(count) + '\n';
      instances += count;
    }
  }
  if (with_datacenter) text += "\t\t\nTotal\t\t" + std::to_string(instances) + '\n';
  return trimmed_table(text);
}

std::string node_table(const Usages& usages) {
  std::string text = "Datacenter\tCount\t\t\n";
  std::int64_t nodes = 0;
  for (const auto& [datacenter, usage] : usages) {
    text += datacenter + '\t' + std::to_string(usage.Nodes) + '\n';
    nodes += usage.Nodes;
  }
  return trimmed_table(text + "\t\nTotal\t" + std::to_string(nodes));
}

int run_instances(const Context& context) {
  if (!context.arguments.empty()) return too_many_arguments(context, "0");
  const bool only_billable = context.flags.boolean("billable");
  const bool only_connect = context.flags.boolean("connect");
  const bool all = context.flags.boolean("all-datacenters");
  if (only_billable && only_connect) return fail(context, "Cannot specify both -billable and -connect flags");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  ApiRequest request = client->request("GET", "/v1/operator/usage");
  apply_stale(context, request);
  if (all) request.set("global", "");
  const Result<UsageAnswer> answer = client->fetch<UsageAnswer>(request);
  if (!answer) return fail(context, "Error fetching usage information: " + answer.error().detail);
  const Usages& usages = answer->Usage;
  const Ui& ui = context.ui;
  if (!only_connect) {
    std::int64_t total = 0;
    for (const auto& [datacenter, usage] : usages) total += usage.BillableServiceInstances;
    ui.output("Billable Service Instances Total: " + std::to_string(total));
    for (const auto& [datacenter, usage] : usages) {
      ui.output(datacenter + " Billable Service Instances: " + std::to_string(usage.BillableServiceInstances));
    }
    ui.output("\nBillable Services");
    ui.output(billable_table(usages, all) + '\n');
    ui.output("\nNodes");
    ui.output(node_table(usages) + "\n\n");
  }
  if (!only_billable) {
    ui.output("Connect Services");
    ui.output(connect_table(usages, all));
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "operator usage",
     .synopsis = "Count what is registered",
     .usage = "operator usage <subcommand> [options]",
     .help = R"(  Counts of nodes, services and instances, by default of the agent's datacenter.)"},
    {.name = "operator usage instances",
     .synopsis = "Count services, instances and nodes",
     .usage = "operator usage instances [options]",
     .help = R"(  Prints how many services, instances and nodes are registered.

      $ consul operator usage instances
      $ consul operator usage instances -all-datacenters)",
     .flags = {kUsageFlags, kClientFlags, kServerFlags},
     .run = run_instances},
};

}  // namespace

std::span<const Command> usage_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
