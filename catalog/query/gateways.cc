#include "catalog/query/gateways.h"

#include <algorithm>
#include <set>

#include "catalog/config_entry/entries.h"
#include "catalog/gateway/services.h"
#include "catalog/query/instance_indexes.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

namespace {

GatewayServicesAnswer rows_below(const Tables& tables, std::string_view prefix, base::KeySet* watch) {
  watch_key(watch, Topic::index, kGatewayServices);
  GatewayServicesAnswer answer{.index = tables.index_of(kGatewayServices)};
  for (const auto [key, row] : tables.gateway_services.prefix(prefix)) {
    answer.index = std::max(answer.index, row->ModifyIndex);
    if (row->Service.Name == kWildcard) continue;
    if (row->GatewayKind == kKindIngressGateway && row->FromWildcard) {
      answer.index = std::max(answer.index, tables.index_of("config-entries"));
      if (protocol_of_service(tables, row->Service.Name, watch) != row->Protocol) continue;
    }
    answer.rows.push_back(row);
  }
  return answer;
}

}  // namespace

GatewayServicesAnswer services_of_gateway(const Tables& tables, std::string_view gateway, base::KeySet* watch) {
  return rows_below(tables, index_key({gateway}), watch);
}

GatewayServicesAnswer all_gateway_services(const Tables& tables, base::KeySet* watch) {
  return rows_below(tables, {}, watch);
}

InstancesAnswer gateways_of_service(const Tables& tables, std::string_view service, std::string_view gateway_kind,
                                    base::KeySet* watch) {
  InstancesAnswer answer;
  watch_key(watch, Topic::index, kGatewayServices);
  std::set<std::string> seen;  // a gateway may serve it on several ports
  for (const auto [key, mapping] : tables.gateway_services_by_service.prefix(index_key({service}))) {
    if (mapping->GatewayKind != gateway_kind) continue;
    answer.index = std::max(answer.index, mapping->ModifyIndex);
    if (!seen.insert(lower_case(mapping->Gateway.Name)).second) continue;
    const std::string prefix = index_key({peer_part({}), mapping->Gateway.Name});
    watch_below(watch, Topic::service, prefix);
    const std::size_t before = answer.rows.size();
    for (const auto [instance_key, row] : tables.instances.prefix(prefix)) answer.rows.push_back(row);
    const bool exists = answer.rows.size() > before;
    answer.index = std::max(answer.index, index_of_service(tables, mapping->Gateway.Name, {}, exists, With::services));
  }
  return answer;
}

std::string protocol_of_service(const Tables& tables, std::string_view service, base::KeySet* watch) {
  watch_key(watch, Topic::config_entry, index_key({kind::kServiceDefaults, service}));
  watch_key(watch, Topic::config_entry, index_key({kind::kProxyDefaults, "global"}));
  std::string protocol;
  if (const auto* defaults = find_config_entry<ServiceConfigEntry>(tables, kind::kServiceDefaults, service)) {
    protocol = defaults->Protocol;
  } else if (const auto* all = find_config_entry<ProxyConfigEntry>(tables, kind::kProxyDefaults, "global")) {
    protocol = all->Protocol;
  }
  return protocol.empty() ? "tcp" : lower_case(protocol);
}

}  // namespace proconsul::catalog
