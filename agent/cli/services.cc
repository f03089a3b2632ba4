// services register, deregister.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/service_files.h"
#include "agent/cli/text.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "catalog/types/service.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using catalog::ServiceDefinition;

struct HostPort {
  std::string host{};
  std::string port{};
};

// net.SplitHostPort with its error texts.
Result<HostPort> split_host_port(const std::string& text) {
  const auto refuse = [&](std::string_view why) -> base::Error {
    return {Errc::invalid_argument, "address " + text + ": " + std::string(why)};
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refuse("missing port in address");
  HostPort parts;
  std::size_t unbracketed = 0;  // where brackets may no longer stand
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string::npos) return refuse("missing ']' in address");
    if (end + 1 == text.size()) return refuse("missing port in address");
    if (end + 1 != colon)
      return refuse(text[end + 1] == ':' ? "too many colons in address" : "missing port in address");
    parts.host = text.substr(1, end - 1);
    unbracketed = end + 1;
    if (text.find('[', 1) < text.size()) return refuse("unexpected '[' in address");
  } else {
    parts.host = text.substr(0, colon);
    if (parts.host.find(':') != std::string::npos) return refuse("too many colons in address");
    if (text.find('[') != std::string::npos) return refuse("unexpected '[' in address");
  }
  if (text.find(']', unbracketed) != std::string::npos) return refuse("unexpected ']' in address");
  parts.port = text.substr(colon + 1);
  return parts;
}

bool is_ip(const std::string& text) {
  in6_addr buffer{};
  return ::inet_pton(AF_INET, text.c_str(), &buffer) == 1 || ::inet_pton(AF_INET6, text.c_str(), &buffer) == 1;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

bool is_numeric(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A host name may look like anything but a mistyped address.
bool resembles_ip(const std::string& text) {
  if (count(text, "..") > 0 || count(text, ":::") > 0) return true;
  if (count(text, "::") > 1 || count(text, ":") > 7) return true;
  if (count(text, ".") <= 3) return false;
  std::size_t numeric = 0;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('.', start), text.size());
    numeric += is_numeric(std::string_view(text).substr(start, end - start)) ? 1 : 0;
    start = end + 1;
  }
  return numeric > 2;
}

Result<> check_address(const std::string& address, bool may_have_port) {
  if (address.empty()) return {};
  const Result<HostPort> parts = split_host_port(address);
  const std::string& host = parts ? parts->host : address;
  if (!is_ip(host)) {
    if (resembles_ip(host)) return {Errc::invalid_argument, "malformed IP address: " + host};
    if (trim_space(host).empty()) return {Errc::invalid_argument, "address cannot be empty"};
  }
  if (!may_have_port && parts && !parts->port.empty()) {
    return {Errc::invalid_argument, "address should not contain port"};
  }
  return {};
}

Result<catalog::ServiceAddress> tagged_address(const std::string& text) {
  const Result<HostPort> parts = split_host_port(text);
  if (!parts) return parts.error();
  const Result<std::int64_t> port = base::parse_atoi(parts->port);
  if (!port) return port.error();
  return catalog::ServiceAddress{.Address = parts->host, .Port = *port};
}

// ---- register

constexpr Flag kRegisterFlags[] = {
    {.name = "address", .kind = FlagKind::text, .help = "Address of the service; by default the agent's."},
    {.name = "id", .kind = FlagKind::text, .help = "Id of the service; by default its name."},
    {.name = "kind", .kind = FlagKind::text, .help = "Kind of service, such as connect-proxy."},
    {.name = "meta", .kind = FlagKind::map, .help = "Metadata. May be repeated."},
    {.name = "name", .kind = FlagKind::text, .help = "Name of the service."},
    {.name = "port", .kind = FlagKind::integer, .help = "Port of the service."},
    {.name = "socket",
     .kind = FlagKind::text,
     .help = "Unix socket instead of address and port.",
     .value_name = "path"},
    {.name = "tag", .kind = FlagKind::list, .help = "A tag. May be repeated."},
    {.name = "tagged-address",
     .kind = FlagKind::map,
     .help = "An address for a purpose, such as wan=198.51.100.7:80. May be repeated.",
     .value_name = "name=address:port"},
};

/// The service that the flags describe; the detail of an error is the whole message.
Result<ServiceDefinition> service_of_flags(const FlagValues& flags) {
  const std::string& address = flags.text("address");
  if (Result<> checked = check_address(address, false); !checked) {
    return {Errc::invalid_argument,
            "Invalid Service address when using CLI flags. Use -port flag instead: " + checked.error().detail};
  }
  ServiceDefinition service;
  for (const auto& [name, text] : flags.map("tagged-address")) {
    Result<catalog::ServiceAddress> tagged = tagged_address(text);
    if (!tagged) return {Errc::invalid_argument, "Invalid Tagged address: " + tagged.error().detail};
    if (Result<> checked = check_address(tagged->Address, true); !checked) {
      return {Errc::invalid_argument,
              "Invalid Tagged address for tagged address '" + name + "': " + checked.error().detail};
    }
    service.TaggedAddresses[name] = std::move(*tagged);
  }
  service.Kind = flags.text("kind");
  service.ID = flags.text("id");
  service.Name = flags.text("name");
  service.Address = address;
  service.Port = flags.integer("port");
  service.SocketPath = flags.text("socket");
  service.Tags = base::List<std::string>(flags.list("tag"));
  for (const auto& [key, value] : flags.map("meta")) service.Meta[key] = value;
  return service;
}

