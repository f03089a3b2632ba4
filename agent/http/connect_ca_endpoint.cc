#include "agent/http/connect_ca_endpoint.h"

#include <utility>

#include "agent/auth/config_reader.h"
#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/mesh/authority.h"
#include "agent/mesh/leaf_certs.h"
#include "agent/rpc/connect_ca_roots.h"
#include "base/strconv.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;

namespace {

/// RFC 8555.
constexpr std::string_view kPemChain = "application/pem-certificate-chain";

/// ?pem
Result<bool> wants_pem(const Request& request) {
  const std::string_view given = request.param("pem");
  if (given.empty()) return false;
  Result<bool> wanted = base::parse_bool(given);
  if (!wanted) return Error{Errc::invalid_argument, "The 'pem' query parameter must be a boolean value"};
  return wanted;
}

Answer shown(const rpc::IndexedCARoots& roots, bool pem) {
  if (!pem) {
    const rpc::TrustedRoots& without_meta = roots;
    return Answer{.reply = json(base::to_json(without_meta)), .index = roots.Index};
  }
  Answer answer{.reply = {.type = kPemChain}, .index = roots.Index, .bare = true};
  for (const auto& root : roots.Roots) {
    if (!root) continue;
    answer.reply.body.append(root->RootCert);
    for (const std::string& each : root->IntermediateCerts) answer.reply.body.append(each);
  }
  return answer;
}

Result<Answer> show_roots(const AskedContext& context, rpc::IndexedCARoots& found) {
  const Result<bool> pem = wants_pem(context.request);
  if (!pem) return pem.error();
  found.Roots.make_present();
  return shown(found, *pem);
}

}  // namespace

Result<Answer> connect_ca_roots(const ReadContext& context) {
  const Result<bool> pem = wants_pem(context.request);
  if (!pem) return pem.error();
  if (!context.agent.settings.connect_enabled) return {Errc::internal, mesh::kConnectDisabled};
  const Result<rpc::IndexedCARoots> roots = rpc::trusted_roots(context.view.tables(), context.watch);
  if (!roots) return roots.error();
  return shown(*roots, *pem);
}

Result<Question> ask_connect_ca_roots(const Context&, const Request& request) {
  if (const Result<bool> pem = wants_pem(request); !pem) return pem.error();
  return question("ConnectCA.Roots", query_of<rpc::DCSpecificRequest>(request), show_roots);
}

void connect_ca_configuration(Context& agent, const Request& request, Responder responder) {
  ask<rpc::DCSpecificRequest, catalog::CAConfiguration>(
      agent, "ConnectCA.ConfigurationGet", query_of<rpc::DCSpecificRequest>(request),
      [responder = std::move(responder)](Result<catalog::CAConfiguration> found) mutable {
        if (!found) return responder.send(Result<Reply>(found.error()));
        for (auto& [key, value] : found->Config) auth::as_texts(value);
        responder.send(json(base::to_json(*found)));
      });
}

void set_connect_ca_configuration(Context& agent, const Request& request, Responder responder) {
  catalog::CARequest change{};
  change.Datacenter = named_datacenter(agent, request);
  change.Token = token_of(request);
  if (Result<> decoded = decode_body(request, change.Config.emplace()); !decoded) {
    return responder.send(Result<Reply>(decoded.error()));
  }
  ask<catalog::CARequest, rpc::Nothing>(
      agent, "ConnectCA.ConfigurationSet", std::move(change),
      [responder = std::move(responder)](const Result<rpc::Nothing>& made) mutable {
        if (made) return responder.send(empty());
        if (made.error().detail == mesh::kStateReadOnly) {
          return responder.send(
              Result<Reply>(Errc::invalid_argument,
                            "Provider State is read-only. It must be omitted or identical to the current value"));
        }
        responder.send(Result<Reply>(made.error()));
      });
}

void agent_connect_ca_leaf(Context& agent, const Request& request, Responder responder) {
  mesh::LeafCerts::Wanted wanted{
      .datacenter = request.options.datacenter, .token = request.options.token, .service = std::string(request.rest)};
  mesh::LeafCerts::Query query{.after = request.options.min_index, .wait = request.options.wait};
  // What is here has a private key in it: whoever gets it must be allowed to have it made. Who is not, as far as is
  // known here, may still be by what the servers know. Of another datacenter nothing is known here, but a certificate
  // of the same token was made for it there.
  if (wanted.datacenter == agent.settings.datacenter && (agent.tokens || agent.remote_tokens)) {
    const Result<tokens::Who> who = asking(agent, request, request.options.token);
    query.from_servers = !who || !tokens::require(*who, acl::Resource::service, wanted.service, acl::Access::write);
  }
  agent.leaf_certs->get(std::move(wanted), query,
                        [responder = std::move(responder)](mesh::LeafCerts::Found found) mutable {
                          if (!found.certificate) {
                            return responder.send(Result<Reply>(asked_error(found.certificate.error())));
                          }
                          const rpc::IssuedCert& certificate = **found.certificate;
                          Reply reply = json(base::to_json(certificate));
                          reply.header("X-Consul-Index", std::to_string(certificate.ModifyIndex));
                          reply.header("X-Cache", found.hit ? "HIT" : "MISS");
                          if (found.hit) reply.header("Age", std::to_string(found.age));
                          responder.send(std::move(reply));
                        });
}

}  // namespace proconsul::agent::http
