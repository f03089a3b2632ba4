#include "agent/local/rules.h"

#include <arpa/inet.h>

#include <array>

#include "base/json.h"
#include "base/quote.h"
#include "catalog/registry/validate.h"

namespace proconsul::agent::local {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

enum class Family : std::uint8_t { none, v4, v6 };

Family family_of(const std::string& address) {
  std::uint8_t bytes[16];
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1) return Family::v4;
  if (inet_pton(AF_INET6, address.c_str(), bytes) != 1) return Family::none;
  return IN6_IS_ADDR_V4MAPPED(reinterpret_cast<const in6_addr*>(bytes)) ? Family::v4 : Family::v6;
}

}  // namespace

bool is_alias(const catalog::CheckSettings& check) {
  return !check.AliasNode.empty() || !check.AliasService.empty();
}

std::string_view check_type(const catalog::CheckSettings& check) {
  const bool periodic = check.Interval.nanoseconds > 0;
  if (periodic && !check.GRPC.empty()) return "grpc";
  if (periodic && !check.HTTP.empty()) return "http";
  if (check.TTL.nanoseconds > 0) return "ttl";
  if (periodic && !check.TCP.empty()) return "tcp";
  if (periodic && !check.UDP.empty()) return "udp";
  if (is_alias(check)) return "alias";
  if (periodic && !check.ScriptArgs.empty() && !check.DockerContainerID.empty()) return "docker";
  if (!check.ScriptArgs.empty()) return "script";
  if (periodic && !check.H2PING.empty()) return "h2ping";
  if (periodic && !check.OSService.empty()) return "os_service";
  return {};
}

Result<> validate_check(const catalog::CheckSettings& check) {
  const bool periodic = !check.ScriptArgs.empty() || !check.HTTP.empty() || !check.TCP.empty() || !check.UDP.empty() ||
                        !check.GRPC.empty() || !check.H2PING.empty() || !check.OSService.empty();
  const bool alias = is_alias(check);
  const bool interval = check.Interval.nanoseconds > 0;
  const bool ttl = check.TTL.nanoseconds > 0;
  if (interval && ttl) return fail("Interval and TTL cannot both be specified");
  if (periodic && !interval) {
    return fail("Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks");
  }
  if (periodic && alias) return fail("Interval cannot be set for Alias checks");
  if (alias && ttl) return fail("TTL must be not be set for Alias checks");
  if (!periodic && !alias && !ttl) return fail("TTL must be > 0 for TTL checks");
  if (check.OutputMaxSize < 0) return fail("MaxOutputMaxSize must be positive");
  if (check.FailuresBeforeWarning > check.FailuresBeforeCritical) {
    return fail("FailuresBeforeWarning can't be higher than FailuresBeforeCritical");
  }
  return {};
}

catalog::NodeService to_node_service(const catalog::ServiceDefinition& definition) {
  catalog::NodeService service;
  service.Kind = definition.Kind;
  service.ID = definition.ID.empty() ? definition.Name : definition.ID;
  service.Service = definition.Name;
  service.Tags = definition.Tags;
  service.Address = definition.Address;
  service.Meta = definition.Meta;
  service.Port = definition.Port;
  service.SocketPath = definition.SocketPath;
  service.Weights = definition.Weights;
  service.EnableTagOverride = definition.EnableTagOverride;
  service.Locality = definition.Locality;
  service.TaggedAddresses = definition.TaggedAddresses;
  if (definition.Connect) service.Connect.edit() = *definition.Connect;
  if (definition.Proxy) {
    catalog::ConnectProxyConfig& proxy = service.Proxy.edit();
    proxy = *definition.Proxy;
    for (catalog::Upstream& upstream : proxy.Upstreams) {
      if (upstream.DestinationType.empty()) upstream.DestinationType = "service";
    }
  }
  return service;
}

Result<> tag_addresses(catalog::NodeService& service) {
  service.TaggedAddresses.make_present();
  for (const auto& [name, family] :
       {std::pair{"lan_ipv4", Family::v4}, {"wan_ipv4", Family::v4}, {"lan_ipv6", Family::v6}}) {
    const auto given = service.TaggedAddresses.find(name);
    if (given == service.TaggedAddresses.end() || family_of(given->second.Address) == family) continue;
    return {Errc::internal, "Service tagged address " + base::quote(name) + " must be a valid " +
                                (family == Family::v4 ? "ipv4" : "ipv6") + " address"};
  }
  const Family own = family_of(service.Address);
  if (own == Family::none) return {};
  for (const char* name : own == Family::v4 ? std::array{"lan_ipv4", "wan_ipv4"} : std::array{"lan_ipv6", "wan_ipv6"}) {
    service.TaggedAddresses.try_emplace(name, catalog::ServiceAddress{service.Address, service.Port});
  }
  return {};
}

Result<> validate_service(const catalog::ServiceDefinition& definition) {
  for (const auto& check : definition.Checks) {
    if (Result<> valid = validate_check(*check); !valid) {
      return fail("check " + base::quote(check->Name) + ": " + valid.error().detail);
    }
  }
  return catalog::validate_service(to_node_service(definition));
}

catalog::CheckType to_check_type(const catalog::CheckDefinition& definition) {
  catalog::CheckType check;
  static_cast<catalog::CheckSettings&>(check) = definition;
  check.CheckID = definition.ID;
  check.Name = definition.Name;
  check.Status = definition.Status;
  check.Notes = definition.Notes;
  return check;
}

catalog::HealthCheck to_health_check(const catalog::CheckDefinition& definition, const std::string& node) {
  catalog::HealthCheck check{};
  check.Node = node;
  check.CheckID = definition.ID.empty() ? definition.Name : definition.ID;
  check.Name = definition.Name;
  check.Status = definition.Status.empty() ? std::string(catalog::kHealthCritical) : definition.Status;
  check.Notes = definition.Notes;
  check.ServiceID = definition.ServiceID;
  check.Interval = base::to_string(definition.Interval);
  check.Timeout = base::to_string(definition.Timeout);
  return check;
}

std::vector<catalog::CheckType> check_types(const catalog::ServiceDefinition& definition) {
  static const std::string kNothing = base::to_json(catalog::CheckType{});
  std::vector<catalog::CheckType> checks;
  if (base::to_json(definition.Check) != kNothing) checks.push_back(definition.Check);
  for (const base::Pointer<catalog::CheckType>& check : definition.Checks) {
    if (check) checks.push_back(*check);
  }
  return checks;
}

}  // namespace proconsul::agent::local
