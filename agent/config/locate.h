// Finds the line of a key for an error message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace proconsul::base::hcl {
struct Node;
}

namespace proconsul::agent::config {

/// The line of a key such as "services[1].nmae", from 1; 0 if it is not found.
std::size_t line_of_hcl_key(const base::hcl::Node& file, std::string_view key);
/// The same in a JSON text that is known to be valid.
std::size_t line_of_json_key(std::string_view text, std::string_view key);

}  // namespace proconsul::agent::config
