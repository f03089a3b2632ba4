// operator autopilot get-config, set-config, state.
#include "agent/cli/autopilot_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/text.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr std::string_view kClientFailed = "Error initializing client";
constexpr std::string_view kConfigurationPath = "/v1/operator/autopilot/configuration";

std::string boolean_text(bool value) {
  return value ? "true" : "false";
}

// ---- get-config

int run_get_config(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  ApiRequest request = client->request("GET", std::string(kConfigurationPath));
  apply_stale(context, request);
  const auto config = client->fetch<AutopilotConfiguration>(request);
  if (!config) return fail(context, "Error querying Autopilot configuration: " + config.error().detail);
  const auto show = [&](std::string_view name, const std::string& value) {
    context.ui.output(std::string(name) + " = " + value);
  };
  show("CleanupDeadServers", boolean_text(config->CleanupDeadServers));
  show("LastContactThreshold", base::to_string(config->LastContactThreshold));
  show("MaxTrailingLogs", std::to_string(config->MaxTrailingLogs));
  show("MinQuorum", std::to_string(config->MinQuorum));
  show("ServerStabilizationTime", base::to_string(config->ServerStabilizationTime));
  show("RedundancyZoneTag", base::quote(config->RedundancyZoneTag));
  show("DisableUpgradeMigration", boolean_text(config->DisableUpgradeMigration));
  show("UpgradeVersionTag", base::quote(config->UpgradeVersionTag));
  return 0;
}

// ---- set-config

constexpr Flag kSetFlags[] = {
    {.name = "cleanup-dead-servers",
     .kind = FlagKind::boolean,
     .help = "Whether dead servers are removed when others take their place.",
     .value_name = "true|false",
     .strconv_errors = true},
    {.name = "disable-upgrade-migration",
     .kind = FlagKind::boolean,
     .help = "Enterprise edition: do not migrate to servers of a newer version.",
     .value_name = "true|false",
     .strconv_errors = true},
    {.name = "last-contact-threshold",
     .kind = FlagKind::duration,
     .help = "How long a healthy server may be out of touch with the leader, such as 200ms.",
     .strconv_errors = true},
    {.name = "max-trailing-logs",
     .kind = FlagKind::number,
     .help = "How many log entries a healthy server may trail the leader.",
     .strconv_errors = true},
    {.name = "min-quorum",
     .kind = FlagKind::number,
     .help = "Fewest servers that the removal of dead ones may leave.",
     .strconv_errors = true},
    {.name = "redundancy-zone-tag",
     .kind = FlagKind::text,
     .help = "Enterprise edition: node metadata that names the redundancy zone."},
    {.name = "server-stabilization-time",
     .kind = FlagKind::duration,
     .help = "How long a new server must be healthy before it votes, such as 10s.",
     .strconv_errors = true},
    {.name = "upgrade-version-tag",
     .kind = FlagKind::text,
     .help = "Enterprise edition: node metadata that names the version to migrate by."},
};

void change(AutopilotConfiguration& config, const FlagValues& flags) {
  if (flags.is_set("cleanup-dead-servers")) config.CleanupDeadServers = flags.boolean("cleanup-dead-servers");
  if (flags.is_set("last-contact-threshold")) config.LastContactThreshold = flags.duration("last-contact-threshold");
  if (flags.is_set("max-trailing-logs")) config.MaxTrailingLogs = flags.number("max-trailing-logs");
  if (flags.is_set("min-quorum")) config.MinQuorum = flags.number("min-quorum");
  if (flags.is_set("server-stabilization-time")) {
    config.ServerStabilizationTime = flags.duration("server-stabilization-time");
  }
  if (flags.is_set("redundancy-zone-tag")) config.RedundancyZoneTag = flags.text("redundancy-zone-tag");
  if (flags.is_set("disable-upgrade-migration")) {
    config.DisableUpgradeMigration = flags.boolean("disable-upgrade-migration");
  }
  if (flags.is_set("upgrade-version-tag")) config.UpgradeVersionTag = flags.text("upgrade-version-tag");
}

int run_set_config(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  auto config = client->fetch<AutopilotConfiguration>(client->request("GET", std::string(kConfigurationPath)));
  if (!config) return fail(context, "Error querying Autopilot configuration: " + config.error().detail);
  change(*config, context.flags);

  ApiRequest request = client->request("PUT", std::string(kConfigurationPath));
  request.set("cas", std::to_string(config->ModifyIndex));
  request.body = base::to_json(*config);
  const Result<ApiResponse> written = client->call(request);
  if (!written) return fail(context, "Error setting Autopilot configuration: " + written.error().detail);
  if (written->body.find("true") == std::string::npos) {
    context.ui.output("Configuration could not be atomically updated, please try again");
    return 1;
  }
  context.ui.output("Configuration updated!");
  return 0;
}

// ---- state

constexpr Flag kStateFlags[] = {
    {.name = "format", .kind = FlagKind::text, .help = "pretty or json.", .default_value = "pretty"},
};

std::string lines(std::string_view indent, const base::List<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += std::string(indent) + value + '\n';
  return out;
}

// A titled list; nothing if it is empty.
std::string section(const std::string& indent, std::string_view title, const base::List<std::string>& values) {
  if (values.empty()) return "";
  return indent + std::string(title) + ":\n" + lines(indent + "   ", values);
}

