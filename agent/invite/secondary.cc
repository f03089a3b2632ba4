#include "agent/invite/secondary.h"

#include "base/json.h"
#include "base/value.h"

namespace proconsul::agent::invite {
namespace {

using base::Value;

Value list_of(const std::vector<std::string>& texts) {
  Value list;
  Value::ListType& items = list.make_list();
  for (const std::string& text : texts) items.emplace_back(text);
  return list;
}

Value tls_of(const std::string& folder) {
  Value::MapType listener;
  listener["ca_file"] = folder + "/ca.pem";
  listener["cert_file"] = folder + "/server.pem";
  listener["key_file"] = folder + "/server-key.pem";
  listener["verify_incoming"] = true;
  listener["verify_outgoing"] = true;
  listener["verify_server_hostname"] = true;
  Value::MapType tls;
  tls["internal_rpc"] = Value(std::move(listener));
  return Value(std::move(tls));
}

Value acl_of(const RedeemReply& reply) {
  Value::MapType tokens;
  tokens["replication"] = reply.ReplicationToken;
  tokens["agent"] = reply.AgentToken;
  Value::MapType acl;
  acl["enabled"] = true;
  acl["default_policy"] = reply.DefaultPolicy;
  acl["down_policy"] = reply.DownPolicy;
  acl["enable_token_replication"] = true;
  acl["tokens"] = Value(std::move(tokens));
  return Value(std::move(acl));
}

Value gateway_of(const Joiner& joiner, const RedeemReply& reply) {
  Value::MapType gateway;
  gateway["enabled"] = true;
  gateway["expose_servers"] = true;
  gateway["address"] = joiner.gateway_address;
  if (!joiner.gateway_wan_address.empty()) gateway["wan_address"] = joiner.gateway_wan_address;
  if (!reply.AgentToken.empty()) gateway["token"] = reply.AgentToken;
  return Value(std::move(gateway));
}

}  // namespace

std::string main_file(const Joiner& joiner) {
  return joiner.config_dir + "/federation.json";
}

std::vector<NewFile> files_of(const Joiner& joiner, const Token& token, const std::string& authority,
                              const Bundle& bundle, const RedeemReply& reply) {
  const std::string folder = joiner.config_dir + "/federation-tls";
  Value::MapType config;
  config["server"] = true;
  config["datacenter"] = joiner.datacenter;
  config["primary_datacenter"] = token.Primary;
  config["primary_gateways"] = list_of(token.Gateways);
  config["domain"] = token.Domain;
  config["node_name"] = joiner.node;
  config["data_dir"] = joiner.data_dir;
  if (!joiner.bind.empty()) config["bind_addr"] = joiner.bind;
  config["bootstrap_expect"] = joiner.bootstrap_expect > 0 ? joiner.bootstrap_expect : reply.Servers;
  if (!joiner.retry_join.empty()) config["retry_join"] = list_of(joiner.retry_join);
  config["tls"] = tls_of(folder);
  if (!reply.GossipKey.empty()) {
    config["encrypt"] = reply.GossipKey;
    config["encrypt_verify_incoming"] = reply.GossipVerifyIncoming;
    config["encrypt_verify_outgoing"] = reply.GossipVerifyOutgoing;
  }
  Value::MapType connect;
  connect["enabled"] = true;
  connect["enable_mesh_gateway_wan_federation"] = true;
  config["connect"] = Value(std::move(connect));
  if (reply.ACLs) config["acl"] = acl_of(reply);
  if (joiner.gateway) config["mesh_gateway"] = gateway_of(joiner, reply);
  std::string text;
  base::append_indented_json(text, base::to_json(Value(std::move(config))));
  return {{folder + "/ca.pem", authority},
          {folder + "/server.pem", bundle.Certificate},
          {folder + "/server-key.pem", bundle.Key, true},
          {main_file(joiner), text + "\n", true}};
}

}  // namespace proconsul::agent::invite
