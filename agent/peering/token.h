// A peering's token: all that the dialing side must know, as base64 of JSON; and what is checked of names and tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/type.h"
#include "base/watch.h"
#include "catalog/store/tables.h"
#include "catalog/types/node.h"

namespace proconsul::agent::peering {

struct TokenRemote {
  std::string Partition{};
  std::string Datacenter{};
  base::Pointer<catalog::Locality> Locality{};
};
PROCONSUL_DECLARE_TYPE(TokenRemote)

struct Token {
  base::List<std::string> CA{};
  base::List<std::string> ManualServerAddresses{};
  base::List<std::string> ServerAddresses{};
  std::string ServerName{};
  std::string PeerID{};
  std::string EstablishmentSecret{};
  TokenRemote Remote{};
};
PROCONSUL_DECLARE_TYPE(Token)

std::string encode_token(const Token& token);
base::Result<Token> decode_token(std::string_view text);
/// Errors have Consul's texts.
base::Result<> check_token(const Token& token);
base::Result<> check_peer_name(std::string_view name);

/// "server.dc1.peering.CLUSTER.consul": what servers are called by those who dial them.
std::string server_name(std::string_view datacenter, std::string_view trust_domain);

/// Whether servers of peers are to be reached through mesh gateways, here and there.
bool peers_through_gateways(const catalog::Tables& tables, base::KeySet* watch);
/// Where others reach the servers of this datacenter: the servers, or mesh gateways. Errors: there are none.
base::Result<std::vector<std::string>> own_addresses(const catalog::Tables& tables, base::KeySet* watch);
/// Of mesh gateways; `wan`: as those outside see them.
base::Result<std::vector<std::string>> gateway_addresses(const catalog::Tables& tables, bool wan, base::KeySet* watch);

}  // namespace proconsul::agent::peering
