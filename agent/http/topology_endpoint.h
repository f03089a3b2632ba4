// Whom services of the mesh call, and the intentions of what gateways serve, for the user interface. All of it goes
// through RPC methods, here or elsewhere.
#pragma once

#include <string>

#include "agent/http/context.h"
#include "agent/http/request.h"
#include "agent/http/route.h"
#include "agent/http/ui_types.h"
#include "base/type.h"
#include "catalog/types/intention.h"

namespace proconsul::agent::http {

/// A service on one of both sides.
struct ServiceTopologySummary : ServiceSummary {
  std::string Source{};  // why it is there (catalog/query/topology.h)
  catalog::IntentionDecisionSummary Intention{};
};
PROCONSUL_DECLARE_TYPE(ServiceTopologySummary)

/// /v1/internal/ui/service-topology
struct ServiceTopology {
  std::string Protocol{};
  bool TransparentProxy{};
  base::List<ServiceTopologySummary> Upstreams{};
  base::List<ServiceTopologySummary> Downstreams{};
  bool FilteredByACLs{};
};
PROCONSUL_DECLARE_TYPE(ServiceTopology)

base::Result<Question> ask_ui_service_topology(const Context& agent, const Request& request);
base::Result<Question> ask_ui_gateway_intentions(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
