#include "agent/http/gateway_endpoint.h"

#include <string>
#include <utility>
#include <vector>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/ui_types.h"
#include "agent/rpc/gateway_types.h"
#include "base/json.h"
#include "base/weak_decode.h"
#include "catalog/store/key.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

PROCONSUL_DESCRIBE_TYPE(DiscoveryChainOverrides, "agent.discoveryChainReadRequest") {
  type.field("OverrideMeshGateway", &DiscoveryChainOverrides::OverrideMeshGateway).alias("override_mesh_gateway");
  type.field("OverrideProtocol", &DiscoveryChainOverrides::OverrideProtocol).alias("override_protocol");
  type.field("OverrideConnectTimeout", &DiscoveryChainOverrides::OverrideConnectTimeout)
      .readable()
      .alias("override_connect_timeout");
}

namespace {

Error bad_body(const std::string& why) {
  return {Errc::invalid_argument, "Request decoding failed: " + why};
}

bool is_gateway_mode(std::string_view mode) {
  return mode.empty() || mode == "none" || mode == "local" || mode == "remote";
}

Result<DiscoveryChainOverrides> read_overrides(const Request& request) {
  DiscoveryChainOverrides overrides;
  if (request.method != Method::post) return overrides;
  const auto raw = base::from_json<base::Map<Value>>(request.body, {.input = base::JsonInput::first});
  if (!raw) return bad_body(raw.error().detail);
  Value::MapType keys(raw->begin(), raw->end());
  // What nobody takes is let be.
  const auto unused = base::decode_weakly(keys, base::type_of<DiscoveryChainOverrides>(), &overrides);
  if (!unused) return bad_body(unused.error().detail);
  if (!is_gateway_mode(overrides.OverrideMeshGateway.Mode)) {
    return Error{Errc::invalid_argument, "Invalid OverrideMeshGateway.Mode parameter"};
  }
  return overrides;
}

template <class Row>
Answer list_of(const Row& rows) {
  std::string body = "[";
  for (const auto& row : rows) {
    if (body.size() > 1) body += ',';
    base::append_json(body, row);
  }
  return Answer{.reply = json(body + ']')};
}

/// What instances of all these services are called where gateways are asked for.
std::vector<std::string> ingress_names(const AskedContext& context, const std::string& service) {
  std::vector<std::string> names;
  for (const std::string& domain : context.agent.settings.dns_domains) {
    names.push_back(
        catalog::lower_case(service + ".ingress." + std::string(context.request.options.datacenter) + "." + domain));
  }
  return names;
}

}  // namespace

Result<Question> ask_gateway_services(const Context&, const Request& request) {
  const Result<std::string_view> gateway = path_part(request, "gateway name");
  if (!gateway) return gateway.error();
  auto query = query_of<rpc::ServiceSpecificRequest>(request);
  query.ServiceName = *gateway;
  return question(
      "Catalog.GatewayServices", std::move(query),
      +[](const AskedContext&, rpc::IndexedGatewayServices& found) -> Result<Answer> {
        found.Services.make_present();
        return Answer{.reply = json(base::to_json(found.Services))};
      });
}

Result<Question> ask_discovery_chain(const Context&, const Request& request) {
  const Result<std::string_view> name = path_part(request, "chain name");
  if (!name) return name.error();
  Result<DiscoveryChainOverrides> overrides = read_overrides(request);
  if (!overrides) return overrides.error();
  auto query = query_of<rpc::DiscoveryChainRequest>(request);
  query.Name = *name;
  query.EvaluateInDatacenter = request.param("compile-dc");
  query.OverrideMeshGateway = std::move(overrides->OverrideMeshGateway);
  query.OverrideProtocol = std::move(overrides->OverrideProtocol);
  query.OverrideConnectTimeout = overrides->OverrideConnectTimeout;
  return question(
      "DiscoveryChain.Get", std::move(query),
      +[](const AskedContext&, rpc::DiscoveryChainResponse& found) -> Result<Answer> {
        std::string body = R"({"Chain":)";
        base::append_json(body, found.Chain);
        return Answer{.reply = json(body + '}')};
      });
}

Result<Question> ask_ui_gateway_services_nodes(const Context&, const Request& request) {
  const Result<std::string_view> gateway = path_part(request, "gateway name");
  if (!gateway) return gateway.error();
  auto query = query_of<rpc::ServiceSpecificRequest>(request);
  query.ServiceName = *gateway;
  return question(
      "Internal.GatewayServiceDump", std::move(query),
      +[](const AskedContext& context, rpc::IndexedServiceDump& found) -> Result<Answer> {
        ServiceSummaries summaries;
        for (auto& info : found.Dump) {
          if (!info) continue;
          if (const auto& link = info->GatewayService) {
            summaries.add_gateway(*link, ingress_names(context, link->Service.Name));
          }
          std::erase_if(info->Checks, [](const auto& check) { return !check; });
          if (info->Node && info->Service) summaries.add(*info->Node, *info->Service, info->Checks);
        }
        std::vector<ServiceSummary> shown;
        for (ServiceListingSummary& summary : summaries.finish()) shown.push_back(std::move(summary));
        return list_of(shown);
      });
}

Result<Question> ask_ui_exported_services(const Context&, const Request& request) {
  auto query = query_of<rpc::ServiceDumpRequest>(request);
  query.PeerName = request.param("peer");
  return question(
      "Internal.ExportedServicesForPeer", std::move(query),
      +[](const AskedContext& context, rpc::IndexedServiceList& found) -> Result<Answer> {
        std::vector<ServiceListingSummary> shown;
        for (const auto& service : found.Services) {
          ServiceListingSummary& summary = shown.emplace_back();
          summary.Name = service.Name;
          summary.Datacenter = context.request.options.datacenter;
        }
        return list_of(shown);
      });
}

Result<Question> ask_exported_services(const Context& agent, const Request& request) {
  auto query = query_of<rpc::DCSpecificRequest>(request);
  query.Datacenter = agent.settings.datacenter;  // whatever the request says
  return question(
      rpc::kResolvedExportedServices, std::move(query),
      +[](const AskedContext&, rpc::IndexedResolvedExportedServices& found) -> Result<Answer> {
        found.Services.make_present();
        return Answer{.reply = json(base::to_json(found.Services))};
      });
}

}  // namespace proconsul::agent::http
