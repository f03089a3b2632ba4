// Texts of operators into which what is known of somebody is put.
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace proconsul::agent::auth {

/// The text with its ${...} filled in, in small letters as Consul has them. Errors: it is no template, or names what
/// there is not.
base::Result<std::string> interpolate(const std::string& text, std::map<std::string, std::string> variables);

}  // namespace proconsul::agent::auth
