// federation list, status and doctor.
#include <algorithm>
#include <cstdio>

#include "agent/cli/client_flags.h"
#include "agent/cli/federation_commands.h"
#include "agent/cli/text.h"
#include "agent/doctor/report.h"
#include "base/json.h"
#include "base/type_of.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using doctor::DatacenterStatus;

constexpr int kUnhealthyCode = 2;

constexpr Flag kFormatFlag[] = {
    {.name = "format", .kind = FlagKind::text, .help = "pretty or json.", .default_value = "pretty"},
};

bool knows_format(const Context& context) {
  const std::string& format = context.flags.text("format");
  if (format == "pretty" || format == "json") return true;
  fail(context, "Unknown format: " + format);
  return false;
}

template <class T>
std::optional<T> ask(const Context& context, const char* path) {
  if (!context.arguments.empty()) {
    too_many_arguments(context, "0");
    return std::nullopt;
  }
  if (!knows_format(context)) return std::nullopt;
  std::optional<ApiClient> client = connect(context);
  if (!client) return std::nullopt;
  ApiRequest request = client->request("GET", path);
  apply_stale(context, request);
  Result<T> found = client->fetch<T>(request);
  if (!found) {
    std::string why = found.error().detail;
    if (why.find("404") != why.npos || why.find("can't find") != why.npos) {
      why += "\nThe server that was asked does not know of this: a Consul server, or an older Proconsul.";
    }
    fail(context, "Error asking about the federation: " + why);
    return std::nullopt;
  }
  return std::move(*found);
}

bool as_json(const Context& context, const std::string& compact) {
  if (context.flags.text("format") != "json") return false;
  context.ui.output(indented_json(compact, "    "));
  return true;
}

std::string fraction(std::int64_t part, std::int64_t all) {
  return std::to_string(part) + "/" + std::to_string(all);
}

std::string milliseconds(base::Duration time) {
  if (time.nanoseconds == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(time.nanoseconds) / 1e6);
  return text;
}

std::string list_of(const base::List<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out.empty() ? "-" : out;
}

/// 0: all is well, or works even so.
int code_of(const doctor::Status& status) {
  return std::ranges::any_of(status.Datacenters, [](const DatacenterStatus& row) { return row.State == "failed"; })
             ? kUnhealthyCode
             : 0;
}

std::string datacenters_text(const doctor::Status& status) {
  std::vector<std::vector<std::string>> rows{
      {"Datacenter", "Primary", "Way", "State", "Servers", "Gateways", "Addresses", "Round Trip"}};
  for (const DatacenterStatus& row : status.Datacenters) {
    rows.push_back({row.Name + (row.Own ? " (own)" : ""), row.Primary ? "yes" : "no", row.Way, row.State,
                    fraction(row.ServersAlive, row.ServersKnown), fraction(row.GatewaysHealthy, row.GatewaysKnown),
                    list_of(row.GatewayAddresses), milliseconds(row.RoundTrip)});
  }
  return columns(rows);
}

int run_list(const Context& context) {
  const auto status = ask<doctor::Status>(context, "/v1/internal/federation/status");
  if (!status) return 1;
  if (!as_json(context, base::to_json(status->Datacenters))) context.ui.output(datacenters_text(*status));
  return code_of(*status);
}

std::string time_text(const base::Time& time) {
  return time.is_zero() ? "never" : base::to_rfc3339(time);
}

