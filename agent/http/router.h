// Finds the row for a path as Go's ServeMux does: exact patterns first, then the longest one that ends in '/'.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/http/route.h"

namespace proconsul::agent::http {

/// All rows of one pattern and ending.
struct Endpoint {
  std::string_view pattern{};
  std::string_view ending{};           // Route::ending
  std::array<const Route*, 8> rows{};  // by Method; null: not allowed
  std::uint32_t flags{};               // of all rows
  std::string allow{};                 // "OPTIONS,GET,PUT"
  std::string label{};                 // metrics: "v1_kv_"
  std::size_t number{};
  bool has_endings = false;  // there are endpoints for some endings of this one's paths
  bool is_prefix() const { return pattern.ends_with('/'); }
  /// What of an unescaped path follows the pattern, without the ending.
  std::string_view rest(std::string_view path) const;
};

class Router {
 public:
  explicit Router(std::span<const std::span<const Route>> families);
  /// `escaped_path` is matched segment by segment, unescaped: a '%2F' is no border. Null: no such endpoint.
  const Endpoint* find(std::string_view escaped_path) const;
  /// Whether the path lacks only its final slash to be a pattern of a whole tree.
  bool lacks_slash(std::string_view path) const { return trees_.contains(path); }
  std::span<const Endpoint> endpoints() const { return endpoints_; }

 private:
  const Endpoint* at(std::string_view path) const;
  const Endpoint* by_ending(const Endpoint& tree, std::string_view path) const;
  std::vector<Endpoint> endpoints_{};
  std::unordered_map<std::string_view, std::size_t> by_pattern_{};
  std::unordered_set<std::string_view> trees_{};  // patterns that end in '/', without it
  std::size_t longest_prefix_ = 0;
};

/// The path without empty, "." and ".." segments, as Go's path cleaning for redirects; equal to `path` when clean.
std::string clean_path(std::string_view path);
/// False if the unescaped path has a character that Go would not print.
bool is_printable(std::string_view path);

}  // namespace proconsul::agent::http
