#include "catalog/store/txn.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "agent/tokens/readable.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

void apply(Services& services, catalog::TxnRequest& request, server::Answered<catalog::TxnResponse> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::run_transaction(services.server, *who, std::move(request), std::move(done));
}

Result<Found> read(Services& services, const catalog::View& view, base::KeySet*, const catalog::TxnReadRequest& request,
                   catalog::TxnReadResponse& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  auto ops = request.Ops;  // checking them completes them
  reply.Errors = server::txn_faults(services.server, *who, ops);
  if (!reply.Errors.empty()) return Found::yes;
  static_cast<catalog::TxnResponse&>(reply) = catalog::txn_read(view.tables(), ops);
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, server::keep_readable(*who, reply));
  return Found::yes;
}

}  // namespace

std::span<const Method> txn_methods() {
  static constexpr Method kRows[] = {
      method<&apply>("Txn.Apply", 0),
      method<&read>("Txn.Read", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
