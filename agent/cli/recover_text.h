// What `recover` prints of data directories, for people and as JSON.
#pragma once

#include <string>
#include <vector>

#include "agent/recover/data_directory.h"

namespace proconsul::agent::cli {

/// A paragraph for each directory.
std::string recover_text(const std::vector<recover::DataDirectory>& directories);
/// One line of JSON.
std::string recover_json(const std::vector<recover::DataDirectory>& directories);

/// Rows of name, ID and address.
std::vector<std::vector<std::string>> server_rows(const raft::Configuration& servers,
                                                  const recover::DataDirectory& directory);

}  // namespace proconsul::agent::cli