std::string server_text(const AutopilotServer& server) {
  const auto row = [](std::string_view label, const std::string& value) {
    std::string line = "      " + std::string(label) + ':';
    line.resize(std::max<std::size_t>(line.size() + 1, 23), ' ');
    return line + value + '\n';
  };
  std::string out = "   " + server.ID + '\n' + row("Name", server.Name) + row("Address", server.Address) +
                    row("Version", server.Version) + row("Status", server.Status) + row("Node Type", server.NodeType) +
                    row("Node Status", server.NodeStatus) + row("Healthy", boolean_text(server.Healthy)) +
                    row("Last Contact", base::to_string(server.LastContact)) +
                    row("Last Term", std::to_string(server.LastTerm)) +
                    row("Last Index", std::to_string(server.LastIndex));
  if (!server.RedundancyZone.empty()) out += row("Redundancy Zone", server.RedundancyZone);
  if (!server.UpgradeVersion.empty()) out += row("Upgrade Version", server.UpgradeVersion);
  if (server.ReadReplica) out += row("Read Replica", "true");
  if (!server.Meta.empty()) out += "      Meta\n";
  for (const auto& [key, value] : server.Meta) {
    out += "         " + base::quote(key) + ": " + base::quote(value) + '\n';
  }
  return out;
}

std::string upgrade_text(const AutopilotUpgrade& upgrade) {
  const std::string indent = "   ";
  return "Upgrade:\n   Status:         " + upgrade.Status + "\n   Target Version: " + upgrade.TargetVersion + '\n' +
         section(indent, "Target Version Voters", upgrade.TargetVersionVoters) +
         section(indent, "Target Version Non-Voters", upgrade.TargetVersionNonVoters) +
         section(indent, "Target Version ReadReplicas", upgrade.TargetVersionReadReplicas) +
         section(indent, "Other Version Voters", upgrade.OtherVersionVoters) +
         section(indent, "Other Version Non-Voters", upgrade.OtherVersionNonVoters) +
         section(indent, "Other Version ReadReplicas", upgrade.OtherVersionReadReplicas);
}

std::string state_text(const AutopilotState& state) {
  std::string out = "Healthy:                      " + boolean_text(state.Healthy) +
                    "\nFailure Tolerance:            " + std::to_string(state.FailureTolerance) +
                    "\nOptimistic Failure Tolerance: " + std::to_string(state.OptimisticFailureTolerance) +
                    "\nLeader:                       " + state.Leader + "\nVoters:\n" + lines("   ", state.Voters) +
                    section("", "Read Replicas", state.ReadReplicas);
  if (!state.RedundancyZones.empty()) out += "Redundancy Zones:\n";
  for (const auto& [name, zone] : state.RedundancyZones) {
    out += "   " + name + ":\n      Failure Tolerance: " + std::to_string(zone.FailureTolerance) + "\n      Voters:\n" +
           lines("         ", zone.Voters) + "      Servers:\n" + lines("         ", zone.Servers);
  }
  if (state.Upgrade) out += upgrade_text(*state.Upgrade);
  out += "Servers:\n";
  for (const auto& [id, server] : state.Servers) out += server_text(server);
  return out;
}

int run_state(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  ApiRequest request = client->request("GET", "/v1/operator/autopilot/state");
  apply_stale(context, request);
  const Result<AutopilotState> state = client->fetch<AutopilotState>(request);
  if (!state) return fail(context, "Error querying Autopilot state: " + state.error().detail);
  const std::string& format = context.flags.text("format");
  if (format == "pretty") {
    context.ui.output(state_text(*state));
  } else if (format == "json") {
    context.ui.output(indented_json(base::to_json(*state), "    "));
  } else {
    return fail(context, "Unknown format: " + format);
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "operator autopilot",
     .synopsis = "Show and change how servers are looked after",
     .usage = "operator autopilot <subcommand> [options]",
     .help = R"(  Autopilot lets new servers vote once they are healthy and removes dead ones.)"},
    {.name = "operator autopilot get-config",
     .synopsis = "Print the autopilot configuration",
     .usage = "operator autopilot get-config [options]",
     .help = R"(  Prints the configuration as the servers hold it.)",
     .flags = {kClientFlags, kServerFlags},
     .run = run_get_config,
     .bad_flag = BadFlag::repeated_as_parse_failure},
    {.name = "operator autopilot set-config",
     .synopsis = "Change the autopilot configuration",
     .usage = "operator autopilot set-config [options]",
     .help = R"(  Changes what the options name and leaves the rest. It fails if somebody else changes
  the configuration at the same time.

      $ consul operator autopilot set-config -cleanup-dead-servers=false)",
     .flags = {kSetFlags, kClientFlags, kServerFlags},
     .run = run_set_config,
     .bad_flag = BadFlag::repeated_as_parse_failure},
    {.name = "operator autopilot state",
     .synopsis = "Print how autopilot sees the servers",
     .usage = "operator autopilot state [options]",
     .help = R"(  Prints each server's health, what it is to the cluster, and how many failures the
  cluster can bear.)",
     .flags = {kStateFlags, kClientFlags, kServerFlags},
     .run = run_state,
     .bad_flag = BadFlag::repeated_as_parse_failure},
};

}  // namespace

std::span<const Command> autopilot_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
