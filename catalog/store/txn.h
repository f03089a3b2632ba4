// Transactions: several operations that happen all or not at all.
#pragma once

#include <functional>
#include <string_view>

#include "catalog/store/store.h"
#include "catalog/types/txn.h"

namespace proconsul::catalog {

/// Applies command 8. Every operation is tried, each on top of those before it; if any fails nothing has happened and
/// the answer holds the errors of all that failed.
TxnResponse txn_apply(Transaction& transaction, TxnRequest& request);

/// The same over a version, for operations that only read; the others fail.
TxnResponse txn_read(const Tables& tables, const base::List<base::Pointer<TxnOp>>& ops);

/// What is wrong with the operations before they may enter the log: unknown verbs, missing names, keys whose lock is
/// delayed. Fills in what may be left out (a service's or check's ID).
base::List<base::Pointer<TxnError>> txn_check(base::List<base::Pointer<TxnOp>>& ops,
                                              const std::function<bool(std::string_view key)>& lock_is_delayed);

}  // namespace proconsul::catalog
