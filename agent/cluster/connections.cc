#include "agent/cluster/connections.h"

#include <utility>

#include "agent/cluster/wan_gateways.h"
#include "agent/rpc/kind_byte.h"
#include "agent/tls_settings.h"

namespace proconsul::agent::cluster {

using base::Result;

rpc::TlsRules tls_rules(const config::Config& config) {
  const config::TlsListener& listener = config.tls.internal_rpc;
  rpc::TlsRules rules;
  rules.files = tls_settings(listener);
  rules.verify_outgoing = listener.verify_outgoing;
  rules.verify_server_hostname = listener.verify_server_hostname;
  rules.allow_insecure = config.auto_encrypt_allow_tls || config.auto_config.authorizer.enabled;
  rules.datacenter = config.datacenter;
  rules.domain = config.dns_domain;
  while (rules.domain.ends_with('.')) rules.domain.pop_back();
  return rules;
}

rpc::CallTimes call_times(const config::Config& config) {
  return {.rpc_hold_timeout = config.rpc_hold_timeout,
          .max_query_time = config.max_query_time,
          .default_query_time = config.default_query_time};
}

rpc::Target target_of(const server::ServerInfo& server) {
  return {.datacenter = server.datacenter, .node = server.name, .address = server.rpc_address()};
}

rpc::Pool::Options Connections::pool_options(const config::Config& config) const {
  rpc::Pool::Options options;
  options.route = [this](const rpc::Target& target, std::string_view protocol) {
    return destination(target, protocol);
  };
  options.outdated = outdated();
  options.client_timeout = config.rpc_client_timeout;
  options.times = call_times(config);
  return options;
}

std::function<bool(const rpc::Target&, const std::string&)> Connections::outdated() const {
  if (gateways_ == nullptr) return {};
  return [this](const rpc::Target& target, const std::string& gateway) {
    return gateways_->is_elsewhere(target.datacenter) && gateways_->outdated(target.datacenter, gateway);
  };
}

Result<Connections::Tls> Connections::tls_of(rpc::TlsRules rules, const mesh::AutoTls& given) {
  if (!given.certificate.empty()) {
    rules.files.ca_pem = given.authorities;
    rules.verify_outgoing = true;
    rules.verify_server_hostname = rules.verify_server_hostname || given.verify_server_hostname;
    Result<std::shared_ptr<base::net::TlsContext>> outgoing =
        base::net::TlsContext::client(rules.files, {given.certificate, given.key});
    if (!outgoing) return outgoing.error();
    return Tls{std::move(rules), std::move(*outgoing)};
  }
  Result<std::shared_ptr<base::net::TlsContext>> outgoing = rpc::outgoing_tls(rules);
  if (!outgoing) return outgoing.error();
  return Tls{std::move(rules), std::move(*outgoing)};
}

Result<std::unique_ptr<Connections>> Connections::create(base::net::Loops& loops, const config::Config& config,
                                                         WanGateways* gateways) {
  Result<Tls> tls = tls_of(tls_rules(config), {});
  if (!tls) return tls.error();
  return std::unique_ptr<Connections>(new Connections(loops, config, gateways, std::move(*tls)));
}

Connections::Connections(base::net::Loops& loops, const config::Config& config, WanGateways* gateways, Tls tls)
    : tls_(std::make_shared<const Tls>(std::move(tls))),
      configured_(tls_rules(config)),
      gateways_(gateways),
      pool_(loops, pool_options(config)) {}

Result<> Connections::reload(const config::Config& config) {
  const std::lock_guard lock(mutex_);
  Result<Tls> tls = tls_of(tls_rules(config), given_);
  if (!tls) return tls.error();
  configured_ = tls_rules(config);
  tls_ = std::make_shared<const Tls>(std::move(*tls));
  return {};
}

Result<> Connections::use(const mesh::AutoTls& given) {
  const std::lock_guard lock(mutex_);
  Result<Tls> tls = tls_of(configured_, given);
  if (!tls) return tls.error();
  given_ = given;
  tls_ = std::make_shared<const Tls>(std::move(*tls));
  return {};
}

Result<base::net::Destination> Connections::insecure_destination(const std::string& address) const {
  rpc::TlsRules rules;
  {
    const std::lock_guard lock(mutex_);
    rules = configured_;
  }
  rules.files.cert_file.clear();
  rules.files.key_file.clear();
  Result<std::shared_ptr<base::net::TlsContext>> context = base::net::TlsContext::client(rules.files);
  if (!context) return context.error();
  return rpc::insecure_destination(rules, std::move(*context), address);
}

base::net::Destination Connections::destination(const std::string& datacenter, const std::string& address) const {
  std::shared_ptr<const Tls> tls;
  {
    const std::lock_guard lock(mutex_);
    tls = tls_;
  }
  return rpc::destination(tls->rules, tls->outgoing, datacenter, address);
}

base::net::Destination Connections::destination(const rpc::Target& target, std::string_view protocol) const {
  if (gateways_ != nullptr && gateways_->is_elsewhere(target.datacenter)) {
    return gateways_->destination(target, protocol);
  }
  return destination(target.datacenter, target.address);
}

grpc::Client::Options Connections::grpc_options() const {
  grpc::Client::Options options;
  options.route = [this](const rpc::Target& target) { return destination(target, rpc::kRpcGrpc); };
  options.outdated = outdated();
  return options;
}

}  // namespace proconsul::agent::cluster
