// A folder as a gzipped tar.
#pragma once

#include <string>

#include "base/result.h"

namespace proconsul::agent::cli {

/// Writes `path` with all that is below `folder`, under the folder's own name, and syncs it; a file of that name is
/// replaced only once the archive is whole. The folder stays.
base::Result<> archive_folder(const std::string& folder, const std::string& path);

}  // namespace proconsul::agent::cli
