#include "agent/auto_config/server.h"

#include <chrono>
#include <thread>
#include <utility>

#include "agent/auto_config/authorizer.h"
#include "agent/auto_config/invocation.h"
#include "agent/cluster/keyring_file.h"
#include "agent/mesh/authority.h"
#include "agent/rpc/cluster.h"
#include "agent/rpc/connect_ca_roots.h"
#include "agent/rpc/direct_call.h"
#include "agent/rpc/method.h"
#include "agent/server/acl_links.h"
#include "agent/tokens/who.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/quote.h"
#include "catalog/acl/tokens.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"
#include "gossip/pool.h"

namespace proconsul::agent::auto_config {

using base::Errc;
using base::Error;
using base::Result;
using server::Answered;

namespace {

constexpr std::chrono::milliseconds kLook{100};  // for a leader

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

/// The names that the file of a client has for versions.
std::string version_name(const std::string& version) {
  if (version == "TLSv1_0") return "tls10";
  if (version == "TLSv1_1") return "tls11";
  if (version == "TLSv1_2") return "tls12";
  if (version == "TLSv1_3") return "tls13";
  return {};
}

Tls tls_settings(const config::TlsListener& listener) {
  Tls tls{.VerifyOutgoing = listener.verify_outgoing,
          .VerifyServerHostname = listener.verify_server_hostname,
          .MinVersion = version_name(listener.min_version)};
  for (const std::string& suite : listener.cipher_suites) {
    tls.CipherSuites += (tls.CipherSuites.empty() ? "" : ",") + suite;
  }
  return tls;
}

}  // namespace

Server::Server(const config::Config& config, const server::AclSettings& acl, base::net::Loops& loops, Means means)
    : config_(config),
      acl_(acl),
      loops_(loops),
      means_(std::move(means)),
      workers_(loops.next(), base::system_clock()) {}

void Server::stop() {
  over_.request_stop();
  workers_.stop();
}

void Server::introduce(rpc::Services& services, Request request, Answered<Response> done) {
  if (request.Datacenter.empty()) request.Datacenter = config_.datacenter;
  if (request.Datacenter != config_.datacenter) {
    return done(failed("invalid datacenter " + base::quote(request.Datacenter) +
                       " - agent auto configuration cannot target a remote datacenter"));
  }
  const config::AutoConfigAuthorizer& settings = config_.auto_config.authorizer;
  if (!settings.enabled && services.server.leadership().is_leader) return done(failed("Auto Config is disabled"));
  workers_.use(auth_method(settings), [this, &services, request = std::move(request),
                                       done = std::move(done)](const Result<auth::MethodPtr>& method) mutable {
    work(services, method, std::move(request), std::move(done));
  });
}

/// On a thread that may wait.
void Server::work(rpc::Services& services, const Result<auth::MethodPtr>& method, Request request,
                  Answered<Response> done) {
  if (!method && method.error().code == Errc::cancelled) return done(method.error());
  if (!services.server.leadership().is_leader) return done(ask_leader(services, request));
  const config::AutoConfigAuthorizer& settings = config_.auto_config.authorizer;
  if (!settings.enabled) return done(failed("Auto Config is disabled"));
  if (!method) return done(method.error());
  if (Result<> may = authorize(**method, settings, request); !may) return done(may.error());
  Result<Response> response = answer(request);
  if (!response) return done(response.error());
  add_token(services, std::move(request), std::move(*response), std::move(done));
}

/// As the client would: over the port's insecure way, which is the only one that serves the method.
Result<Response> Server::ask_leader(rpc::Services& services, const Request& request) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(config_.rpc_hold_timeout.nanoseconds);
  std::string leader = services.server.leader_address();
  while (leader.empty() && std::chrono::steady_clock::now() < end && !over_.stop_requested()) {
    std::this_thread::sleep_for(kLook);
    leader = services.server.leader_address();
  }
  if (leader.empty()) return Error{Errc::no_leader, rpc::kNoLeader};
  Result<base::net::Destination> to = means_.insecure(leader);
  if (!to) return failed("rpcinsecure: error establishing connection: " + to.error().detail);
  auto call = std::make_shared<Call>();
  call->request = request;
  const rpc::Method& method = *rpc::find_method(kMethod);
  if (Result<> made = rpc::call_directly(loops_.next(), std::move(*to), method, call, over_.get_token()); !made) {
    return failed("rpcinsecure: error making call: " + made.error().detail);
  }
  return std::move(call->reply);
}

