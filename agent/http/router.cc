#include "agent/http/router.h"

#include <algorithm>

#include "agent/http/request_reader.h"

namespace proconsul::agent::http {

std::string_view Endpoint::rest(std::string_view path) const {
  if (!is_prefix()) return {};
  path.remove_prefix(std::min(path.size(), pattern.size()));
  if (!ending.empty() && path.ends_with(ending)) path.remove_suffix(ending.size());
  return path;
}

Router::Router(std::span<const std::span<const Route>> families) {
  for (const std::span<const Route> family : families) {
    for (const Route& route : family) {
      auto known = std::ranges::find_if(endpoints_, [&](const Endpoint& endpoint) {
        return endpoint.pattern == route.pattern && endpoint.ending == route.ending;
      });
      if (known == endpoints_.end()) {
        Endpoint& endpoint = endpoints_.emplace_back();
        endpoint.pattern = route.pattern;
        endpoint.ending = route.ending;
        endpoint.number = endpoints_.size() - 1;
        if (route.ending.empty()) by_pattern_.emplace(route.pattern, endpoint.number);
        endpoint.label = route.pattern.substr(1);
        std::replace(endpoint.label.begin(), endpoint.label.end(), '/', '_');
        if (endpoint.is_prefix()) trees_.insert(route.pattern.substr(0, route.pattern.size() - 1));
        if (endpoint.is_prefix()) longest_prefix_ = std::max(longest_prefix_, route.pattern.size());
        known = std::prev(endpoints_.end());
      }
      Endpoint& endpoint = *known;
      endpoint.rows[static_cast<std::size_t>(route.method)] = &route;
      endpoint.flags |= route.flags;
    }
  }
  for (const Endpoint& endpoint : endpoints_) {
    if (!endpoint.ending.empty()) endpoints_[by_pattern_.at(endpoint.pattern)].has_endings = true;
  }
  for (Endpoint& endpoint : endpoints_) {
    endpoint.allow = "OPTIONS";
    constexpr std::pair<Method, const char*> kOrder[] = {
        {Method::get, ",GET"}, {Method::post, ",POST"}, {Method::put, ",PUT"}, {Method::delete_, ",DELETE"}};
    for (const auto& [method, name] : kOrder) {
      if (endpoint.rows[static_cast<std::size_t>(method)]) endpoint.allow += name;
    }
  }
}

const Endpoint* Router::at(std::string_view path) const {
  const auto found = by_pattern_.find(path);
  return found == by_pattern_.end() ? nullptr : &endpoints_[found->second];
}

const Endpoint* Router::by_ending(const Endpoint& tree, std::string_view path) const {
  if (!tree.has_endings) return &tree;
  // Handlers see an escaped slash as a slash.
  const auto ends = [&](std::string_view ending) {
    return !ending.empty() && path.size() >= ending.size() &&
           std::ranges::equal(path.substr(path.size() - ending.size()), ending,
                              [](char a, char b) { return (a == '\0' ? '/' : a) == b; });
  };
  const auto found = std::ranges::find_if(
      endpoints_, [&](const Endpoint& endpoint) { return endpoint.pattern == tree.pattern && ends(endpoint.ending); });
  return found == endpoints_.end() ? &tree : &*found;
}

const Endpoint* Router::find(std::string_view escaped_path) const {
  std::string decoded;
  std::string_view path = escaped_path;
  if (path.find('%') != std::string_view::npos) {
    // Segment by segment; a slash that was escaped must not look like a border: no pattern has a NUL in it.
    for (std::size_t at = 0; at <= path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      const std::size_t start = decoded.size();
      if (!unescape(path.substr(at, end - at), false, decoded)) return nullptr;
      std::replace(decoded.begin() + static_cast<std::ptrdiff_t>(start), decoded.end(), '/', '\0');
      if (end < path.size()) decoded += '/';
      at = end + 1;
    }
    path = decoded;
  }
  // A pattern with a trailing slash also takes exactly its own text.
  if (const Endpoint* exact = at(path)) return exact;
  std::size_t length = std::min(path.size(), longest_prefix_);
  while (length > 0) {
    const std::size_t slash = path.rfind('/', length - 1);
    if (slash == std::string_view::npos || slash == 0) return nullptr;
    if (const Endpoint* endpoint = at(path.substr(0, slash + 1))) return by_ending(*endpoint, path);
    length = slash;
  }
  return nullptr;
}

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string clean;
  for (const std::string_view part : parts) {
    clean += '/';
    clean += part;
  }
  if (clean.empty() || (path.ends_with('/') && !clean.ends_with('/'))) clean += '/';
  return clean;
}

namespace {

/// Control, format, surrogate, private-use and every kind of blank but U+0020: what Go's unicode.IsPrint refuses.
/// Unassigned code points are let through: which they are changes with each Unicode version.
constexpr std::pair<std::uint32_t, std::uint32_t> kUnprintable[] = {
    {0x00, 0x1f},       {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},     {0x1680, 0x1680},
    {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},   {0x3000, 0x3000},
    {0xd800, 0xf8ff},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
    {0xf0000, 0x10ffff}};

}  // namespace

bool is_printable(std::string_view path) {
  for (std::size_t i = 0; i < path.size();) {
    const auto byte = [&](std::size_t at) { return at < path.size() ? static_cast<unsigned char>(path[at]) : 0u; };
    const std::uint32_t first = byte(i);
    std::uint32_t rune = first;
    std::size_t length = 1;
    // A byte that is no UTF-8 counts as U+FFFD, which prints.
    if (first >= 0x80) {
      const auto next = [&](std::size_t at) { return (byte(at) & 0xc0) == 0x80; };
      rune = 0xfffd;
      if (first >= 0xc2 && first < 0xe0 && next(i + 1)) {
        rune = (first & 0x1f) << 6 | (byte(i + 1) & 0x3f);
        length = 2;
      } else if (first >= 0xe0 && first < 0xf0 && next(i + 1) && next(i + 2)) {
        const std::uint32_t value = (first & 0xf) << 12 | (byte(i + 1) & 0x3f) << 6 | (byte(i + 2) & 0x3f);
        if (value >= 0x800 && (value < 0xd800 || value > 0xdfff)) {
          rune = value;
          length = 3;
        }
      } else if (first >= 0xf0 && first < 0xf5 && next(i + 1) && next(i + 2) && next(i + 3)) {
        const std::uint32_t value =
            (first & 7) << 18 | (byte(i + 1) & 0x3f) << 12 | (byte(i + 2) & 0x3f) << 6 | (byte(i + 3) & 0x3f);
        if (value >= 0x10000 && value <= 0x10ffff) {
          rune = value;
          length = 4;
        }
      }
    }
    if (rune < 0x20 || rune >= 0x7f) {
      for (const auto& [low, high] : kUnprintable) {
        if (rune < low) break;
        if (rune <= high) return false;
      }
    }
    i += length;
  }
  return true;
}

}  // namespace proconsul::agent::http
