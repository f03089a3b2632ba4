// Service instances with what is configured centrally in them: ?merge-central-config.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/query/instances.h"
#include "catalog/store/tables.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// By row, as they are shown. Adds what they depend on to `watch`, and to the index.
using MergedInstances = std::map<const InstanceRow*, CheckServiceNode>;
base::Result<MergedInstances> merge_instances(const Tables& tables, const std::vector<const InstanceRow*>& rows,
                                              std::uint64_t& index, base::KeySet* watch);
/// The same without checks.
using MergedServiceNodes = std::map<const InstanceRow*, ServiceNode>;
base::Result<MergedServiceNodes> merge_service_nodes(const Tables& tables, const std::vector<const InstanceRow*>& rows,
                                                     std::uint64_t& index, base::KeySet* watch);

}  // namespace proconsul::catalog
