#include "catalog/store/session.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/register.h"
#include "catalog/store/key.h"
#include "catalog/store/kv.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kSessions = "sessions";
constexpr base::Duration kMaxLockDelay = base::seconds(60);

Result<> failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}
Result<> failed(std::string_view context, const base::Error& cause) {
  return {cause.code, std::string(context).append(cause.detail)};
}

void touch(Transaction& transaction, const Session& session) {
  transaction.touch(Topic::session, index_key({session.ID}));
  transaction.touch(Topic::node_session, index_key({session.Node, session.ID}));
}

void erase_rows(Transaction& transaction, const Session& session) {
  Tables& tables = transaction.tables();
  for (const auto check : session_check_ids(session)) {
    tables.sessions_by_check.erase(index_key({session.Node, check, session.ID}));
  }
  tables.sessions_by_node.erase(index_key({session.Node, session.ID}));
  touch(transaction, session);
  const std::string key = index_key({session.ID});  // the session may be the row that goes
  tables.sessions.erase(key);
}

void insert_rows(Transaction& transaction, const Session& session) {
  Tables& tables = transaction.tables();
  if (const SessionRow* existing = tables.sessions.get(index_key({session.ID}))) {
    erase_rows(transaction, *base::RowPtr<Session>::share(existing));
  }
  const auto row = base::make_row(session);
  tables.sessions.insert(index_key({session.ID}), row);
  tables.sessions_by_node.insert(index_key({session.Node, session.ID}), row);
  for (const auto check : session_check_ids(session)) {
    tables.sessions_by_check.insert(index_key({session.Node, check, session.ID}), row);
  }
  touch(transaction, session);
}

Result<> validate_checks(const Tables& tables, const Session& session) {
  for (const auto id : session_check_ids(session)) {
    if (id.empty()) return failed("failed check lookup: index error: object is missing a value for this index");
    const CheckRow* row = find_check(tables, session.Node, id);
    if (!row) return failed("Missing check '" + std::string(id) + "' registration");
    // A check of type "session" is critical just because it has no session yet.
    if (const HealthCheck check = row->get(); check.Status == kHealthCritical && check.Type != "session") {
      return failed("Check '" + std::string(id) + "' is in " + check.Status + " state");
    }
  }
  return {};
}

// Tells the node's checks that follow a session of this name.
Result<> update_checks(Transaction& transaction, const Session& session, std::string_view status) {
  std::vector<HealthCheck> followers;
  for (auto [key, row] : transaction.tables().checks.prefix(index_key({peer_part(""), session.Node}))) {
    HealthCheck check = row->get();
    if (check.Type == "session" && check.Definition->SessionName == session.Name) followers.push_back(std::move(check));
  }
  for (HealthCheck& check : followers) {
    check.Status = status;
    check.Output = "Session '" + session.ID + (status == kHealthPassing ? "' in force" : "' is invalid");
    if (auto result = ensure_check(transaction, std::move(check), Indexes::preserve); !result) return result;
  }
  return {};
}

std::vector<std::string> ids(auto cursor) {
  std::vector<std::string> ids;
  for (auto [key, session] : cursor) ids.push_back(session->ID);
  return ids;
}

}  // namespace

std::vector<std::string_view> session_check_ids(const Session& session) {
  std::vector<std::string_view> ids(session.Checks.begin(), session.Checks.end());
  ids.insert(ids.end(), session.NodeChecks.begin(), session.NodeChecks.end());
  for (const auto& check : session.ServiceChecks) ids.emplace_back(check.ID);
  return ids;
}

SessionAnswer session_get(const Tables& tables, std::string_view id, base::KeySet* watch) {
  const std::string key = index_key({id});
  watch_key(watch, Topic::session, key);
  SessionAnswer answer{tables.index_of(kSessions), {}};
  if (const SessionRow* row = tables.sessions.get(key)) answer.sessions.push_back(row);
  return answer;
}