Result<> check_addresses(const base::List<ServiceDefinition>& services) {
  for (const ServiceDefinition& service : services) {
    if (Result<> checked = check_address(service.Address, false); !checked) {
      return {Errc::invalid_argument, "Invalid Service address for service '" + service.Name +
                                          "'. Use port field instead: " + checked.error().detail};
    }
    for (const auto& [name, tagged] : service.TaggedAddresses) {
      if (Result<> checked = check_address(tagged.Address, true); !checked) {
        return {Errc::invalid_argument, "Invalid Tagged address for tagged address '" + name + "' in service '" +
                                            service.Name + "': " + checked.error().detail};
      }
    }
  }
  return {};
}

int run_register(const Context& context) {
  Result<ServiceDefinition> described = service_of_flags(context.flags);
  if (!described) return fail(context, described.error().detail);
  const bool has_files = !context.arguments.empty();
  const bool has_name = !described->Name.empty();
  if (!has_files && !has_name) return fail(context, "Service registration requires at least one argument or flags.");
  if (has_files && has_name) return fail(context, "Service registration requires arguments or -id, not both.");

  base::List<ServiceDefinition> services;
  if (has_files) {
    Result<base::List<ServiceDefinition>> read = read_service_files(context.arguments, context.ui);
    if (!read) return fail(context, "Error: " + read.error().detail);
    services = std::move(*read);
    if (Result<> checked = check_addresses(services); !checked) return fail(context, checked.error().detail);
  } else {
    services.push_back(std::move(*described));
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  for (const ServiceDefinition& service : services) {
    ApiRequest request = client->request("PUT", "/v1/agent/service/register");
    request.body = base::to_json(service);
    if (const Result<ApiResponse> done = client->call(request); !done) {
      return fail(context, "Error registering service " + base::quote(service.Name) + ": " + done.error().detail);
    }
    context.ui.output("Registered service: " + service.Name);
  }
  return 0;
}

// ---- deregister

constexpr Flag kDeregisterFlags[] = {
    {.name = "id", .kind = FlagKind::text, .help = "Id of the service to remove, instead of files."},
};

int run_deregister(const Context& context) {
  const std::string& id = context.flags.text("id");
  if (context.arguments.empty() && id.empty()) {
    return fail(context, "Service deregistration requires at least one argument or -id.");
  }
  if (!context.arguments.empty() && !id.empty()) {
    return fail(context, "Service deregistration requires arguments or -id, not both.");
  }
  std::vector<std::string> ids{id};
  if (!context.arguments.empty()) {
    const Result<base::List<ServiceDefinition>> read = read_service_files(context.arguments, context.ui);
    if (!read) return fail(context, "Error: " + read.error().detail);
    ids.clear();
    for (const ServiceDefinition& service : *read) ids.push_back(service.ID.empty() ? service.Name : service.ID);
    std::erase(ids, "");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  for (const std::string& service : ids) {
    const ApiRequest request = client->request("PUT", "/v1/agent/service/deregister/" + service);
    if (const Result<ApiResponse> done = client->call(request); !done) {
      return fail(context, "Error deregistering service " + base::quote(service) + ": " + done.error().detail);
    }
    context.ui.output("Deregistered service: " + service);
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "services",
     .synopsis = "Register and deregister services of an agent",
     .usage = "services <subcommand> [options] [args]",
     .help = R"(  Changes the services of one agent; "catalog" reads those of the whole cluster.)"},
    {.name = "services deregister",
     .synopsis = "Remove services from the agent",
     .usage = "services deregister [options] [FILE...]",
     .help = R"(  Removes the services that the files define, or the one of -id. It must go to the agent
  that registered them.

      $ consul services deregister web.json db.hcl
      $ consul services deregister -id=web)",
     .flags = {kDeregisterFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_deregister},
    {.name = "services register",
     .synopsis = "Register services with the agent",
     .usage = "services register [options] [FILE...]",
     .help = R"(  Registers the services that the files define in the agent's configuration language, or
  the one that the options describe. They stay until they are deregistered.

      $ consul services register web.json
      $ consul services register -name=web -port=80 -tag=blue)",
     .flags = {kRegisterFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_register},
};

}  // namespace

std::span<const Command> service_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
