#include "agent/cli/gateway_registration.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/config/template.h"
#include "base/json.h"
#include "base/net/connection.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "base/type_of.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;
using catalog::ServiceAddress;

constexpr std::int64_t kDefaultPort = 8443;
constexpr std::string_view kLan = "lan";
constexpr std::string_view kWan = "wan";

Error wrong(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

Error bad_value(std::string_view value, std::string_view flag, const std::string& why) {
  return wrong("invalid value " + base::quote(value) + " for flag -" + std::string(flag) + ": " + why);
}

/// Whether a socket of this host can be bound to it.
bool can_bind(const ServiceAddress& address, const config::Surroundings& host) {
  const std::optional<config::Ip> ip = config::Ip::parse(address.Address);
  return ip && std::ranges::any_of(host.interfaces, [&](const auto& interface) { return interface.ip == *ip; });
}

std::string joined(const std::string& host, std::int64_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

Value shown(const ServiceAddress& address) {
  Value::MapType fields;
  fields.emplace("Address", address.Address);
  fields.emplace("Port", address.Port);
  return Value(std::move(fields));
}

/// Where the proxy listens. Nothing: by its own rules.
Result<std::optional<base::Map<Value>>> binding(const GatewayRegistration& gateway, const config::Surroundings& host) {
  base::Map<Value> config;
  if (!gateway.bind.empty()) {
    Value::MapType addresses;
    for (const auto& [name, address] : gateway.bind) addresses.emplace(name, shown(address));
    config["envoy_gateway_no_default_bind"] = true;
    config["envoy_gateway_bind_addresses"] = Value(std::move(addresses));
    return std::optional(std::move(config));
  }
  const bool lan = can_bind(gateway.lan, host);
  if (lan && can_bind(gateway.wan, host)) {
    config["envoy_gateway_no_default_bind"] = true;
    config["envoy_gateway_bind_tagged_addresses"] = true;
    return std::optional(std::move(config));
  }
  if (!lan && !gateway.lan.Address.empty()) {
    return wrong("The LAN address " + base::quote(gateway.lan.Address) +
                 " will not be bindable. Either set a bindable address or override the bind addresses with "
                 "-bind-address");
  }
  return std::optional<base::Map<Value>>{};
}

}  // namespace

Result<ServiceAddress> parse_gateway_address(const std::string& text, const config::Surroundings& host) {
  const Result<std::string> expanded = config::expand_template(text, host);
  if (!expanded) return wrong("Error parsing address " + base::quote(text) + ": " + expanded.error().detail);
  Result<base::net::HostPort> parts = base::net::split_host_port(*expanded);
  if (!parts && !parts.error().detail.ends_with("missing port in address")) {
    return wrong("Error parsing address " + base::quote(*expanded) + ": " + parts.error().detail);
  }
  if (!parts) {
    if (!config::Ip::parse(*expanded)) {
      return wrong("Error parsing address " + base::quote(*expanded) + ": not an IP address");
    }
    return ServiceAddress{.Address = *expanded, .Port = kDefaultPort};
  }
  if (parts->port.empty()) return ServiceAddress{.Address = std::move(parts->host), .Port = kDefaultPort};
  const Result<std::int64_t> port = base::parse_atoi(parts->port);
  if (!port) return wrong("Error parsing port " + base::quote(parts->port) + ": " + port.error().detail);
  return ServiceAddress{.Address = std::move(parts->host), .Port = *port};
}

Result<GatewayRegistration> gateway_of_flags(const FlagValues& flags, std::string_view kind,
                                             const config::Surroundings& host) {
  GatewayRegistration gateway{.kind = std::string(kind), .service = flags.text("service")};
  if (gateway.service.empty()) gateway.service = kind;
  gateway.expose_servers = flags.boolean("expose-servers");
  gateway.deregister_after = flags.text("deregister-after-critical");
  for (const auto& [flag, address] : {std::pair{"address", &gateway.lan}, std::pair{"wan-address", &gateway.wan}}) {
    if (!flags.is_set(flag)) continue;
    Result<ServiceAddress> parsed = parse_gateway_address(flags.text(flag), host);
    if (!parsed) return bad_value(flags.text(flag), flag, parsed.error().detail);
    // Neither host nor port is no address: the default stays.
    if (!parsed->Address.empty() || parsed->Port != 0) *address = std::move(*parsed);
  }
  for (const std::string& text : flags.list("bind-address")) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return bad_value(text, "bind-address", "Missing \"=\" in argument: " + text);
    Result<ServiceAddress> parsed = parse_gateway_address(text.substr(equals + 1), host);
    if (!parsed) return bad_value(text, "bind-address", parsed.error().detail);
    gateway.bind[text.substr(0, equals)] = std::move(*parsed);
  }
  return gateway;
}

