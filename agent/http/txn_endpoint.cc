#include "agent/http/txn_endpoint.h"

#include <utility>

#include "agent/http/ask.h"
#include "agent/http/changes.h"
#include "agent/http/metrics.h"
#include "agent/http/request_limits.h"
#include "agent/http/txn_types.h"
#include "agent/tokens/readable.h"
#include "agent/tokens/resolver.h"
#include "base/json.h"
#include "base/quote.h"
#include "catalog/store/txn.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;

template <class Response>
Reply reply_of(const Response& response) {
  Reply reply = json(base::to_json(response));
  if (!response.Errors.empty()) reply.status = 409;
  return reply;
}

Result<ApiTxnOps> decode(Context& agent, const Request& request) {
  Result<ApiTxnOps> ops = read_txn_ops(request.body);
  if (!ops) return {Errc::invalid_argument, "Failed to parse body: " + ops.error().detail};
  if (const std::uint64_t most = agent.settings.txn_max_ops; ops->size() > most) {
    return {Errc::too_large, "Transaction contains too many operations (" + std::to_string(ops->size()) + " > " +
                                 std::to_string(most) + ")"};
  }
  const std::uint64_t limit = agent.settings.kv_max_value_size;
  for (const base::Pointer<ApiTxnOp>& op : *ops) {
    if (op->KV && op->KV->Value.size() > limit) {
      return {Errc::too_large, "Value for key " + base::quote(op->KV->Key) + " is too large (" +
                                   std::to_string(op->KV->Value.size()) + " > " + std::to_string(limit) + " bytes)"};
    }
  }
  return ops;
}

/// A read has the headers of one, though nothing waits and there is no index.
Reply read_reply(const catalog::TxnReadResponse& response) {
  Reply reply = reply_of(response);
  reply.header("X-Consul-Lastcontact", std::to_string(response.LastContact.nanoseconds / 1'000'000));
  reply.header("X-Consul-Knownleader", response.KnownLeader ? "true" : "false");
  return reply;
}

using Ops = base::List<base::Pointer<catalog::TxnOp>>;

void read(Context& agent, const Request& request, Ops ops, Responder responder) {
  Result<tokens::Who> who = tokens::anybody();
  if (agent.tokens) who = agent.tokens->resolve(agent.server->view()->tables(), request.options.token);
  if (!who) return responder.send(Result<Reply>(who.error()));
  auto answer = [&agent, who = std::move(*who), ops = std::move(ops)]() mutable {
    const base::metrics::ScopedTimer timer(request_metrics().txn_read);
    catalog::TxnReadResponse response{};
    response.Errors = server::txn_faults(*agent.server, who, ops);
    if (!response.Errors.empty()) return read_reply(response);
    const auto view = agent.server->view();
    static_cast<catalog::TxnResponse&>(response) = catalog::txn_read(view->tables(), ops);
    response.ResultsFilteredByACLs = tokens::says_filtered(who, server::keep_readable(who, response));
    const server::Leadership leadership = agent.server->leadership();
    response.KnownLeader = leadership.known;
    response.LastContact = leadership.last_contact;
    response.Index = 1;
    return read_reply(response);
  };
  const server::Leadership leadership = agent.server->leadership();
  const bool stale = request.options.stale && leadership.may_show_stale();
  if (!request.options.consistent && (stale || leadership.current)) return responder.send(answer());
  agent.server->verify_leader([answer = std::move(answer), responder = std::move(responder)](Result<> leads) mutable {
    if (!leads) return responder.send(Result<Reply>(leads.error()));
    responder.send(answer());
  });
}

void read_elsewhere(Context& agent, const Request& request, Ops ops, Responder responder) {
  auto query = query_of<catalog::TxnReadRequest>(request);
  query.Ops = std::move(ops);
  ask<catalog::TxnReadRequest, catalog::TxnReadResponse>(
      agent, "Txn.Read", std::move(query),
      [responder = std::move(responder)](Result<catalog::TxnReadResponse> response) mutable {
        responder.send(response ? Result<Reply>(read_reply(*response)) : Result<Reply>(response.error()));
      });
}

}  // namespace

void txn_put(Context& agent, const Request& request, Responder responder) {
  Result<ApiTxnOps> decoded = decode(agent, request);
  if (!decoded) return responder.send(decoded.error());
  const bool changes = writes(*decoded);
  if (!changes && !request.unchecked.empty()) return responder.send(text(400, request.unchecked));
  if (agent.limits && agent.server) {
    if (std::optional<Reply> refusal = agent.limits->refuse(changes ? "Txn.Apply" : "Txn.Read", changes,
                                                            agent.server->leadership().is_leader, request.remote())) {
      return responder.send(std::move(*refusal));
    }
  }
  Ops ops = log_form(std::move(*decoded), agent.settings.datacenter);
  const std::string& datacenter = request.options.datacenter;
  if (!changes && !is_here(agent, datacenter)) {
    return read_elsewhere(agent, request, std::move(ops), std::move(responder));
  }
  if (!changes) return read(agent, request, std::move(ops), std::move(responder));

  catalog::TxnRequest change{};
  change.Token = request.options.token;
  change.Datacenter = datacenter;
  change.Ops = std::move(ops);
  run_transaction(agent, std::move(change),
                  [responder = std::move(responder)](Result<catalog::TxnResponse> response) mutable {
                    if (!response) return responder.send(Result<Reply>(response.error()));
                    responder.send(reply_of(*response));
                  });
}

}  // namespace proconsul::agent::http
