#include "agent/rpc/acl_insight_types.h"

#include "base/type_of.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(ExplainRequest, "proconsul.ExplainRequest") {
  type.field("AccessorID", &ExplainRequest::AccessorID);
  type.field("Permission", &ExplainRequest::Permission);
  type.field("Name", &ExplainRequest::Name);
  type.field("Datacenter", &ExplainRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(TokenUses, "proconsul.TokenUses") {
  type.field("Since", &TokenUses::Since);
  type.field("Uses", &TokenUses::Uses);
}

PROCONSUL_DESCRIBE_TYPE(TokenUsesExchange, "proconsul.TokenUsesExchange") {
  type.field("Datacenter", &TokenUsesExchange::Datacenter);
  type.field("Token", &TokenUsesExchange::Token);
  type.field("Since", &TokenUsesExchange::Since);
  type.field("Whole", &TokenUsesExchange::Whole);
  type.field("Known", &TokenUsesExchange::Known);
  type.field("After", &TokenUsesExchange::After);
  type.field("Uses", &TokenUsesExchange::Uses);
}

PROCONSUL_DESCRIBE_TYPE(TokenUsesReply, "proconsul.TokenUsesReply") {
  type.field("Instance", &TokenUsesReply::Instance);
  type.field("Last", &TokenUsesReply::Last);
  type.field("Since", &TokenUsesReply::Since);
  type.field("Whole", &TokenUsesReply::Whole);
  type.field("Uses", &TokenUsesReply::Uses);
}

}  // namespace proconsul::agent::rpc
