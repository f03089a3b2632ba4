#include "agent/http/agent_check_endpoint.h"

#include <utility>

#include "agent/http/agent_types.h"
#include "agent/http/answers.h"
#include "agent/http/asking.h"
#include "agent/http/local_permits.h"
#include "agent/local/local_agent.h"
#include "agent/local/rules.h"
#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using base::filter::Filter;

bool valid_status(std::string_view status) {
  return status == catalog::kHealthPassing || status == catalog::kHealthWarning || status == catalog::kHealthCritical;
}

Result<> known(const Context& agent, std::string_view id) {
  if (agent.local->check(id)) return {};
  return {Errc::not_found,
          "Unknown check ID " + base::quote(id) + ". Ensure that the check ID is passed, not the check name."};
}

Result<local::CheckRegistration> decode_registration(const Context& agent, const Request& request) {
  catalog::CheckDefinition definition{};
  if (Result<> read =
          base::read_json(request.body, definition, {.input = base::JsonInput::first, .reject_unknown = true});
      !read) {
    return {Errc::invalid_argument, "Request decode failed: " + read.error().detail};
  }
  if (definition.Name.empty()) return {Errc::invalid_argument, "Missing check name"};
  if (!definition.Status.empty() && !valid_status(definition.Status)) {
    return {Errc::invalid_argument, "Bad check status"};
  }
  local::CheckRegistration registration{};
  registration.check = local::to_health_check(definition, agent.settings.node_name);
  registration.type = local::to_check_type(definition);
  registration.check.Type = local::check_type(*registration.type);
  registration.token = token_of(request);
  if (Result<> valid = local::validate_check(*registration.type); !valid) {
    return {Errc::invalid_argument, "Invalid check: " + valid.error().detail};
  }
  const std::string& service = registration.check.ServiceID;
  if (!service.empty() && !agent.local->service(service)) {
    return {Errc::not_found, "ServiceID " + base::quote(service) + " does not exist"};
  }
  return registration;
}

void update(Context& agent, const Request& request, std::string_view status, std::string_view output,
            Responder responder) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  if (Result<> there = known(agent, request.rest); !there) return responder.send(Result<Reply>(there.error()));
  if (Result<> allowed = permit_check_update(agent, *who, request.rest); !allowed) {
    return responder.send(Result<Reply>(allowed.error()));
  }
  agent.local->update_ttl(std::string(request.rest), std::string(status), std::string(output),
                          when_changed(std::move(responder)));
}

}  // namespace

Result<Reply> agent_checks(Context& agent, const Request& request) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  Result<Filter> filter = Filter::create<catalog::HealthCheck>(request.param("filter"));
  if (!filter) {
    // Consul knows the type only when it meets a check: a selector that is none fails then, without the usual
    // beginning. What does not parse (the place of the fault, "1:4 (3)", comes first) fails at once.
    const Result<Filter> plain = Filter::compile(request.param("filter"), base::type_of<catalog::HealthCheck>());
    const bool parses = !plain && (plain.error().detail[0] < '0' || plain.error().detail[0] > '9');
    if (!parses) return filter.error();
    if (agent.local->checks().empty()) return json("{}");
    return base::Error{Errc::internal, plain.error().detail};
  }
  base::Map<catalog::HealthCheck> checks;
  checks.make_present();
  bool filtered = false;
  for (auto& [id, check] : agent.local->checks()) {
    if (!may_read_check(agent, *who, check)) {
      filtered = true;
      continue;
    }
    catalog::HealthCheck entry = check;
    entry.ServiceTags.make_present();
    if (filter->matches(entry)) checks.emplace(id, std::move(entry));
  }
  Reply reply = json(base::to_json(checks));
  if (tokens::says_filtered(*who, filtered)) reply.header("X-Consul-Results-Filtered-By-ACLs", "true");
  return reply;
}

void agent_check_register(Context& agent, const Request& request, Responder responder) {
  Result<local::CheckRegistration> registration = decode_registration(agent, request);
  if (!registration) return responder.send(Result<Reply>(registration.error()));
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  if (Result<> allowed = permit_check(agent, *who, registration->check); !allowed) {
    return responder.send(Result<Reply>(allowed.error()));
  }
  agent.local->add_check(std::move(*registration), when_changed(std::move(responder)));
}

void agent_check_deregister(Context& agent, const Request& request, Responder responder) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  if (Result<> there = known(agent, request.rest); !there) return responder.send(Result<Reply>(there.error()));
  if (Result<> allowed = permit_check_update(agent, *who, request.rest); !allowed) {
    return responder.send(Result<Reply>(allowed.error()));
  }
  agent.local->remove_check(std::string(request.rest), when_changed(std::move(responder)));
}

void agent_check_pass(Context& agent, const Request& request, Responder responder) {
  update(agent, request, catalog::kHealthPassing, request.param("note"), std::move(responder));
}

void agent_check_warn(Context& agent, const Request& request, Responder responder) {
  update(agent, request, catalog::kHealthWarning, request.param("note"), std::move(responder));
}

void agent_check_fail(Context& agent, const Request& request, Responder responder) {
  update(agent, request, catalog::kHealthCritical, request.param("note"), std::move(responder));
}

void agent_check_update(Context& agent, const Request& request, Responder responder) {
  CheckUpdate body{};
  if (Result<> read = decode_body(request, body); !read) return responder.send(Result<Reply>(read.error()));
  if (!valid_status(body.Status)) {
    return responder.send(Result<Reply>(Errc::invalid_argument, "Invalid check status: '" + body.Status + "'"));
  }
  update(agent, request, body.Status, body.Output, std::move(responder));
}

void agent_node_maintenance(Context& agent, const Request& request, Responder responder) {
  const Result<bool> on = enable_param(request);
  if (!on) return responder.send(Result<Reply>(on.error()));
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return responder.send(Result<Reply>(who.error()));
  if (Result<> allowed = tokens::require(*who, tokens::kOwnNodeWrite, agent.settings.node_name); !allowed) {
    return responder.send(Result<Reply>(allowed.error()));
  }
  agent.local->node_maintenance(*on, std::string(request.param("reason")), token_of(request),
                                when_changed(std::move(responder)));
}

}  // namespace proconsul::agent::http
