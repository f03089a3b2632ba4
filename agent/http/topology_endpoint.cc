#include "agent/http/topology_endpoint.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/rpc/intention_types.h"
#include "agent/rpc/topology_types.h"
#include "base/json.h"
#include "base/quote.h"
#include "catalog/query/topology.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(ServiceTopologySummary, "agent.ServiceTopologySummary") {
  type.embed<ServiceSummary>();
  type.field("Source", &ServiceTopologySummary::Source);
  type.field("Intention", &ServiceTopologySummary::Intention);
}

PROCONSUL_DESCRIBE_TYPE(ServiceTopology, "agent.ServiceTopology") {
  type.field("Protocol", &ServiceTopology::Protocol);
  type.field("TransparentProxy", &ServiceTopology::TransparentProxy);
  type.field("Upstreams", &ServiceTopology::Upstreams);
  type.field("Downstreams", &ServiceTopology::Downstreams);
  type.field("FilteredByACLs", &ServiceTopology::FilteredByACLs);
}

namespace {

bool is_shown_kind(std::string_view kind) {
  return kind == catalog::kKindTypical || kind == catalog::kKindIngressGateway || kind == catalog::kKindApiGateway;
}

struct Side {
  base::List<catalog::CheckServiceNode>& instances;
  const base::Map<catalog::IntentionDecisionSummary>& decisions;
  const base::Map<std::string>& sources;
};

ServiceTopologySummary summary_of(ServiceSummary service, const Side& side) {
  ServiceTopologySummary summary;
  static_cast<ServiceSummary&>(summary) = std::move(service);
  if (const auto source = side.sources.find(summary.Name); source != side.sources.end()) {
    summary.Source = source->second;
  }
  if (const auto decision = side.decisions.find(summary.Name); decision != side.decisions.end()) {
    summary.Intention = decision->second;
  }
  return summary;
}

/// The services of one side, without the sidecars that stand for them.
base::List<ServiceTopologySummary> summaries_of(const Side& side) {
  base::List<ServiceTopologySummary> shown;
  shown.make_present();
  ServiceSummaries summaries;
  for (catalog::CheckServiceNode& instance : side.instances) {
    std::erase_if(instance.Checks, [](const auto& check) { return !check; });
    if (instance.Node && instance.Service) summaries.add(*instance.Node, *instance.Service, instance.Checks);
  }
  for (ServiceListingSummary& summary : summaries.finish()) {
    if (is_shown_kind(summary.Kind)) shown.push_back(summary_of(std::move(summary), side));
  }
  return shown;
}

Result<Answer> shown_topology(const AskedContext& context, rpc::IndexedServiceTopology& found) {
  rpc::ServiceTopology& made = found.ServiceTopology ? *found.ServiceTopology : found.ServiceTopology.emplace();
  ServiceTopology topology;
  topology.Protocol = std::move(made.MetricsProtocol);
  topology.TransparentProxy = made.TransparentProxy;
  topology.FilteredByACLs = found.FilteredByACLs;
  const Side upstreams{made.Upstreams, made.UpstreamDecisions, made.UpstreamSources};
  topology.Upstreams = summaries_of(upstreams);
  for (const auto& [name, source] : made.UpstreamSources) {
    if (source != catalog::topology_source::kRoutingConfig) continue;
    ServiceSummary routed;
    routed.Datacenter = context.request.options.datacenter;
    routed.Name = name;
    topology.Upstreams.push_back(summary_of(std::move(routed), upstreams));
  }
  topology.Downstreams = summaries_of({made.Downstreams, made.DownstreamDecisions, made.DownstreamSources});
  return Answer{.reply = json(base::to_json(topology))};
}

}  // namespace

Result<Question> ask_ui_service_topology(const Context&, const Request& request) {
  const Result<std::string_view> service = path_part(request, "service name");
  if (!service) return service.error();
  if (!request.has_param("kind")) return Error{Errc::invalid_argument, "Missing service kind"};
  auto query = query_of<rpc::ServiceSpecificRequest>(request);
  query.ServiceName = *service;
  query.ServiceKind = request.param("kind");
  if (!is_shown_kind(query.ServiceKind)) {
    return Error{Errc::invalid_argument, "Unsupported service kind " + base::quote(query.ServiceKind)};
  }
  return question("Internal.ServiceTopology", std::move(query), &shown_topology);
}

Result<Question> ask_ui_gateway_intentions(const Context&, const Request& request) {
  const Result<std::string_view> gateway = path_part(request, "gateway name");
  if (!gateway) return gateway.error();
  auto query = query_of<rpc::IntentionQueryRequest>(request);
  rpc::IntentionQueryMatch& match = query.Match.emplace();
  match.Type = "destination";
  rpc::IntentionMatchEntry& entry = match.Entries.emplace_back();
  entry.Partition = "default";
  entry.Name = *gateway;
  return question(
      "Internal.GatewayIntentions", std::move(query),
      +[](const AskedContext&, rpc::IndexedIntentions& found) -> Result<Answer> {
        found.Intentions.make_present();
        return Answer{.reply = json(base::to_json(found.Intentions))};
      });
}

}  // namespace proconsul::agent::http
