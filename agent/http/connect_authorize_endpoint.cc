#include "agent/http/connect_authorize_endpoint.h"

#include <algorithm>
#include <utility>

#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/mesh/spiffe.h"
#include "agent/rpc/intention_types.h"
#include "base/json.h"
#include "base/quote.h"
#include "catalog/config_entry/intentions.h"
#include "catalog/query/intentions.h"
#include "catalog/store/key.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using catalog::IntentionSide;

PROCONSUL_DESCRIBE_TYPE(ConnectAuthorizeRequest, "structs.ConnectAuthorizeRequest") {
  type.field("Target", &ConnectAuthorizeRequest::Target);
  type.field("ClientCertURI", &ConnectAuthorizeRequest::ClientCertURI);
  type.field("ClientCertSerial", &ConnectAuthorizeRequest::ClientCertSerial);
}

PROCONSUL_DESCRIBE_TYPE(ConnectAuthorizeResponse, "agent.connectAuthorizeResp") {
  type.field("Authorized", &ConnectAuthorizeResponse::Authorized);
  type.field("Reason", &ConnectAuthorizeResponse::Reason);
}

namespace {

Error refused(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

struct Asked {
  std::string target{};
  mesh::SpiffeId client{};
  bool default_allow = false;
};

/// What is asked, by somebody who may take connections for the target.
Result<Asked> asked_by(const Context& agent, const Request& request) {
  ConnectAuthorizeRequest body;
  if (Result<> read = base::read_json(request.body, body, {.input = base::JsonInput::first, .reject_unknown = true});
      !read) {
    return refused("Request decode failed: " + read.error().detail);
  }
  if (body.Target.empty()) return refused("Target service must be specified");
  Result<mesh::SpiffeId> client = mesh::parse_spiffe(body.ClientCertURI);
  if (!client) return refused("ClientCertURI not a valid Connect identifier");
  if (client->kind != mesh::SpiffeId::Kind::service) return refused("ClientCertURI not a valid Service identifier");
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return Error{who.error().code, "Could not resolve token to authorizer: " + who.error().detail};
  if (Result<> may = tokens::require(*who, acl::Resource::service, body.Target, acl::Access::write); !may) {
    return may.error();
  }
  const std::string partition = catalog::lower_case(client->partition);
  if (partition != "default") return refused("Mismatched partitions: " + base::quote(partition) + R"( != "default")");
  return Asked{std::move(body.Target), std::move(*client), (*who)->intention_default_allow()};
}

/// By the first of the target's intentions that is about the client. Which requests are allowed cannot be told of a
/// connection: then none is.
ConnectAuthorizeResponse decide(const Asked& asked, const std::string& policy, const catalog::Intentions& intentions) {
  const bool in_namespace = asked.client.name_space == catalog::kDefaultNamespace;
  const auto found = std::ranges::find_if(intentions, [&](const auto& one) {
    return one && in_namespace && catalog::covers(*one, IntentionSide::source, asked.client.name);
  });
  if (found != intentions.end()) {
    const catalog::Intention& intention = **found;
    const bool by_connection = intention.Permissions.empty();
    return {.Authorized = by_connection && intention.Action == "allow",
            .Reason = std::string("Matched ") + (by_connection ? "L4" : "L7") + " intention: " + to_string(intention)};
  }
  if (!policy.empty()) return {.Authorized = policy == "allow", .Reason = "Default intention policy"};
  return {.Authorized = asked.default_allow, .Reason = "Default behavior configured by ACLs"};
}

}  // namespace

void connect_authorize(Context& agent, const Request& request, Responder responder) {
  Result<Asked> asked = asked_by(agent, request);
  if (!asked) return responder.send(asked.error());
  rpc::IntentionQueryRequest query;
  query.Datacenter = agent.settings.datacenter;
  query.Token = token_of(request);
  query.AllowStale = true;  // as what Consul keeps in its cache
  rpc::IntentionQueryMatch& match = query.Match.emplace();
  match.Type = "destination";
  match.Entries.emplace_back().Name = asked->target;
  using Matches = rpc::IndexedIntentionMatches;
  ask<rpc::IntentionQueryRequest, Matches>(
      agent, "Intention.Match", std::move(query),
      [&agent, asked = std::move(*asked), responder = std::move(responder)](Result<Matches> found) mutable {
        if (!found) {
          return responder.send(Error{found.error().code, "failed getting intention match: " + found.error().detail});
        }
        if (found->Matches.size() != 1) return responder.send(Error{Errc::internal, "Internal error loading matches"});
        Reply reply =
            json(base::to_json(decide(asked, agent.settings.default_intention_policy, found->Matches.front())));
        reply.header("X-Cache", "MISS");
        responder.send(std::move(reply));
      });
}

}  // namespace proconsul::agent::http
