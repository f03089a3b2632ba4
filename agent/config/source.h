// Where settings come from: files, directories, fragments on the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/config/settings.h"
#include "base/result.h"

namespace proconsul::agent::config {

struct Source {
  std::string name{};    // what errors call it: the path, or "flags-0.hcl"
  std::string format{};  // "hcl" or "json"
  std::string text{};
};

/// Larger files are refused.
constexpr std::size_t kMaxFileSize = 32 << 20;

/// A file, or the .hcl and .json files of a directory by name (not of its subdirectories). With `format` every file has
/// that format. Files that are left out are named in `warnings`.
base::Result<std::vector<Source>> sources_from_path(const std::string& path, const std::string& format,
                                                    std::vector<std::string>& warnings);

/// Parses and checks one source. Errors begin "failed to parse NAME: "; an unknown key is one, with its line.
base::Result<Settings> read_source(const Source& source, std::vector<std::string>& warnings);

/// Go's list of several errors as one text.
std::string error_list(const std::vector<std::string>& errors);

}  // namespace proconsul::agent::config
