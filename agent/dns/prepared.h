// How DNS has a prepared query executed: <query>.query.<domain>.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/types/service.h"

namespace proconsul::agent::dns {

struct PreparedRequest {
  std::string name_or_id{};
  std::string datacenter{};
  std::string source_ip{};  // the client's, or what its resolver says of it: for templates and ?near=_ip
  bool allow_stale{};
};
struct PreparedAnswer {
  std::string service{};
  std::string datacenter{};                        // that answered
  std::string ttl{};                               // "10s"; empty: as for the service
  std::vector<catalog::CheckServiceNode> nodes{};  // in the order in which they are to be shown
};
using PreparedDone = std::move_only_function<void(base::Result<PreparedAnswer>)>;
/// Executes a query for the DNS server and calls `done` once, on any thread: Errc::not_found if there is no such query.
/// Without an executor there are no queries.
using PreparedExecutor = std::function<void(PreparedRequest, PreparedDone)>;

}  // namespace proconsul::agent::dns