int bad_flag(const Context& context, std::string_view why) {
  context.ui.error(why);
  context.ui.error("Usage:" + flag_usage(context.command));
  return 1;
}

Result<catalog::ServiceDefinition> gateway_service(const GatewayRegistration& gateway,
                                                   const config::Surroundings& host) {
  Result<std::optional<base::Map<Value>>> bound = binding(gateway, host);
  if (!bound) return bound.error();
  catalog::ServiceDefinition service;
  service.Kind = gateway.kind;
  service.Name = gateway.service;
  service.ID = gateway.id.empty() ? gateway.service : gateway.id;
  service.Address = gateway.lan.Address;
  service.Port = gateway.lan.Port;
  if (!gateway.lan.Address.empty()) service.TaggedAddresses[std::string(kLan)] = gateway.lan;
  if (!gateway.wan.Address.empty()) service.TaggedAddresses[std::string(kWan)] = gateway.wan;
  if (gateway.expose_servers) service.Meta["consul-wan-federation"] = "1";
  if (*bound) {
    catalog::ConnectProxyConfig proxy;
    proxy.Config = std::move(**bound);
    service.Proxy = base::Pointer<catalog::ConnectProxyConfig>(std::move(proxy));
  }
  if (gateway.kind == catalog::kKindApiGateway) return service;

  const Result<base::Duration> after = base::parse_duration(gateway.deregister_after);
  if (!after) return wrong("-deregister-after-critical: " + after.error().detail);
  service.Check.Name = gateway.kind + " listening";
  // The gateway is on the agent's machine, or at least in its network.
  service.Check.TCP = joined(gateway.lan.Address.empty() ? "127.0.0.1" : gateway.lan.Address, gateway.lan.Port);
  service.Check.Interval = base::seconds(10);
  service.Check.DeregisterCriticalServiceAfter = *after;
  return service;
}

Result<> register_gateway(ApiClient& client, const catalog::ServiceDefinition& service) {
  ApiRequest request = client.request("PUT", "/v1/agent/service/register");
  request.body = base::to_json(service);
  const Result<ApiResponse> done = client.call(request);
  if (done) return {};
  return {done.error().code, "Error registering service " + base::quote(service.Name) + ": " + done.error().detail};
}

Result<http::AgentService> find_gateway(ApiClient& client, std::string_view kind) {
  const std::string name(kind);
  ApiRequest request = client.request("GET", "/v1/agent/services");
  request.set("filter", "Kind == `" + name + "`");
  auto found = client.fetch<base::Map<http::AgentService>>(request);
  if (!found) return {found.error().code, "Failed looking up " + name + " instances: " + found.error().detail};
  if (found->empty()) return {Errc::not_found, "No " + name + " services registered with this agent"};
  if (found->size() > 1) {
    return {Errc::conflict, "Cannot lookup the " + name + "'s proxy ID because multiple are registered with the agent"};
  }
  return std::move(found->begin()->second);
}

}  // namespace proconsul::agent::cli
