// The URLs that we ask, and those of the redirects that we meet. Lenient as Go's net/url, with its error texts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base::net {

struct Url {
  std::string scheme{};    // in small letters
  std::string user{};      // "name:password", unescaped; has_user tells whether there is one
  std::string host{};      // as written, with the port: "[::1]:80"
  std::string path{};      // escaped; begins with '/' or is empty
  std::string query{};     // without '?'
  std::string fragment{};  // without '#'
  bool has_user = false;
  bool has_query = false;

  /// What an HTTP request line names.
  std::string request_target() const;
  /// "host:port" to connect to: the scheme's port if none is written.
  std::string dial_address() const;
  /// The host without port and brackets.
  std::string host_name() const;
  std::string text() const;
};

/// Fails with `parse "x": invalid control character in URL` and the like.
base::Result<Url> parse_url(std::string_view text);
/// Without escapes; those that are none stay.
std::string unescape_path(std::string_view text);
/// A path escaped as Go's url.URL does by default.
std::string escape_path(std::string_view text);
/// One part of a path or query, escaped as Go's url.QueryEscape does.
std::string escape_part(std::string_view text);
/// Where a reference in an answer of `from` leads (RFC 3986).
base::Result<Url> resolve_url(const Url& from, std::string_view reference);

}  // namespace proconsul::base::net
