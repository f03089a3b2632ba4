// Service definitions in files, as the agent's configuration language writes them.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/ui.h"
#include "base/result.h"
#include "base/type.h"
#include "catalog/types/service.h"

namespace proconsul::agent::cli {

/// The services of configuration files and folders (HCL or JSON); anything else in them is checked but not used.
/// Warnings go to the error stream.
base::Result<base::List<catalog::ServiceDefinition>> read_service_files(const std::vector<std::string>& paths,
                                                                        const Ui& ui);

}  // namespace proconsul::agent::cli
