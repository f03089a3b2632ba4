#include "catalog/registry/usage.h"

#include <algorithm>
#include <string>

namespace proconsul::catalog {

namespace {

constexpr std::string_view kUsageBillable = "billable-services";
constexpr std::string_view kNative = "connect-native";
constexpr std::string_view kConnectKinds[] = {kKindConnectProxy,       kKindIngressGateway, kKindMeshGateway,
                                              kKindTerminatingGateway, kKindApiGateway,     kNative};

std::string connect_usage(std::string_view kind) {
  return std::string("connect-mesh-").append(kind);
}

std::string usage_key(std::string_view what) {
  return std::string("usage.").append(what);
}

void count_mesh(Transaction& tx, const NodeService& service, int delta) {
  if (!service.Kind.empty()) count_usage(tx, connect_usage(service.Kind), delta);
}

bool is_billable(const NodeService& service) {
  return service.Kind.empty() && service.Service != kConsulServiceName;
}

void count_changed_instance(Transaction& tx, const NodeService& before, const NodeService& after) {
  count_mesh(tx, before, -1);
  count_mesh(tx, after, +1);
  if (before.Connect->Native != after.Connect->Native) {
    count_usage(tx, connect_usage(kNative), after.Connect->Native ? +1 : -1);
  }
  // The steps below add up rather than compare before with after: so do the servers that we share a cluster with.
  int billable = 0;
  const bool was_consul = before.Service == kConsulServiceName;
  const bool is_consul = after.Service == kConsulServiceName;
  if (was_consul && !is_consul && after.Kind.empty()) ++billable;
  if (!was_consul && is_consul) --billable;
  if (!before.Kind.empty() && after.Kind.empty()) ++billable;
  if (before.Kind.empty() && !after.Kind.empty()) --billable;
  if (billable != 0) count_usage(tx, kUsageBillable, billable);
}

}  // namespace

void count_usage(Transaction& tx, std::string_view what, int delta) {
  Tables& tables = tx.tables();
  const auto now = static_cast<std::int64_t>(tables.usage.get(what)) + delta;
  tables.usage.set(what, static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0)));
  tables.usage_indexes.set(what, tx.index());
  tx.touch(Topic::index, usage_key(what));
}

void count_instance(Transaction& tx, const NodeService* before, const NodeService* after) {
  if (before && after) {
    count_usage(tx, kUsageServices, 0);
    return count_changed_instance(tx, *before, *after);
  }
  const int delta = after ? +1 : -1;
  const NodeService& service = after ? *after : *before;
  count_usage(tx, kUsageServices, delta);
  count_mesh(tx, service, delta);
  if (service.Connect->Native) count_usage(tx, connect_usage(kNative), delta);
  if (is_billable(service)) count_usage(tx, kUsageBillable, delta);
}

UsageAnswer service_usage(const Tables& tables, base::KeySet* watch) {
  const auto count = [&](std::string_view what) {
    watch_key(watch, Topic::index, usage_key(what));
    return static_cast<base::Int>(tables.usage.get(what));
  };
  UsageAnswer answer;
  answer.index = tables.usage_indexes.get(kUsageServices);
  answer.usage.ServiceInstances = count(kUsageServices);
  answer.usage.Services = count(kUsageServiceNames);
  answer.usage.Nodes = count(kUsageNodes);
  answer.usage.ConnectServiceInstances.make_present();
  for (const std::string_view kind : kConnectKinds) {
    answer.usage.ConnectServiceInstances[std::string(kind)] = count(connect_usage(kind));
  }
  answer.usage.BillableServiceInstances = count(kUsageBillable);
  return answer;
}

}  // namespace proconsul::catalog
