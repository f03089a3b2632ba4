// Prepared query templates: every text of the query's Service may hold HIL (base/hil/hil.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hil/hil.h"
#include "base/regex.h"
#include "base/result.h"
#include "catalog/types/prepared_query.h"

namespace proconsul::catalog {

/// Immutable; renders on any thread.
class QueryTemplate {
 public:
  /// Fails for what Consul refuses, with its texts; a trial rendering is part of it.
  static base::Result<std::shared_ptr<const QueryTemplate>> compile(const PreparedQuery& query);
  /// The query that was compiled (pass it again), as it is for one name. `segment`: of the agent that asks.
  base::Result<PreparedQuery> render(const PreparedQuery& query, std::string_view name, std::string_view segment) const;

 private:
  std::vector<base::hil::Text> texts_{};  // in the order in which the Service's texts are visited
  std::optional<base::Regex> regex_{};
};

}  // namespace proconsul::catalog
