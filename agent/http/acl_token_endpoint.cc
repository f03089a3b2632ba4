#include <utility>

#include "agent/http/acl_change.h"
#include "agent/http/acl_endpoint.h"
#include "agent/http/asking.h"
#include "agent/local/local_agent.h"
#include "agent/rpc/acl_questions.h"
#include "agent/rpc/acl_types.h"
#include "agent/tokens/store.h"
#include "base/background.h"
#include "base/log.h"
#include "base/quote.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLToken;

PROCONSUL_DESCRIBE_TYPE(BootstrapRequest, "api.BootstrapRequest") {
  type.field("BootstrapSecret", &BootstrapRequest::BootstrapSecret);
}

PROCONSUL_DESCRIBE_TYPE(AclBootstrapResponse, "agent.aclBootstrapResponse") {
  type.field("ID", &AclBootstrapResponse::ID);
  type.embed<ACLToken>();
}

PROCONSUL_DESCRIBE_TYPE(AgentToken, "api.AgentToken") {
  type.field("Token", &AgentToken::Token);
}

namespace {

const base::log::Logger kLog("agent");

constexpr std::size_t kMostQuestions = 64;

/// A token with what it is made of in the end (?expanded).
struct ExpandedToken : ACLToken, rpc::ExpandedTokenInfo {};
PROCONSUL_DECLARE_TYPE(ExpandedToken)
PROCONSUL_DESCRIBE_TYPE(ExpandedToken, "structs.ACLTokenExpanded") {
  type.embed<ACLToken>();
  type.embed<rpc::ExpandedTokenInfo>();
}

Result<Answer> show_token(const AskedContext& context, rpc::ACLTokenResponse& found) {
  if (!found.Token) return no_such("token");
  if (!context.request.has_param("expanded")) return Answer{.reply = json(base::to_json(*found.Token))};
  ExpandedToken expanded;
  static_cast<ACLToken&>(expanded) = std::move(*found.Token);
  static_cast<rpc::ExpandedTokenInfo&>(expanded) = std::move(static_cast<rpc::ExpandedTokenInfo&>(found));
  return Answer{.reply = json(base::to_json(expanded))};
}

Result<Answer> show_self(const AskedContext&, rpc::ACLTokenResponse& found) {
  if (!found.Token) {
    return Answer{.reply = failure(Error{Errc::not_found, "Supplied token does not exist"})};
  }
  return Answer{.reply = json(base::to_json(*found.Token))};
}

Result<Answer> show_tokens(const AskedContext&, rpc::ACLTokenListResponse& found) {
  return Answer{.reply = json(base::to_json(found.Tokens))};
}

rpc::ACLTokenSetRequest set_request(const Context& agent, const Request& request) {
  rpc::ACLTokenSetRequest change;
  change.Datacenter = agent.settings.datacenter;
  change.Token = token_of(request);
  return change;
}

}  // namespace

void acl_bootstrap(Context& agent, const Request& request, Responder responder) {
  rpc::ACLInitialTokenBootstrapRequest change;
  change.Datacenter = agent.settings.datacenter;
  if (request.content_length > 0) {
    BootstrapRequest body;
    if (Result<> read = decode_body(request, body, "Request decoding failed"); !read)
      return responder.send(read.error());
    change.BootstrapSecret = std::move(body.BootstrapSecret);
  }
  ask<rpc::ACLInitialTokenBootstrapRequest, ACLToken>(
      agent, "ACL.BootstrapTokens", std::move(change),
      [responder = std::move(responder)](Result<ACLToken> made) mutable {
        if (!made && made.error().detail.find("ACL bootstrap no longer allowed") != std::string::npos) {
          return responder.send(
              Result<Reply>(Error{Errc::permission_denied, "Permission denied: " + made.error().detail}));
        }
        if (!made) return responder.send(Result<Reply>(made.error()));
        AclBootstrapResponse shown;
        static_cast<ACLToken&>(shown) = std::move(*made);
        shown.ID = shown.SecretID;
        responder.send(Result<Reply>(json(base::to_json(shown))));
      });
}

Result<Question> ask_acl_tokens(const Context&, const Request& request) {
  auto query = query_of<rpc::ACLTokenListRequest>(request);
  query.IncludeLocal = true;
  query.IncludeGlobal = true;
  query.Policy = request.param("policy");
  query.Role = request.param("role");
  query.AuthMethod = request.param("authmethod");
  query.ServiceName = request.param("servicename");
  if (!request.param("authmethod-ns").empty()) {
    return Error{Errc::invalid_argument,
                 "Invalid query parameter: \"authmethod-ns\" - Namespaces are a Consul Enterprise feature"};
  }
  return question("ACL.TokenList", std::move(query), &show_tokens);
}

Result<Question> ask_acl_token(const Context&, const Request& request) {
  Result<std::string> accessor = named_in_path(request, "token AccessorID");
  if (!accessor) return accessor.error();
  auto query = query_of<rpc::ACLTokenGetRequest>(request);
  query.TokenID = std::move(*accessor);
  query.TokenIDType = "accessor";
  query.Expanded = request.has_param("expanded");
  return question("ACL.TokenRead", std::move(query), &show_token);
}

Result<Question> ask_acl_token_self(const Context&, const Request& request) {
  auto query = query_of<rpc::ACLTokenGetRequest>(request);
  query.TokenID = query.Token;
  query.TokenIDType = "secret";
  return question("ACL.TokenRead", std::move(query), &show_self);
}

