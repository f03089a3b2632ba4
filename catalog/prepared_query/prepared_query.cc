#include "catalog/prepared_query/prepared_query.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "base/uuid.h"
#include "catalog/store/key.h"
#include "catalog/store/session.h"
#include "catalog/store/uuid_key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr std::string_view kQueries = "prepared-queries";

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

bool is_template(const PreparedQuery& query) {
  return !query.Template.Type.empty();
}

// Templates also have names in their index that others have not: the empty one.
std::string name_key(std::string_view name) {
  return index_key({name});
}
std::string template_key(std::string_view name) {
  return '\0' + lower_case(name);
}

Result<std::string> id_key(std::string_view id) {
  Result<std::string> key = uuid_key(id);
  if (!key) return failed("failed prepared query lookup: index error: " + key.error().detail);
  return key;
}

bool is_uuid(std::string_view text) {
  return base::parse_uuid(text).has_value();
}

std::string session_prefix(std::string_view session) {
  return index_key({session});
}
std::string session_key(const PreparedQuery& query, std::string_view id_key) {
  return session_prefix(query.Session).append(id_key);
}

void erase_rows(Transaction& transaction, const std::string& id, const StoredQuery& query) {
  Tables& tables = transaction.tables();
  if (!query.Name.empty()) tables.queries_by_name.erase(name_key(query.Name));
  if (is_template(query)) tables.query_templates.erase(template_key(query.Name));
  if (!query.Session.empty()) tables.queries_by_session.erase(session_key(query, id));
  transaction.touch(Topic::query, id);
  tables.queries.erase(id);  // last: the query may be the row that goes
}

void insert_rows(Transaction& transaction, const std::string& id, StoredQuery query) {
  Tables& tables = transaction.tables();
  if (const auto existing = tables.queries.share(id)) erase_rows(transaction, id, *existing);
  const auto row = base::make_row(std::move(query));
  tables.queries.insert(id, row);
  if (!row->Name.empty()) tables.queries_by_name.insert(name_key(row->Name), row);
  if (is_template(*row)) tables.query_templates.insert(template_key(row->Name), row);
  if (!row->Session.empty()) tables.queries_by_session.insert(session_key(*row, id), row);
  transaction.touch(Topic::query, id);
}

Result<StoredQuery> compiled(const PreparedQuery& query) {
  StoredQuery stored{query};
  if (!is_template(query)) return stored;
  auto compiled = QueryTemplate::compile(query);
  if (!compiled) return failed("failed compiling template: " + compiled.error().detail);
  stored.compiled = std::move(*compiled);
  return stored;
}

// A name must find one query alone, and must not pass for another query's ID.
Result<> check_name(const Tables& tables, const PreparedQuery& query, const QueryRow* existing) {
  const auto taken = [&](const QueryRow* other) { return other && (!existing || existing->ID != other->ID); };
  if (!query.Name.empty()) {
    if (taken(tables.queries_by_name.get(name_key(query.Name)))) {
      return failed("name '" + query.Name + "' aliases an existing query name");
    }
  } else if (is_template(query) && taken(tables.query_templates.get(template_key({})))) {
    return failed("a query template with an empty name already exists");
  }
  if (!is_uuid(query.Name)) return {};
  const Result<std::string> as_id = id_key(query.Name);
  if (!as_id) return as_id.error();
  if (tables.queries.contains(*as_id)) return failed("name '" + query.Name + "' aliases an existing query ID");
  return {};
}

}  // namespace

Result<QueriesAnswer> query_get(const Tables& tables, std::string_view id, base::KeySet* watch) {
  const Result<std::string> key = id_key(id);
  if (!key) return key.error();
  watch_key(watch, Topic::query, *key);
  QueriesAnswer answer{tables.index_of(kQueries), {}};
  if (const QueryRow* row = tables.queries.get(*key)) answer.queries.push_back(row);
  return answer;
}

