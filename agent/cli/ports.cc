// troubleshoot ports.
#include <algorithm>
#include <future>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/connection.h"

namespace proconsul::agent::cli {
namespace {

constexpr std::string_view kDefaultPorts = "8600,8500,8501,8502,8503,8301,8302,8300";
constexpr int kTimeoutMs = 5000;

constexpr Flag kPortsFlags[] = {
    {.name = "host",
     .kind = FlagKind::text,
     .help = "The server's host. By default that of CONSUL_HTTP_ADDR.",
     .value_name = "host"},
    {.name = "ports",
     .kind = FlagKind::text,
     .help = "Ports to try, with commas between; by default those that servers listen on.",
     .value_name = "list"},
};

// The host alone, of what may be an address of the HTTP API.
std::string host_of(std::string text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string::npos) text.erase(0, scheme + 3);
  text = text.substr(0, text.find('/'));
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  const std::size_t colon = text.find(':');
  // More than one colon: an IPv6 address without brackets.
  return colon != std::string::npos && text.find(':', colon + 1) == std::string::npos ? text.substr(0, colon) : text;
}

int run_ports(const Context& context) {
  std::string host = context.flags.text("host");
  if (host.empty()) host = context.environment("CONSUL_HTTP_ADDR").value_or(std::string());
  if (host.empty()) return fail(context, "-host is required. or set environment variable CONSUL_HTTP_ADDR");
  std::string list = context.flags.text("ports");
  if (list.empty()) list = kDefaultPorts;

  struct Probe {
    std::string port{};
    std::future<bool> open{};
  };
  std::vector<Probe> probes;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    std::string port = list.substr(start, end - start);
    std::future<bool> open = std::async(
        std::launch::async, [target = host_of(host), port] { return accepts_connections(target, port, kTimeoutMs); });
    probes.push_back({.port = std::move(port), .open = std::move(open)});
    start = end + 1;
  }
  for (Probe& probe : probes) {
    const std::string what = "TCP: Port " + probe.port + " on " + host + " is ";
    context.ui.output(what + (probe.open.get() ? "open." : "closed, unreachable, or the connection timed out."));
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "troubleshoot",
     .synopsis = "Look for causes of trouble",
     .usage = "troubleshoot <subcommand> [options]",
     .help = R"(  Looks from here at what other parts of the cluster see.)"},
    {.name = "troubleshoot ports",
     .synopsis = "Try to connect to a server's ports",
     .usage = "troubleshoot ports [options]",
     .help = R"(  Tells which ports of a host take TCP connections. The exit code is 0 even if none does.

      $ consul troubleshoot ports -host=10.0.0.1
      $ consul troubleshoot ports -host=10.0.0.1 -ports=8300,8500)",
     .flags = {kPortsFlags},
     .run = run_ports,
     .bad_flag = BadFlag::repeated_as_parse_failure},
};

}  // namespace

std::span<const Command> port_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