std::string status_text(const doctor::Status& status) {
  std::string out = "Datacenter:  " + status.Datacenter + "\nServer:      " + status.Node +
                    "\nPrimary:     " + status.PrimaryDatacenter +
                    "\nWay:         " + (status.ThroughGateways ? "through mesh gateways" : "traditional") +
                    "\nLeader:      " + (status.Leader.empty() ? "did not tell" : status.Leader) + "\n\n";
  std::vector<std::vector<std::string>> rows{
      {"Datacenter", "State", "Way", "Gateway", "Dials", "Failures", "Last Failure", "Last Error"}};
  for (const DatacenterStatus& row : status.Datacenters) {
    if (row.Own) continue;
    rows.push_back({row.Name, row.State, row.Way, row.Gateway.empty() ? "-" : row.Gateway, std::to_string(row.Dials),
                    std::to_string(row.Failures), time_text(row.LastFailure),
                    row.LastError.empty() ? "-" : row.LastError});
  }
  out += rows.size() == 1 ? "No other datacenter is known." : columns(rows);
  if (status.Copying.empty()) return out;
  rows = {{"Copied From " + status.PrimaryDatacenter, "Index", "Lag", "Last Success", "Last Error"}};
  for (const doctor::CopyingStatus& row : status.Copying) {
    rows.push_back({row.Kind, std::to_string(row.Index), row.PrimaryIndex ? std::to_string(row.Lag) : "-",
                    time_text(row.LastSuccess), row.Error.empty() ? "-" : time_text(row.LastError) + ": " + row.Error});
  }
  return out + "\n\n" + columns(rows);
}

int run_status(const Context& context) {
  const auto status = ask<doctor::Status>(context, "/v1/internal/federation/status");
  if (!status) return 1;
  if (!as_json(context, base::to_json(*status))) context.ui.output(status_text(*status));
  return code_of(*status);
}

std::string report_text(const doctor::Report& report) {
  std::vector<std::vector<std::string>> rows{{"Result", "Datacenter", "Layer", "Hop", "Detail"}};
  for (const doctor::Hop& hop : report.Hops) {
    rows.push_back({hop.Result, hop.Datacenter, hop.Layer, hop.What, hop.Detail.empty() ? "-" : hop.Detail});
  }
  std::string out = columns(rows) + "\n\n";
  bool first = true;
  for (const doctor::Cause& cause : report.Causes) {
    const bool warning = cause.Warning;
    out += warning ? "Warning: " : first ? "Fix this first: " : "Then: ";
    out += cause.Cause + " [" + cause.Code + "]\n  " + cause.Fix + "\n";
    first = false;
  }
  return out + (report.Healthy ? "The federation is healthy, as " : "The federation is not healthy, as ") +
         report.Node + " of " + report.Datacenter + " sees it.";
}

int run_doctor(const Context& context) {
  const auto report = ask<doctor::Report>(context, "/v1/internal/federation/doctor");
  if (!report) return 1;
  if (!as_json(context, base::to_json(*report))) context.ui.output(report_text(*report));
  return report->Healthy ? 0 : kUnhealthyCode;
}

constexpr Command kCommands[] = {
    {.name = "federation list",
     .synopsis = "List the datacenters as this one knows them",
     .usage = "federation list [options]",
     .help = R"(  Prints for each datacenter by which way it is reached, how many of its servers are alive in
  the WAN pool, and its mesh gateways. The ways are tried for that. The exit code is 0, 2 if a
  datacenter is not reached, and 1 if nothing could be asked. It needs operator:read.)",
     .flags = {kFormatFlag, kClientFlags, kServerFlags},
     .run = run_list},
    {.name = "federation status",
     .synopsis = "Show the ways to other datacenters, and what is copied from the primary",
     .usage = "federation status [options]",
     .help = R"(  Prints by which way each datacenter is reached and what became of calls, and how far ACLs,
  config entries with intentions, and federation states are copied from the primary. Exit codes
  are those of federation list.)",
     .flags = {kFormatFlag, kClientFlags, kServerFlags},
     .run = run_status},
    {.name = "federation doctor",
     .synopsis = "Try every way and say what is to be fixed first",
     .usage = "federation doctor [options]",
     .help = R"(  Tries all hops from the server that is asked to every other datacenter, compares how both
  ends are configured, and names the cause that is to be fixed first. The exit code is 0 if the
  federation is healthy, also with warnings, 2 if it is not, and 1 if nothing could be asked.
  It needs operator:read; what a token may see elsewhere is seen there, too.

      $ consul federation doctor
      $ consul federation doctor -datacenter=dc2 -format=json)",
     .flags = {kFormatFlag, kClientFlags, kServerFlags},
     .run = run_doctor},
};

}  // namespace

std::span<const Command> federation_status_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
