// The services that the entry exported-services lets others use.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "base/watch.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

struct ResolvedConsumers {
  base::List<std::string> Peers{};
  base::List<std::string> Partitions{};  // of another edition
};
PROCONSUL_DECLARE_TYPE(ResolvedConsumers)

struct ResolvedExportedService {
  std::string Service{};
  ResolvedConsumers Consumers{};
};
PROCONSUL_DECLARE_TYPE(ResolvedExportedService)

struct ExportedServicesAnswer {
  std::uint64_t index{};
  base::List<ResolvedExportedService> services{};  // by name; everybody's once
};
/// A wildcard stands for the services that there are.
ExportedServicesAnswer exported_services(const Tables& tables, base::KeySet* watch);

}  // namespace proconsul::catalog
