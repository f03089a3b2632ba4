// A stored prepared query with its compiled template.
#pragma once

#include <memory>

#include "base/ref.h"
#include "catalog/types/prepared_query.h"

namespace proconsul::catalog {

class QueryTemplate;

struct StoredQuery : PreparedQuery {
  std::shared_ptr<const QueryTemplate> compiled{};  // null if the query is no template
};
using QueryRow = base::Row<StoredQuery>;

}  // namespace proconsul::catalog
