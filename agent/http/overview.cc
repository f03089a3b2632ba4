#include "agent/http/overview.h"

#include "base/json.h"
#include "catalog/query/overview.h"
#include "catalog/store/store.h"

namespace proconsul::agent::http {

std::string Overview::json(Time now, const server::Server& server) {
  const std::int64_t interval = (now - started_) / kInterval;
  const std::lock_guard lock(mutex_);
  if (json_.empty() || interval != interval_) {
    interval_ = interval;
    json_ =
        base::to_json(interval == 0 ? catalog::CatalogSummary{} : catalog::catalog_overview(server.view()->tables()));
  }
  return json_;
}

}  // namespace proconsul::agent::http
