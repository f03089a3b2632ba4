// The reply about a service and those it talks to. Field lists: wire_schema.json of the wire reference.
#pragma once

#include <string>

#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/intention.h"
#include "catalog/types/service.h"

namespace proconsul::agent::rpc {

/// Decisions and sources (catalog/query/topology.h) are by service.
struct ServiceTopology {
  base::List<catalog::CheckServiceNode> Upstreams{};
  base::List<catalog::CheckServiceNode> Downstreams{};
  base::Map<catalog::IntentionDecisionSummary> UpstreamDecisions{};
  base::Map<catalog::IntentionDecisionSummary> DownstreamDecisions{};
  std::string MetricsProtocol{};
  bool TransparentProxy{};
  base::Map<std::string> UpstreamSources{};
  base::Map<std::string> DownstreamSources{};
};
PROCONSUL_DECLARE_TYPE(ServiceTopology)

struct IndexedServiceTopology : catalog::QueryMeta {
  base::Pointer<rpc::ServiceTopology> ServiceTopology{};
  bool FilteredByACLs{};  // said to everybody, unlike what the meta say
};
PROCONSUL_DECLARE_TYPE(IndexedServiceTopology)

}  // namespace proconsul::agent::rpc