/// All of it that is known here: the rest has to be made.
Result<Response> Server::answer(const Request& request) const {
  if (request.Node.empty()) return failed("Cannot generate auto config response without a node name");
  if (!request.Segment.empty()) {
    return failed("Failed to retrieve members for segment " + request.Segment +
                  ": Network segments are not supported in this version of Consul");
  }
  Response response;
  Config& config = response.Config.emplace();
  config.Datacenter = config_.datacenter;
  config.PrimaryDatacenter = config_.primary_datacenter;
  config.NodeName = request.Node;
  config.SegmentName = request.Segment;
  config.Partition = request.Partition;
  if (Result<> added = add_gossip(config); !added) return added.error();
  config.TLS = tls_settings(config_.tls.internal_rpc);
  config.ACL = acl_settings();
  return response;
}

Result<> Server::add_gossip(Config& config) const {
  Gossip& gossip = config.Gossip.emplace();
  gossip.RetryJoinLAN = means_.join_addresses();
  // The keyring's file has the key that is in use now.
  gossip::PoolConfig pool;
  if (Result<> loaded = cluster::load_keys(config_, false, pool); !loaded) return loaded;
  if (!pool.keyring) return {};
  GossipEncryption& encryption = gossip.Encryption.emplace();
  encryption.Key = base::to_base64(pool.keyring->primary());
  encryption.VerifyIncoming = config_.encrypt_verify_incoming;
  encryption.VerifyOutgoing = config_.encrypt_verify_outgoing;
  return {};
}

Acl Server::acl_settings() const {
  const config::AclResolver& resolver = config_.acl_resolver;
  return {.Enabled = config_.acls_enabled,
          .PolicyTTL = base::to_string(resolver.policy_ttl),
          .RoleTTL = base::to_string(resolver.role_ttl),
          .TokenTTL = base::to_string(resolver.token_ttl),
          .DownPolicy = resolver.down_policy,
          .DefaultPolicy = resolver.default_policy,
          .EnableKeyListPolicy = config_.acl_enable_key_list_policy};
}

/// The token by which the agent is allowed what concerns its own node.
void Server::add_token(rpc::Services& services, Request request, Response response, Answered<Response> done) {
  if (!config_.acls_enabled) return add_certificate(services, request, std::move(response), std::move(done));
  const std::string fault = "Failed to generate an ACL token for node " + base::quote(request.Node) + ": ";
  if (!acl_.keeps_tokens()) {
    return done(failed(
        fault +
        "Agent Auto Configuration requires local token usage to be enabled in this datacenter: " + config_.datacenter));
  }
  const auto view = services.server.view();
  const auto is_taken = [&tables = view->tables()](std::string_view id) {
    return catalog::token_by_accessor(tables, id) != nullptr || catalog::token_by_secret(tables, id) != nullptr;
  };
  catalog::ACLToken token;
  token.AccessorID = server::new_id(is_taken);
  token.SecretID = server::new_id(is_taken);
  token.Description = "Auto Config Token for Node " + base::quote(request.Node);
  token.Local = true;
  token.NodeIdentities.emplace_back().emplace() = {.NodeName = request.Node, .Datacenter = config_.datacenter};
  token.CreateTime = base::system_clock().wall();
  response.Config->ACL->Tokens.emplace().Agent = token.SecretID;
  catalog::ACLTokenBatchSetRequest change;
  change.Tokens.emplace_back().emplace() = std::move(token);
  services.server.apply(catalog::encode_command(catalog::Command::acl_token_set, change),
                        [this, &services, fault, request = std::move(request), response = std::move(response),
                         done = std::move(done)](const Result<catalog::ApplyResult>& result) mutable {
                          const Error* error = result ? result->error() : &result.error();
                          if (error) return done(Error{error->code, fault + error->detail});
                          add_certificate(services, request, std::move(response), std::move(done));
                        });
}

void Server::add_certificate(rpc::Services& services, const Request& request, Response response,
                             Answered<Response> done) const {
  if (!services.authority) return done(std::move(response));
  auto with_roots = [this, &services](Response response, Answered<Response> done) {
    Result<rpc::IndexedCARoots> roots = rpc::trusted_roots(services.server.view()->tables(), nullptr);
    if (!roots) return done(failed("Failed to lookup the CA roots: " + roots.error().detail));
    response.CARoots = std::move(*roots);
    for (std::string& pem : means_.manual_roots()) response.ExtraCACertificates.push_back(std::move(pem));
    done(std::move(response));
  };
  if (request.CSR.empty()) return with_roots(std::move(response), std::move(done));
  services.authority->sign(
      request.CSR, tokens::anybody(),
      [with_roots, response = std::move(response), done = std::move(done)](Result<rpc::IssuedCert> issued) mutable {
        if (!issued) return done(failed("Failed to sign CSR: " + issued.error().detail));
        response.Certificate = std::move(*issued);
        with_roots(std::move(response), std::move(done));
      });
}

}  // namespace proconsul::agent::auto_config
