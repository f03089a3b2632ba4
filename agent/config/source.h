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

/// Parses and checks one source. Errors begin "failed to parse NAME: "; an unknown key and a value of the wrong type
/// are errors, with their lines. Each service and each check gets a value kOrigin: "NAME line 3".
base::Result<Settings> read_source(const Source& source, std::vector<std::string>& warnings);
inline constexpr std::string_view kOrigin = "<origin>";  // no file can say it: it is not in the table

/// The line of a key such as "services[1].port", from 1; 0 if it is not found.
std::size_t line_of_key(const Source& source, std::string_view key);

/// Go's list of several errors as one text.
std::string error_list(const std::vector<std::string>& errors);

}  // namespace proconsul::agent::config
