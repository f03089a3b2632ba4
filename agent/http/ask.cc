#include "agent/http/ask.h"

namespace proconsul::agent::http {
namespace {

/// The address by which others reach it: the tagged ones of the WAN before those of the LAN, IPv6 before IPv4.
template <class Tagged, class AddressOf>
void translate_address(std::string& address, const Tagged& tagged, AddressOf address_of) {
  for (const auto& [wan, lan] : {std::pair("wan_ipv6", "lan_ipv6"), std::pair("wan_ipv4", "lan_ipv4")}) {
    auto found = tagged.find(wan);
    if (found == tagged.end()) found = tagged.find(lan);
    if (found == tagged.end() || address_of(found->second).empty()) continue;
    address = address_of(found->second);
    return;
  }
  if (const auto wan = tagged.find("wan"); wan != tagged.end()) address = address_of(wan->second);
}

void translate_node(std::string& address, const base::Map<std::string>& tagged) {
  translate_address(address, tagged, [](const std::string& text) -> const std::string& { return text; });
}

void translate_service(std::string& address, base::Int& port, const base::Map<catalog::ServiceAddress>& tagged) {
  translate_address(address, tagged,
                    [](const catalog::ServiceAddress& at) -> const std::string& { return at.Address; });
  const auto wan = tagged.find("wan");
  if (wan != tagged.end() && wan->second.Port != 0) port = wan->second.Port;
}

bool translates(const Context& agent, std::string_view datacenter) {
  return agent.settings.translate_wan_addresses && datacenter != agent.settings.datacenter;
}

}  // namespace

base::Error asked_error(const base::Error& error) {
  const auto says = [&](std::string_view text) { return error.detail.find(text) != std::string::npos; };
  base::Errc code = base::Errc::internal;
  if (says("Permission denied") || says("ACL not found")) code = base::Errc::permission_denied;
  if (says("Query not found")) code = base::Errc::not_found;
  if (says("rate limit exceeded for operation that can only be performed by the leader")) {
    code = base::Errc::unavailable;
  }
  if (error.detail.empty()) return {error.code == base::Errc::not_leader ? error.code : base::Errc::no_leader, {}};
  return {code, error.detail};
}

void fill(catalog::QueryOptions& options, const Request& request) {
  const QueryOptions& asked = request.options;
  options.Token = asked.token;
  options.Filter = asked.filter;
  options.MinQueryIndex = asked.min_index;
  options.MaxQueryTime = asked.wait;
  options.AllowStale = asked.stale;
  options.RequireConsistent = asked.consistent;
  options.MaxStaleDuration = asked.max_stale;
  options.UseCache = asked.cached;
  options.MaxAge = asked.max_age.value_or(base::Duration{});
  options.MustRevalidate = asked.must_revalidate;
  options.StaleIfError = asked.stale_if_error;
}

rpc::QuerySource source_of(const Context& agent, const Request& request) {
  rpc::QuerySource source{};
  source.Datacenter = request.options.datacenter;
  source.Ip = request.source_ip();
  const std::string_view near = request.param("near");
  source.Node = near == "_agent" ? std::string_view(agent.settings.node_name) : near;
  return source;
}

base::Map<std::string> meta_filters(const Request& request) {
  base::Map<std::string> filters;
  for (auto& [key, value] : meta_filter(request)) filters.insert_or_assign(std::move(key), std::move(value));
  return filters;
}

void translate(const Context& agent, std::string_view datacenter, catalog::Node& node) {
  if (translates(agent, datacenter)) translate_node(node.Address, node.TaggedAddresses);
}

void translate(const Context& agent, std::string_view datacenter, catalog::NodeService& service) {
  if (translates(agent, datacenter)) translate_service(service.Address, service.Port, service.TaggedAddresses);
}

void translate(const Context& agent, std::string_view datacenter, catalog::ServiceNode& instance) {
  if (!translates(agent, datacenter)) return;
  translate_node(instance.Address, instance.TaggedAddresses);
  translate_service(instance.ServiceAddress, instance.ServicePort, instance.ServiceTaggedAddresses);
}

}  // namespace proconsul::agent::http
