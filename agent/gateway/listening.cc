#include "agent/gateway/listening.h"

#include <algorithm>
#include <string>
#include <utility>

#include "agent/config/address.h"
#include "base/quote.h"
#include "base/value.h"
#include "wanfed/known.h"

namespace proconsul::agent::gateway {

using base::Errc;
using base::Result;
using base::Value;
using wanfed::gateway::Address;

namespace {

bool says_yes(const base::Map<Value>& config, const char* key) {
  const auto found = config.find(key);
  const bool* flag = found == config.end() ? nullptr : found->second.as_bool();
  return flag != nullptr && *flag;
}

Result<Address> checked(const std::string& host, std::int64_t port) {
  if (!config::Ip::parse(host)) {
    return {Errc::invalid_argument, "cannot listen at " + base::quote(host) +
                                        ": a mesh gateway listens at IP addresses. Name one with -address or "
                                        "-bind-address"};
  }
  if (port <= 0 || port > 65535) {
    return {Errc::invalid_argument, "cannot listen at " + host + ": " + std::to_string(port) + " is no port"};
  }
  return Address{host, static_cast<std::uint16_t>(port)};
}

std::int64_t port_of(const Value& value) {
  if (const std::int64_t* whole = value.as_int()) return *whole;
  // No integer may hold what a registration has here.
  if (const double* number = value.as_double(); number && *number > 0 && *number <= 65535) {
    return static_cast<std::int64_t>(*number);
  }
  return 0;
}

/// Both kinds of services call their parts the same.
template <class Service>
Result<std::vector<Address>> addresses_of(const Service& service) {
  static const base::Map<Value> kNothing;
  const base::Map<Value>& config = service.Proxy ? service.Proxy->Config : kNothing;
  std::vector<std::pair<std::string, std::int64_t>> wanted;
  if (!says_yes(config, "envoy_gateway_no_default_bind")) {
    wanted.emplace_back(service.Address.empty() ? "0.0.0.0" : service.Address, service.Port);
  }
  if (says_yes(config, "envoy_gateway_bind_tagged_addresses")) {
    for (const auto& [tag, address] : service.TaggedAddresses) {
      // The agent's own, made of the service's address.
      if (tag == "lan_ipv4" || tag == "lan_ipv6" || tag == "wan_ipv4" || tag == "wan_ipv6") continue;
      wanted.emplace_back(address.Address, address.Port);
    }
  }
  if (const auto bind = config.find("envoy_gateway_bind_addresses"); bind != config.end()) {
    const Value::MapType* addresses = bind->second.as_map();
    if (addresses == nullptr) {
      return {Errc::invalid_argument, "envoy_gateway_bind_addresses should map names to an Address and a Port"};
    }
    for (const auto& [name, value] : *addresses) {
      std::string host;
      std::int64_t port = 0;
      if (const Value::MapType* fields = value.as_map()) {
        for (const auto& [key, field] : *fields) {
          const std::string* text = field.as_string();
          if ((key == "Address" || key == "address") && text != nullptr) host = *text;
          if (key == "Port" || key == "port") port = port_of(field);
        }
      }
      wanted.emplace_back(std::move(host), port);
    }
  }
  std::vector<Address> out;
  for (const auto& [host, port] : wanted) {
    Result<Address> address = checked(host, port);
    if (!address) return address.error();
    out.push_back(std::move(*address));
  }
  std::ranges::sort(out);
  const auto [from, to] = std::ranges::unique(out);
  out.erase(from, to);
  return out;
}

}  // namespace

bool leads_to_servers(const http::AgentService& service) {
  const auto meta = service.Meta.find(std::string(wanfed::kFederationMeta));
  return meta != service.Meta.end() && meta->second == "1";
}

Result<std::vector<Address>> listening_addresses(const http::AgentService& service) {
  return addresses_of(service);
}

Result<std::vector<Address>> listening_addresses(const catalog::ServiceDefinition& service) {
  return addresses_of(service);
}

}  // namespace proconsul::agent::gateway
