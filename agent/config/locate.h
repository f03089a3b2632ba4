// Finds lines in a source for what is said of it: of a key, of a syntax error, of a key that is given twice.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace proconsul::base::hcl {
struct Node;
}

namespace proconsul::agent::config {

/// The line of a key such as "services[1].nmae", from 1; 0 if it is not found.
std::size_t line_of_hcl_key(const base::hcl::Node& file, std::string_view key);
/// The same in a JSON text that is known to be valid.
std::size_t line_of_json_key(std::string_view text, std::string_view key);
/// The lines of the elements of a list of objects at the top, such as "services", in their order.
std::vector<std::size_t> lines_of_hcl_elements(const base::hcl::Node& file, std::string_view key);
std::vector<std::size_t> lines_of_json_elements(std::string_view text, std::string_view key);
/// Where a JSON text stops being one; 0 if it is valid.
std::size_t line_of_json_error(std::string_view text);

struct Repeated {
  std::string key{};  // dotted: "ports.http"
  std::size_t first_line{};
  std::size_t line{};
};
/// Keys that stand twice in one object, where the earlier value is lost. Blocks in HCL are not among them: they add up.
std::vector<Repeated> repeated_hcl_keys(const base::hcl::Node& file);
/// The same in a JSON text that is known to be valid.
std::vector<Repeated> repeated_json_keys(std::string_view text);

}  // namespace proconsul::agent::config
