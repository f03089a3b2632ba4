#include "agent/config/mesh_gateway.h"

#include <utility>

#include "agent/cli/gateway_registration.h"
#include "agent/config/definition.h"
#include "base/quote.h"
#include "base/result.h"

namespace proconsul::agent::config {

using base::Result;
using catalog::ServiceAddress;

namespace {

/// Nobody waits longer for a connection to say something, and a timer that never ends is a mistake.
constexpr base::Duration kMostTime = base::seconds(7 * 24 * 3600);

}  // namespace

std::string wrong_limit(const MeshGatewayLimits& limits) {
  for (const auto& [name, number] : {std::pair{"max_connections", limits.max_connections},
                                     std::pair{"max_connections_per_source", limits.max_connections_per_source}}) {
    if (number < 0) return std::string(name) + ": cannot be negative";
  }
  for (const auto& [name, time] :
       {std::pair{"handshake_timeout", limits.handshake_timeout}, std::pair{"connect_timeout", limits.connect_timeout},
        std::pair{"idle_timeout", limits.idle_timeout}}) {
    if (time < base::milliseconds(1) || time > kMostTime) {
      return std::string(name) + ": must be between 1ms and " + base::to_string(kMostTime);
    }
  }
  if (limits.drain_timeout.nanoseconds < 0 || limits.drain_timeout > kMostTime) {
    return "drain_timeout: must be between 0s and " + base::to_string(kMostTime);
  }
  return {};
}

MeshGateway mesh_gateway(const Settings& settings, const Surroundings& host, std::vector<std::string>& errors) {
  MeshGateway out;
  const auto value = [&](const std::string& name) { return find(settings, "mesh_gateway." + name); };
  const auto wrong = [&](const std::string& name, const std::string& why) {
    errors.push_back("mesh_gateway." + name + ": " + why);
  };
  const auto address = [&](const std::string& name, const std::string& text, bool is_ip) -> ServiceAddress {
    Result<ServiceAddress> parsed = cli::parse_gateway_address(text, host);
    if (!parsed) {
      wrong(name, parsed.error().detail);
      return {};
    }
    if (is_ip && !Ip::parse(parsed->Address)) wrong(name, base::quote(text) + " should read IP:PORT");
    if (!is_ip && parsed->Address.empty()) wrong(name, base::quote(text) + " should read HOST:PORT");
    if (parsed->Port < 1 || parsed->Port > 65535) wrong(name, base::quote(text) + " has no valid port");
    // Others dial it, and would reach themselves.
    if (const auto ip = Ip::parse(parsed->Address); ip && ip->is_any() && name != "bind_addresses") {
      wrong(name, base::quote(text) + " is where to listen, not an address that others can reach: name one, and have " +
                      "this in mesh_gateway.bind_addresses");
    }
    return std::move(*parsed);
  };
  out.enabled = boolean_or(value("enabled"));
  out.service = text_or(value("service"));
  out.expose_servers = boolean_or(value("expose_servers"));
  out.token = text_or(value("token"));
  if (const std::string text = text_or(value("address")); !text.empty()) out.address = address("address", text, true);
  if (const std::string text = text_or(value("wan_address")); !text.empty()) {
    out.wan_address = address("wan_address", text, false);
  }
  for (const auto& [name, text] : text_map_of(value("bind_addresses"))) {
    out.bind_addresses[name] = address("bind_addresses", text, true);
  }
  MeshGatewayLimits& limits = out.limits;
  limits.max_connections = integer_or(value("limits.max_connections"));
  limits.max_connections_per_source = integer_or(value("limits.max_connections_per_source"));
  for (const auto& [name, time] :
       {std::pair{"handshake_timeout", &limits.handshake_timeout},
        std::pair{"connect_timeout", &limits.connect_timeout}, std::pair{"idle_timeout", &limits.idle_timeout},
        std::pair{"drain_timeout", &limits.drain_timeout}}) {
    const std::string path = std::string("limits.") + name;
    *time = read_duration("mesh_gateway." + path, value(path), errors);
  }
  if (const std::string why = wrong_limit(limits); !why.empty()) {
    errors.push_back("mesh_gateway.limits." + why);
  }
  if (!out.enabled) return out;
  if (out.service.empty()) wrong("service", "cannot be empty");
  if (out.address.Address.empty() && errors.empty()) {
    wrong("enabled", "needs mesh_gateway.address, the IP:PORT by which this datacenter reaches the gateway");
  }
  return out;
}

}  // namespace proconsul::agent::config
