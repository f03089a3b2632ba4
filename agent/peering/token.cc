#include "agent/peering/token.h"

#include <algorithm>
#include <charconv>

#include "agent/x509/certificate.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/type_of.h"
#include "catalog/config_entry/entries.h"
#include "catalog/query/instances.h"
#include "catalog/query/nodes.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"
#include "catalog/types/config_mesh.h"

namespace proconsul::agent::peering {

using base::Errc;
using base::Error;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(TokenRemote, "structs.PeeringTokenRemote") {
  type.field("Partition", &TokenRemote::Partition);
  type.field("Datacenter", &TokenRemote::Datacenter);
  type.field("Locality", &TokenRemote::Locality);
}
PROCONSUL_DESCRIBE_TYPE(Token, "structs.PeeringToken") {
  type.field("CA", &Token::CA);
  type.field("ManualServerAddresses", &Token::ManualServerAddresses);
  type.field("ServerAddresses", &Token::ServerAddresses);
  type.field("ServerName", &Token::ServerName);
  type.field("PeerID", &Token::PeerID);
  type.field("EstablishmentSecret", &Token::EstablishmentSecret);
  type.field("Remote", &Token::Remote);
}

namespace {

constexpr std::size_t kLongestName = 63;
constexpr int kMostPort = 65535;

Error refused(std::string why) {
  return {Errc::internal, std::move(why)};
}

/// Whether it is "host:port".
bool is_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = address.substr(0, colon), port = address.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (!bracketed && host.find_first_of(":[]") != std::string_view::npos) return false;
  int number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  return failed == std::errc() && end == port.data() + port.size() && number >= 1 && number <= kMostPort;
}

std::string joined(std::string_view host, std::int64_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return (v6 ? '[' + std::string(host) + ']' : std::string(host)) + ':' + std::to_string(port);
}

std::int64_t port_in(const base::Map<std::string>& meta, std::string_view name) {
  const auto found = meta.find(name);
  if (found == meta.end()) return 0;
  int number = 0;
  const std::string& text = found->second;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

std::string encode_token(const Token& token) {
  return base::to_base64(base::to_json(token));
}

Result<Token> decode_token(std::string_view text) {
  Result<std::string> json = base::from_base64(text);
  if (!json) return refused("failed to decode token: " + json.error().detail);
  Token token;
  if (Result<> read = base::read_json(*json, token); !read) return refused(read.error().detail);
  return token;
}

Result<> check_token(const Token& token) {
  for (const std::string& pem : token.CA) {
    if (const Result<x509::Facts> read = x509::read_certificate(pem); !read) {
      return refused("peering token invalid CA: " + read.error().detail);
    }
  }
  if (token.ServerAddresses.empty() && token.ManualServerAddresses.empty()) {
    return refused("peering token server addresses value is empty");
  }
  for (const auto* addresses : {&token.ManualServerAddresses, &token.ServerAddresses}) {
    for (const std::string& address : *addresses) {
      if (!is_address(address)) return refused(address + " is not a valid peering server address");
    }
  }
  if (!token.CA.empty() && token.ServerName.empty()) return refused("peering token server name value is empty");
  if (token.PeerID.empty()) return refused("peering token peer ID value is empty");
  return {};
}

Result<> check_peer_name(std::string_view name) {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool fine = !name.empty() && name.size() <= kLongestName && is_word(name.front()) && is_word(name.back()) &&
                    std::ranges::all_of(name, [&](char c) { return is_word(c) || c == '-'; });
  if (fine) return {};
  return refused(std::string(name) +
                 " is not a valid peer name: a valid peering name must consist of lower case alphanumeric characters "
                 "or '-', and must start and end with an alphanumeric character");
}

std::string server_name(std::string_view datacenter, std::string_view trust_domain) {
  return "server." + std::string(datacenter) + ".peering." + std::string(trust_domain);
}

bool peers_through_gateways(const catalog::Tables& tables, base::KeySet* watch) {
  catalog::watch_key(watch, catalog::Topic::config_entry, catalog::index_key({"mesh", "mesh"}));
  const auto* mesh = catalog::find_config_entry<catalog::MeshConfigEntry>(tables, "mesh", "mesh");
  return mesh && mesh->Peering && mesh->Peering->PeerThroughMeshGateways;
}

Result<std::vector<std::string>> gateway_addresses(const catalog::Tables& tables, bool wan, base::KeySet* watch) {
  std::vector<std::string> addresses;
  for (const catalog::InstanceRow* row : catalog::instances_of_kind(tables, "mesh-gateway", {}, watch).rows) {
    const catalog::CheckServiceNode gateway = catalog::check_service_node(tables, *row);
    std::string host = gateway.Service->Address.empty() ? gateway.Node->Address : gateway.Service->Address;
    std::int64_t port = gateway.Service->Port;
    if (wan) {
      if (const auto tagged = gateway.Service->TaggedAddresses.find("wan");
          tagged != gateway.Service->TaggedAddresses.end() && !tagged->second.Address.empty()) {
        host = tagged->second.Address;
        if (tagged->second.Port != 0) port = tagged->second.Port;
      } else if (gateway.Service->Address.empty()) {
        const auto node = gateway.Node->TaggedAddresses.find("wan");
        if (node != gateway.Node->TaggedAddresses.end() && !node->second.empty()) host = node->second;
      }
    }
    addresses.push_back(joined(host, port));
  }
  if (addresses.empty()) {
    return refused("servers are configured to PeerThroughMeshGateways, but no mesh gateway instances are registered");
  }
  return addresses;
}

Result<std::vector<std::string>> own_addresses(const catalog::Tables& tables, base::KeySet* watch) {
  if (peers_through_gateways(tables, watch)) return gateway_addresses(tables, true, watch);
  std::vector<std::string> addresses;
  const catalog::InstancesQuery servers{.service = catalog::kConsulServiceName};
  for (const catalog::InstanceRow* row : catalog::catalog_instances(tables, servers, watch).rows) {
    const catalog::ServiceNode server = catalog::service_node(tables, *row);
    const auto wan = server.TaggedAddresses.find("wan");
    const std::string& host = wan != server.TaggedAddresses.end() ? wan->second : server.Address;
    std::int64_t port = port_in(server.ServiceMeta, "grpc_tls_port");
    if (port <= 0) port = port_in(server.ServiceMeta, "grpc_port");
    if (port > 0) addresses.push_back(host + ':' + std::to_string(port));
  }
  if (addresses.empty()) return refused("a grpc bind port must be specified in the configuration for all servers");
  return addresses;
}

}  // namespace proconsul::agent::peering
