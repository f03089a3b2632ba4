// Gateways and what they serve: the queries behind /v1/catalog/gateway-services and /v1/internal/ui/gateway-*. See
// instances.h for what answers have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/watch.h"
#include "catalog/query/instances.h"
#include "catalog/store/tables.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

struct GatewayServicesAnswer {
  std::uint64_t index{};
  std::vector<const GatewayService*> rows{};
};
/// What a gateway serves; what a wildcard of an ingress listener stands for only if it speaks the listener's protocol.
GatewayServicesAnswer services_of_gateway(const Tables& tables, std::string_view gateway, base::KeySet* watch);
/// Of all gateways.
GatewayServicesAnswer all_gateway_services(const Tables& tables, base::KeySet* watch);

/// Instances of the gateways of a kind that serve a service, by gateway.
InstancesAnswer gateways_of_service(const Tables& tables, std::string_view service, std::string_view gateway_kind,
                                    base::KeySet* watch);

/// What the service speaks by itself: of service-defaults, else of proxy-defaults, else tcp.
std::string protocol_of_service(const Tables& tables, std::string_view service, base::KeySet* watch);

}  // namespace proconsul::catalog
