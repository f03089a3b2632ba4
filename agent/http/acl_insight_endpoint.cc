#include "agent/http/acl_insight_endpoint.h"

#include <utility>

#include "agent/http/acl_change.h"
#include "agent/http/asking.h"
#include "agent/http/denial.h"
#include "agent/rpc/acl_insight_types.h"
#include "agent/rpc/types.h"
#include "base/type_of.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(ExplainQuestion, "proconsul.ExplainQuestion") {
  type.field("AccessorID", &ExplainQuestion::AccessorID).omit_empty();
  type.field("Permission", &ExplainQuestion::Permission);
  type.field("Name", &ExplainQuestion::Name).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ExplainAnswer, "proconsul.ExplainAnswer") {
  type.embed<tokens::Explanation>();
  type.field("TokenSource", &ExplainAnswer::TokenSource).omit_empty();
}

void acl_explain(Context& agent, const Request& request, Responder responder) {
  ExplainQuestion question;
  if (Result<> read = base::read_json(request.body, question, {.input = base::JsonInput::first}); !read) {
    return responder.send(Error{Errc::invalid_argument, "Failed to decode request body: " + read.error().detail});
  }
  rpc::ExplainRequest query;
  query.Datacenter = named_datacenter(agent, request);
  query.AllowStale = true;
  query.Token = token_of(request);
  query.AccessorID = std::move(question.AccessorID);
  query.Permission = std::move(question.Permission);
  query.Name = std::move(question.Name);
  const std::string source(query.AccessorID.empty() ? to_string(token_slot(request, false)) : std::string_view());
  ask<rpc::ExplainRequest, tokens::Explanation>(
      agent, "ACL.Explain", std::move(query),
      [responder = std::move(responder), source](Result<tokens::Explanation> found) mutable {
        if (!found) {
          Error error = found.error();
          // The question itself made no sense.
          if (error.detail.starts_with("Invalid ")) error.code = Errc::invalid_argument;
          return responder.send(Result<Reply>(std::move(error)));
        }
        ExplainAnswer answer;
        static_cast<tokens::Explanation&>(answer) = std::move(*found);
        answer.TokenSource = std::move(source);
        responder.send(Result<Reply>(json(base::to_json(answer))));
      });
}

void acl_token_uses(Context& agent, const Request& request, Responder responder) {
  rpc::DCSpecificRequest query;
  query.Datacenter = named_datacenter(agent, request);
  query.Token = token_of(request);
  change_acl<rpc::TokenUses>(agent, "ACL.TokenUses", std::move(query), std::move(responder));
}

}  // namespace proconsul::agent::http
