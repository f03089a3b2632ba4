#include "agent/http/denial.h"

#include <optional>
#include <utility>

#include "agent/tokens/explain.h"
#include "agent/tokens/remote_resolver.h"
#include "agent/tokens/resolver.h"
#include "base/json.h"
#include "base/type_of.h"
#include "catalog/acl/builtin.h"
#include "catalog/store/store.h"

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(Denial, "proconsul.Denial") {
  type.field("AccessorID", &Denial::AccessorID).omit_empty();
  type.field("TokenSource", &Denial::TokenSource);
  type.field("Permission", &Denial::Permission).omit_empty();
  type.field("Name", &Denial::Name).omit_empty();
  type.field("Rule", &Denial::Rule).omit_empty();
  type.field("Grants", &Denial::Grants).omit_empty();
  type.field("Policy", &Denial::Policy).omit_empty();
  type.field("Default", &Denial::Default).omit_empty();
}

namespace {

constexpr std::size_t kLongestHeader = 4096;
constexpr std::size_t kLongestText = 64 * 1024;

/// The refusal's text, where ACLs are on and it is one of theirs.
std::string text_of(const Context& agent, const Reply& reply) {
  if (!agent.settings.acls_enabled || reply.status != 403 || reply.source || reply.body.size() > kLongestText)
    return {};
  return reply.body.flat();
}

/// As far as nobody has to be asked.
std::optional<tokens::Who> known(Context& agent, const std::string& token) {
  std::optional<base::Result<tokens::Who>> who;
  if (agent.tokens && agent.server) {
    who = agent.tokens->resolve(agent.server->view()->tables(), token);
  } else if (agent.remote_tokens) {
    who = agent.remote_tokens->known(token);
  }
  return who && *who ? std::optional(**who) : std::nullopt;
}

}  // namespace

std::string_view to_string(TokenSlot slot) {
  constexpr std::string_view kNames[] = {"none", "query", "header", "bearer", "agent"};
  return kNames[static_cast<std::size_t>(slot)];
}

TokenSlot token_slot(const Request& request, bool headers_alone) {
  if (!headers_alone && !request.param("token").empty()) return TokenSlot::query;
  if (!request.header("X-Consul-Token").empty()) return TokenSlot::header;
  if (!header_token(request).empty()) return TokenSlot::bearer;
  return headers_alone || request.default_token.empty() ? TokenSlot::none : TokenSlot::agent;
}

void explain_denial(Context& agent, const Exchange& exchange, Reply& reply) {
  const std::string text = text_of(agent, reply);
  const bool unknown = text.find("ACL not found") != std::string::npos;
  if (!unknown && text.find("Permission denied") == std::string::npos) return;
  Denial denial{.TokenSource = std::string(to_string(exchange.token_slot))};
  if (const std::optional<tokens::Missing> missing = tokens::missing(text)) {
    denial.AccessorID = missing->accessor.empty() ? std::string(catalog::kAnonymousAccessor) : missing->accessor;
    denial.Permission = missing->permission;
    denial.Name = missing->name;
    // It may have been the token of a prepared query.
    const std::optional<tokens::Who> who = known(agent, exchange.token);
    if (who && who->accessor == denial.AccessorID) {
      if (auto why = tokens::explain(*who, denial.Permission, denial.Name)) {
        denial.Rule = std::move(why->Rule);
        denial.Grants = std::move(why->Grants);
        denial.Policy = std::move(why->Policy);
        denial.Default = std::move(why->Default);
      }
    }
  }
  std::string json = base::to_json(denial);
  if (json.size() > kLongestHeader) {
    denial.Name.clear();
    denial.Rule.clear();
    json = base::to_json(denial);
  }
  if (json.size() <= kLongestHeader) reply.header("X-Proconsul-Denial", json);
}

bool is_denial_of_unknown(Context& agent, const Exchange& exchange, const Reply& reply) {
  if (!agent.remote_tokens || exchange.learned) return false;
  return tokens::missing(text_of(agent, reply)) && !agent.remote_tokens->known(exchange.token);
}

}  // namespace proconsul::agent::http
