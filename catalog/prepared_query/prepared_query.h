// Prepared queries: the commands of the state machine, and finding a query in a version.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/prepared_query/template.h"
#include "catalog/store/store.h"
#include "catalog/types/prepared_query.h"

namespace proconsul::catalog {

// ---- queries ----

struct QueriesAnswer {
  std::uint64_t index{};                   // of the table
  std::vector<const QueryRow*> queries{};  // by ID; live as long as the tables
};
/// One or none. An error if the text is no UUID.
base::Result<QueriesAnswer> query_get(const Tables& tables, std::string_view id, base::KeySet* watch);
QueriesAnswer query_list(const Tables& tables, base::KeySet* watch);

/// The query with this ID or name, or the template with the longest name that this one begins with, rendered.
/// `segment`: of the agent that asks. Nothing if there is none; an error if a template cannot be rendered, or is named
/// by its ID.
base::Result<std::optional<PreparedQuery>> query_resolve(const Tables& tables, std::string_view id_or_name,
                                                         std::string_view segment);

// ---- commands ----

/// Applies command 7.
base::Result<> query_apply(Transaction& transaction, PreparedQueryRequest& request);
base::Result<> query_set(Transaction& transaction, PreparedQuery& query);
/// No error if there is no such query.
base::Result<> query_delete(Transaction& transaction, std::string_view id);
/// The session ends: its queries go.
void query_delete_of_session(Transaction& transaction, std::string_view session);

/// A row of a snapshot, as it was.
base::Result<> query_restore(Transaction& transaction, const PreparedQuery& query);

}  // namespace proconsul::catalog