QueriesAnswer query_list(const Tables& tables, base::KeySet* watch) {
  watch_below(watch, Topic::query, "");
  QueriesAnswer answer{tables.index_of(kQueries), {}};
  answer.queries.reserve(tables.queries.size());
  for (auto [key, row] : tables.queries.all()) answer.queries.push_back(row);
  return answer;
}

Result<std::optional<PreparedQuery>> query_resolve(const Tables& tables, std::string_view id_or_name,
                                                   std::string_view segment) {
  using Found = std::optional<PreparedQuery>;
  if (id_or_name.empty()) return failed("Missing Query ID");
  if (is_uuid(id_or_name)) {
    const Result<std::string> key = id_key(id_or_name);
    if (!key) return key.error();
    if (const QueryRow* row = tables.queries.get(*key)) {
      if (is_template(*row)) return failed("prepared query templates can only be resolved up by name, not by ID");
      return Found(*row);
    }
  }
  const QueryRow* row = tables.queries_by_name.get(name_key(id_or_name));
  if (!row) row = tables.query_templates.longest_prefix(template_key(id_or_name)).row;
  if (!row) return Found();
  if (!is_template(*row)) return Found(*row);
  Result<PreparedQuery> rendered = row->compiled->render(*row, id_or_name, segment);
  if (!rendered) return rendered.error();
  return Found(std::move(*rendered));
}

Result<> query_set(Transaction& transaction, PreparedQuery& query) {
  const Tables& tables = transaction.tables();
  if (query.ID.empty()) return failed("Missing Query ID");
  const Result<std::string> key = id_key(query.ID);
  if (!key) return key.error();
  const QueryRow* existing = tables.queries.get(*key);
  query.CreateIndex = existing ? existing->CreateIndex : transaction.index();
  query.ModifyIndex = transaction.index();
  if (Result<> free = check_name(tables, query, existing); !free) return free;
  if (!query.Session.empty() && session_get(tables, query.Session, nullptr).sessions.empty()) {
    return failed("invalid session " + base::quote(query.Session));
  }
  Result<StoredQuery> stored = compiled(query);
  if (!stored) return stored.error();
  insert_rows(transaction, *key, std::move(*stored));
  transaction.set_index(kQueries);
  return {};
}

Result<> query_delete(Transaction& transaction, std::string_view id) {
  const Result<std::string> key = id_key(id);
  if (!key) return failed("failed prepared query delete: " + key.error().detail);
  const auto row = transaction.tables().queries.share(*key);
  if (!row) return {};
  erase_rows(transaction, *key, *row);
  transaction.set_index(kQueries);
  return {};
}

void query_delete_of_session(Transaction& transaction, std::string_view session) {
  const std::string prefix = session_prefix(session);
  std::vector<std::string> ids;
  for (auto [key, row] : transaction.tables().queries_by_session.prefix(prefix)) {
    ids.emplace_back(key.substr(prefix.size()));
  }
  for (const std::string& id : ids) erase_rows(transaction, id, *transaction.tables().queries.share(id));
  if (!ids.empty()) transaction.set_index(kQueries);
}

Result<> query_restore(Transaction& transaction, const PreparedQuery& query) {
  const Result<std::string> key = id_key(query.ID);
  if (!key) return failed("failed restoring prepared query: " + key.error().detail);
  Result<StoredQuery> stored = compiled(query);
  if (!stored) return stored.error();
  insert_rows(transaction, *key, std::move(*stored));
  transaction.raise_index(kQueries, query.ModifyIndex);
  return {};
}

Result<> query_apply(Transaction& transaction, PreparedQueryRequest& request) {
  if (!request.Query) return failed("Missing prepared query");
  if (request.Op == "create" || request.Op == "update") return query_set(transaction, *request.Query);
  if (request.Op == "delete") return query_delete(transaction, request.Query->ID);
  return failed("Invalid PreparedQuery operation '" + request.Op + "'");
}

}  // namespace proconsul::catalog
