// Completion in bash, zsh and fish: the shells run the program with the line typed so far, and it answers with words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::cli {

/// What may stand at the end of `line` (which begins with the program's name): subcommands, or flags behind a dash.
std::vector<std::string> completions(std::string_view line);

/// Makes the shells whose start-up files exist in `home` complete `program` by this very binary. Fails if they do
/// already, or if there is none.
base::Result<> install_completion(const std::string& home, const std::string& program);
/// Undoes that.
base::Result<> uninstall_completion(const std::string& home, const std::string& program);

}  // namespace proconsul::agent::cli
