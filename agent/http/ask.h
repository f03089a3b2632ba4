// What is asked of other servers: by a server for another datacenter, by a client agent for everything that is not its
// own. A row that reads says what it asks (Handler::ask) and what it makes of the reply; the frame (asked_reads.h) does
// the rest. Changes of the state go through changes.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "agent/http/route.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/method.h"
#include "agent/rpc/types.h"
#include "base/result.h"
#include "catalog/types/common.h"

namespace proconsul::agent::http {

/// Whether this agent is a server of the datacenter: the state is here.
inline bool is_here(const Context& agent, std::string_view datacenter) {
  return agent.server != nullptr && datacenter == agent.settings.datacenter;
}

/// What came back instead of a reply. What a client may make of it is in the text alone, as it came over the wire.
base::Error asked_error(const base::Error& error);

/// The row of a method, for calls of this request and reply. An error: this version does not have it.
template <class Req, class Rep>
base::Result<std::pair<const rpc::Method*, std::shared_ptr<rpc::TypedInvocation<Req, Rep>>>> make_call(
    std::string_view name) {
  if (const rpc::Method* method = rpc::find_method(name)) {
    if (auto call = std::dynamic_pointer_cast<rpc::TypedInvocation<Req, Rep>>(method->make())) {
      return std::pair(method, std::move(call));
    }
  }
  return base::Error{base::Errc::internal, "rpc: can't find method " + std::string(name)};
}

template <class Req, class Rep>
base::Result<Question> question(std::string_view method, Req request,
                                base::Result<Answer> (*show)(const AskedContext&, Rep& reply)) {
  auto made = make_call<Req, Rep>(method);
  if (!made) return made.error();
  made->second->request = std::move(request);
  return Question{.method = made->first,
                  .call = std::move(made->second),
                  .show = [show](const AskedContext& context, rpc::Invocation& call) {
                    return show(context, static_cast<rpc::TypedInvocation<Req, Rep>&>(call).reply);
                  }};
}

/// ?filter, ?index, ?wait, the consistency, the token, as a query carries them.
void fill(catalog::QueryOptions& options, const Request& request);
/// A query of the request's datacenter with the options of the request.
template <class Req>
Req query_of(const Request& request) {
  Req query{};
  fill(query, request);
  query.Datacenter = request.options.datacenter;
  return query;
}
/// ?near, and where the client is.
rpc::QuerySource source_of(const Context& agent, const Request& request);
/// ?node-meta
base::Map<std::string> meta_filters(const Request& request);

/// The address of a node or service of another datacenter as those outside of it reach it, where
/// translate_wan_addrs wants that.
void translate(const Context& agent, std::string_view datacenter, catalog::Node& node);
void translate(const Context& agent, std::string_view datacenter, catalog::NodeService& service);
void translate(const Context& agent, std::string_view datacenter, catalog::ServiceNode& instance);

/// Calls a method for a change, or for what answers with no query; nobody can give it up. `done` comes on some loop.
template <class Req, class Rep>
void ask(Context& agent, std::string_view method, Req request, std::move_only_function<void(base::Result<Rep>)> done) {
  auto made = make_call<Req, Rep>(method);
  if (!made) return done(made.error());
  auto [row, call] = std::move(*made);
  call->request = std::move(request);
  rpc::ask(*agent.caller, agent.loops->next(), *row, call,
           [call, done = std::move(done)](base::Result<> result) mutable {
             if (!result) return done(asked_error(result.error()));
             done(std::move(call->reply));
           });
}

}  // namespace proconsul::agent::http
