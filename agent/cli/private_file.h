// Files that hold secrets, and the folders of files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::cli {

/// Makes the folders that are missing on the way to the file.
base::Result<> make_parent_folder(const std::string& path);

/// Only its owner can read the file, at no moment anybody else, and it is there whole or not at all. Makes the folders
/// that are missing.
base::Result<> write_private_file(const std::string& path, std::string_view content);

}  // namespace proconsul::agent::cli
