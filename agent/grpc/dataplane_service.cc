#include "agent/grpc/dataplane_service.h"

#include <expected>
#include <utility>

#include "agent/grpc/envoy_access_logs.h"
#include "agent/grpc/unary.h"
#include "base/log.h"
#include "catalog/config_entry/resolve.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/store.h"

namespace proconsul::agent::grpc {

using base::Result;
using tokens::Who;
using Bootstrap = std::expected<GetEnvoyBootstrapParamsResponse, Status>;

namespace {

const base::log::Logger kLog("agent.grpc-api.dataplane");

std::unexpected<Status> refuse(Code code, std::string text) {
  return std::unexpected(Status{code, std::move(text)});
}

/// The node that a request names, or null.
std::expected<const catalog::NodeRow*, Status> node_of(const catalog::Tables& tables,
                                                       const GetEnvoyBootstrapParamsRequest& request) {
  if (request.node_id.empty()) return catalog::find_node(tables, request.node_name);
  const Result<const catalog::NodeRow*> node = catalog::find_node_by_id(tables, request.node_id);
  if (node) return *node;
  kLog.error("Error looking up service", {{"error", node.error()}});
  return refuse(Code::internal, "Failure looking up service");
}

Bootstrap bootstrap(const catalog::Tables& tables, const Who& who, const GetEnvoyBootstrapParamsRequest& request,
                    const std::string& datacenter) {
  if (request.node_id.empty() && request.node_name.empty()) {
    return refuse(Code::invalid_argument, "Node ID or name required to lookup the service");
  }
  const auto node = node_of(tables, request);
  if (!node) return std::unexpected(node.error());
  if (*node == nullptr) return refuse(Code::not_found, "node not found");
  const std::string name = catalog::name_of(**node);
  const std::string& id = request.service_id.empty() ? request.proxy_id : request.service_id;
  const catalog::ServiceRow* const row = catalog::find_service(tables, name, id);
  if (row == nullptr) return refuse(Code::not_found, "Service not found");
  catalog::NodeService service = row->get();
  if (const Result<> may = tokens::require(who, acl::Resource::service, service.Service, acl::Access::read); !may) {
    return refuse(Code::permission_denied, may.error().detail);
  }
  std::uint64_t index = 0;
  if (const Result<> merged = catalog::add_central_config(tables, service, index, nullptr); !merged) {
    kLog.error("Error merging with central config", {{"error", merged.error()}});
    return refuse(Code::unknown, "Error merging central config: " + merged.error().detail);
  }
  GetEnvoyBootstrapParamsResponse response;
  const catalog::ConnectProxyConfig& proxy = *service.Proxy;
  response.config = proxy.Config;
  if (proxy.AccessLogs->Enabled) {
    if (Result<std::string> logs = envoy_access_logs(*proxy.AccessLogs)) {
      response.access_logs.push_back(std::move(*logs));
    } else {
      kLog.warn("Error creating the envoy access log config", {{"error", logs.error()}});
    }
  }
  response.service = service.Kind == "connect-proxy" ? proxy.DestinationServiceName : service.Service;
  response.identity = response.service;
  response.datacenter = datacenter;
  response.node_name = name;
  return response;
}

}  // namespace

void DataplaneService::add_to(Services& services) {
  const auto features = [this](Call& call, const NoFields&, Answer<GetSupportedDataplaneFeaturesResponse> answer) {
    bearers_.find(call.loop(), call.token(), [answer = std::move(answer)](const Result<Who>& who) mutable {
      if (const Result<> any = require_any_token(who); !any) {
        return answer(refuse(Code::unauthenticated, any.error().detail));
      }
      // Watching servers, managing certificates at the edge, configuring Envoy's start; FIPS 140-2 is not claimed.
      GetSupportedDataplaneFeaturesResponse response;
      for (const std::int32_t feature : {1, 2, 3, 4}) {
        response.supported_dataplane_features.push_back({.feature_name = feature, .supported = feature != 4});
      }
      answer(std::move(response));
    });
  };
  const auto parameters = [this](Call& call, GetEnvoyBootstrapParamsRequest request,
                                 Answer<GetEnvoyBootstrapParamsResponse> answer) {
    bearers_.find(call.loop(), call.token(),
                  [this, request = std::move(request), answer = std::move(answer)](const Result<Who>& who) mutable {
                    if (!who) return answer(refuse(Code::unauthenticated, who.error().detail));
                    const auto view = server_.view();
                    answer(bootstrap(view->tables(), *who, request, datacenter_));
                  });
  };
  services.add(
      "hashicorp.consul.dataplane.DataplaneService",
      {unary<NoFields, GetSupportedDataplaneFeaturesResponse>("GetSupportedDataplaneFeatures", Load::read, features),
       unary<GetEnvoyBootstrapParamsRequest, GetEnvoyBootstrapParamsResponse>("GetEnvoyBootstrapParams", Load::read,
                                                                              parameters)});
}

}  // namespace proconsul::agent::grpc
