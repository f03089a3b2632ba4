// The flags by which a command registers a gateway, and the service that they describe. Error texts are Consul's.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/cli/api_client.h"
#include "agent/cli/command.h"
#include "agent/config/address.h"
#include "agent/http/agent_types.h"
#include "base/result.h"
#include "catalog/types/service.h"

namespace proconsul::agent::cli {

inline constexpr Flag kGatewayRegistrationFlags[] = {
    {.name = "address",
     .kind = FlagKind::text,
     .help = "LAN address of the registration: an IP address, or IP:PORT; templates are expanded. The port is 8443 if "
             "none is given.",
     .value_name = "ip:port"},
    {.name = "bind-address",
     .kind = FlagKind::list,
     .help = "Address to listen at instead of those of the registration, under a name of your choice. May be repeated.",
     .value_name = "name=ip:port"},
    {.name = "deregister-after-critical",
     .kind = FlagKind::text,
     .help = "How long the check of the gateway may fail before the agent removes the registration.",
     .value_name = "duration",
     .default_value = "6h"},
    {.name = "expose-servers",
     .kind = FlagKind::boolean,
     .help = "Lead to this datacenter's servers too, for federation through mesh gateways. Needs -register."},
    {.name = "register", .kind = FlagKind::boolean, .help = "Register the gateway with the agent before it starts."},
    {.name = "service",
     .kind = FlagKind::text,
     .help = "Name of the gateway's service; by default its kind, such as mesh-gateway.",
     .value_name = "name"},
    {.name = "wan-address",
     .kind = FlagKind::text,
     .help = "Address that other datacenters reach the gateway by, as -address; with a port, the host may be a name.",
     .value_name = "host:port"},
};

/// What is registered of a gateway.
struct GatewayRegistration {
  std::string kind{};     // "mesh-gateway"
  std::string service{};  // its name
  std::string id{};       // empty: the name
  // Without a host: not known, then the service has none.
  catalog::ServiceAddress lan{.Address = {}, .Port = 8443};
  catalog::ServiceAddress wan{.Address = {}, .Port = 8443};
  std::map<std::string, catalog::ServiceAddress> bind{};  // by names that mean nothing
  bool expose_servers{};
  std::string deregister_after{"6h"};
};

/// An address as -address takes it, templates expanded.
base::Result<catalog::ServiceAddress> parse_gateway_address(const std::string& text, const config::Surroundings& host);

/// What the flags of kGatewayRegistrationFlags say of a gateway of this kind. The detail of an error is what Go's flag
/// package would say: report it by bad_flag().
base::Result<GatewayRegistration> gateway_of_flags(const FlagValues& flags, std::string_view kind,
                                                   const config::Surroundings& host);
/// Says what is wrong with a flag, and the usage below; returns the exit code 1.
int bad_flag(const Context& context, std::string_view why);

/// The service to register: address, tagged addresses, metadata, how the proxy binds, and a TCP check, which API
/// gateways do not have. An error says which address is of no use.
base::Result<catalog::ServiceDefinition> gateway_service(const GatewayRegistration& gateway,
                                                         const config::Surroundings& host);

/// Registers it. The detail of an error is the whole message.
base::Result<> register_gateway(ApiClient& client, const catalog::ServiceDefinition& service);

/// The one gateway of this kind that the agent has; an error says that it has none, or several.
base::Result<http::AgentService> find_gateway(ApiClient& client, std::string_view kind);

}  // namespace proconsul::agent::cli