void acl_token_create(Context& agent, const Request& request, Responder responder) {
  rpc::ACLTokenSetRequest change = set_request(agent, request);
  change.Create = true;
  if (Result<> read = decode_body(request, change.ACLToken, "Token decoding failed"); !read) {
    return responder.send(read.error());
  }
  change_acl<ACLToken>(agent, "ACL.TokenSet", std::move(change), std::move(responder));
}

void acl_token_update(Context& agent, const Request& request, Responder responder) {
  rpc::ACLTokenSetRequest change = set_request(agent, request);
  if (Result<> read = decode_body(request, change.ACLToken, "Token decoding failed"); !read) {
    return responder.send(read.error());
  }
  std::string& accessor = change.ACLToken.AccessorID;
  if (accessor.empty()) accessor = request.rest;
  if (accessor != request.rest) {
    return responder.send(Error{Errc::invalid_argument, "Token Accessor ID in URL and payload do not match"});
  }
  change_acl<ACLToken>(agent, "ACL.TokenSet", std::move(change), std::move(responder));
}

void acl_token_clone(Context& agent, const Request& request, Responder responder) {
  rpc::ACLTokenSetRequest change = set_request(agent, request);
  change.Create = true;
  if (Result<> read = decode_body(request, change.ACLToken, "Token decoding failed"); !read) {
    return responder.send(read.error());
  }
  change.ACLToken.AccessorID = request.rest;
  change_acl<ACLToken>(agent, "ACL.TokenClone", std::move(change), std::move(responder));
}

void acl_token_delete(Context& agent, const Request& request, Responder responder) {
  Result<std::string> accessor = named_in_path(request, "token AccessorID");
  if (!accessor) return responder.send(accessor.error());
  rpc::ACLTokenDeleteRequest change;
  change.TokenID = std::move(*accessor);
  change.Datacenter = agent.settings.datacenter;
  change.Token = token_of(request);
  delete_acl(agent, "ACL.TokenDelete", std::move(change), "token", std::move(responder));
}

void acl_authorize(Context& agent, const Request& request, Responder responder) {
  rpc::RemoteACLAuthorizationRequest query;
  query.Datacenter = named_datacenter(agent, request);
  query.AllowStale = true;
  query.Token = token_of(request);
  if (Result<> read = base::read_json(request.body, query.Requests, {.input = base::JsonInput::first}); !read) {
    return responder.send(Error{Errc::invalid_argument, "Failed to decode request body: " + read.error().detail});
  }
  if (query.Requests.size() > kMostQuestions) {
    return responder.send(
        Error{Errc::invalid_argument,
              "Refusing to process more than " + std::to_string(kMostQuestions) + " authorizations at once"});
  }
  if (query.Requests.empty()) return responder.send(json("[]"));
  using Replies = base::List<rpc::ACLAuthorizationResponse>;
  auto answer = [responder = std::move(responder)](Result<Replies> replies) mutable {
    if (!replies) {
      Error error = replies.error();
      // The questions themselves made no sense.
      if (error.detail.starts_with("Invalid ")) error.code = Errc::invalid_argument;
      return responder.send(Result<Reply>(std::move(error)));
    }
    replies->make_present();
    responder.send(Result<Reply>(json(base::to_json(*replies))));
  };
  if (agent.remote_tokens && query.Datacenter == agent.settings.datacenter) {
    const Result<tokens::Who> who = asking(agent, request);
    return answer(who ? rpc::answer_questions(*who, query.Requests) : Result<Replies>(who.error()));
  }
  ask<rpc::RemoteACLAuthorizationRequest, Replies>(agent, "ACL.Authorize", std::move(query), std::move(answer));
}

void agent_token(Context& agent, const Request& request, Responder responder) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  const Result<> allowed = tokens::require(*who, acl::Resource::agent, agent.settings.node_name, acl::Access::write);
  if (!allowed) return responder.send(Result<Reply>(allowed.error()));
  AgentToken body;
  if (Result<> read = base::read_json(request.body, body, {.input = base::JsonInput::first}); !read) {
    return responder.send(Error{Errc::invalid_argument, "Request decode failed: " + read.error().detail});
  }
  const std::optional<tokens::Kind> kind = tokens::kind_of(request.rest);
  if (!kind) {
    return responder.send(Error{Errc::not_found, "Token " + base::quote(request.rest) + " is unknown"});
  }
  // It may be a file that is written, and synced.
  agent.background->run([&agent, kind = *kind, token = std::move(body.Token), name = std::string(request.rest),
                         responder = std::move(responder)]() mutable {
    const Result<> kept = agent.own_tokens->set(kind, std::move(token));
    if (!kept) return responder.send(Result<Reply>(Errc::internal, kept.error().detail));
    kLog.info("Updated agent's ACL token", {{"token", name}});
    if (kind == tokens::Kind::default_ || kind == tokens::Kind::agent) agent.local->server_up();
    responder.send(Result<Reply>(empty()));
  });
}

void acl_replication(Context& agent, const Request& request, Responder responder) {
  rpc::DCSpecificRequest query;
  query.Datacenter = named_datacenter(agent, request);
  query.Token = token_of(request);
  change_acl<rpc::ACLReplicationStatus>(agent, "ACL.ReplicationStatus", std::move(query), std::move(responder));
}

}  // namespace proconsul::agent::http
