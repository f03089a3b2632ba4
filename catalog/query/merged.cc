#include "catalog/query/merged.h"

#include <utility>

#include "catalog/config_entry/resolve.h"

namespace proconsul::catalog {

using base::Result;

Result<MergedInstances> merge_instances(const Tables& tables, const std::vector<const InstanceRow*>& rows,
                                        std::uint64_t& index, base::KeySet* watch) {
  MergedInstances merged;
  for (const InstanceRow* row : rows) {
    CheckServiceNode instance = check_service_node(tables, *row);
    if (Result<> added = add_central_config(tables, *instance.Service, index, watch); !added) return added.error();
    merged.emplace(row, std::move(instance));
  }
  return merged;
}

Result<MergedServiceNodes> merge_service_nodes(const Tables& tables, const std::vector<const InstanceRow*>& rows,
                                               std::uint64_t& index, base::KeySet* watch) {
  MergedServiceNodes merged;
  for (const InstanceRow* row : rows) {
    NodeService service = row->service().get();
    if (Result<> added = add_central_config(tables, service, index, watch); !added) return added.error();
    ServiceNode instance = service_node(tables, *row);
    instance.ServiceProxy = std::move(service.Proxy);  // nothing else is configured so
    merged.emplace(row, std::move(instance));
  }
  return merged;
}

}  // namespace proconsul::catalog
