// Sessions: the commands of the state machine and the queries over a version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/session.h"

namespace proconsul::catalog {

using SessionRow = base::Row<Session>;

// ---- queries ----

struct SessionAnswer {
  std::uint64_t index{};                      // of the table
  std::vector<const SessionRow*> sessions{};  // by ID; live as long as the tables
};
/// One or none.
SessionAnswer session_get(const Tables& tables, std::string_view id, base::KeySet* watch);
SessionAnswer session_list(const Tables& tables, base::KeySet* watch);
SessionAnswer session_list_of_node(const Tables& tables, std::string_view node, base::KeySet* watch);

// ---- commands ----

/// Applies command 3. The answer of create is the session's ID; empty for destroy.
base::Result<std::string> session_apply(Transaction& transaction, SessionRequest& request);

/// The node must exist, and the checks must exist and not be critical.
base::Result<> session_create(Transaction& transaction, Session& session);
/// Ends a session: its keys are released or deleted, its locks delayed. No error if there is no such session.
base::Result<> session_destroy(Transaction& transaction, std::string_view id);
/// The session's row alone goes: what a transaction's "delete" does. Its keys stay locked.
base::Result<> session_delete_row(Transaction& transaction, std::string_view id);

// For the commands that deregister, or turn a check critical:
/// Ends all sessions of a node that goes away.
base::Result<> session_end_of_node(Transaction& transaction, std::string_view node);
/// Ends all sessions that live by this check.
base::Result<> session_end_of_check(Transaction& transaction, std::string_view node, std::string_view check_id);

/// A row of a snapshot, as it was.
void session_restore(Transaction& transaction, const Session& session);

/// All checks that a session lives by, of any spelling.
std::vector<std::string_view> session_check_ids(const Session& session);

}  // namespace proconsul::catalog