SessionAnswer session_list(const Tables& tables, base::KeySet* watch) {
  watch_below(watch, Topic::session, "");
  SessionAnswer answer{tables.index_of(kSessions), {}};
  answer.sessions.reserve(tables.sessions.size());
  for (auto [key, row] : tables.sessions.all()) answer.sessions.push_back(row);
  return answer;
}

SessionAnswer session_list_of_node(const Tables& tables, std::string_view node, base::KeySet* watch) {
  const std::string prefix = index_key({node});
  watch_below(watch, Topic::node_session, prefix);
  SessionAnswer answer{tables.index_of(kSessions), {}};
  for (auto [key, row] : tables.sessions_by_node.prefix(prefix)) answer.sessions.push_back(row);
  return answer;
}

Result<> session_create(Transaction& transaction, Session& session) {
  if (session.ID.empty()) return failed("Missing session ID");
  if (session.Behavior.empty()) session.Behavior = "release";
  if (session.Behavior != "release" && session.Behavior != "delete") {
    return failed("Invalid session behavior: " + session.Behavior);
  }
  session.CreateIndex = session.ModifyIndex = transaction.index();
  if (!find_node(transaction.tables(), session.Node)) return failed("Missing node registration");
  if (auto valid = validate_checks(transaction.tables(), session); !valid) return valid;
  return transaction.atomically([&]() -> Result<> {
    insert_rows(transaction, session);
    transaction.set_index(kSessions);
    return update_checks(transaction, session, kHealthPassing);
  });
}

Result<> session_destroy(Transaction& transaction, std::string_view id) {
  const auto session = transaction.tables().sessions.share(index_key({id}));
  if (!session) return {};
  return transaction.atomically([&]() -> Result<> {
    erase_rows(transaction, *session);
    transaction.set_index(kSessions);
    const base::Duration delay = std::min(session->LockDelay, kMaxLockDelay);
    if (session->Behavior == "release") {
      kv_release_all(transaction, session->ID, delay);
    } else if (session->Behavior == "delete") {
      kv_delete_all(transaction, session->ID, delay);
    } else {
      return failed("unknown session behavior " + base::quote(session->Behavior));
    }
    query_delete_of_session(transaction, session->ID);
    return update_checks(transaction, *session, kHealthCritical);
  });
}

Result<> session_delete_row(Transaction& transaction, std::string_view id) {
  const auto session = transaction.tables().sessions.share(index_key({id}));
  if (!session) return failed("failed deleting session: not found");
  erase_rows(transaction, *session);
  transaction.set_index(kSessions);
  return {};
}

Result<> session_end_of_node(Transaction& transaction, std::string_view node) {
  for (const auto& id : ids(transaction.tables().sessions_by_node.prefix(index_key({node})))) {
    if (auto ended = session_destroy(transaction, id); !ended) {
      return failed("failed to delete session '" + id + "': ", ended.error());
    }
  }
  return {};
}

Result<> session_end_of_check(Transaction& transaction, std::string_view node, std::string_view check_id) {
  for (const auto& id : ids(transaction.tables().sessions_by_check.prefix(index_key({node, check_id})))) {
    if (auto ended = session_destroy(transaction, id); !ended) return ended;
  }
  return {};
}

void session_restore(Transaction& transaction, const Session& session) {
  insert_rows(transaction, session);
  transaction.raise_index(kSessions, session.ModifyIndex);
}

Result<std::string> session_apply(Transaction& transaction, SessionRequest& request) {
  if (request.Op == "create") {
    if (auto created = session_create(transaction, request.Session); !created) return created.error();
    return request.Session.ID;
  }
  if (request.Op == "destroy") {
    if (auto destroyed = session_destroy(transaction, request.Session.ID); !destroyed) return destroyed.error();
    return std::string();
  }
  return {Errc::internal, "Invalid Session operation '" + request.Op + "'"};
}

}  // namespace proconsul::catalog
