#include "base/net/url.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/quote.h"

namespace proconsul::base::net {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kLongestUrl = 1 << 16;
constexpr std::string_view kHex = "0123456789ABCDEF";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The first escape that is none: "%zz", or the rest of the text if it is too short; empty if all are right.
std::string_view bad_escape(std::string_view text) {
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size()) return text.substr(at);
    if (hex_digit(text[at + 1]) < 0 || hex_digit(text[at + 2]) < 0) return text.substr(at, 3);
  }
  return {};
}

/// What may not stand in a request line is escaped; escapes that are there stay.
std::string escaped(std::string_view text, std::string_view also) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || also.find(c) != also.npos) {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

Error wrong(std::string_view text, const std::string& why) {
  return {Errc::invalid_argument, "parse " + base::quote(text) + ": " + why};
}

/// The length of "scheme" in "scheme:rest"; 0 if there is none. -1: a colon without a scheme.
std::ptrdiff_t scheme_length(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (std::isalpha(c)) continue;
    if (std::isdigit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return 0;
      continue;
    }
    if (c == ':') return i == 0 ? -1 : static_cast<std::ptrdiff_t>(i);
    return 0;
  }
  return 0;
}

/// Empty if it is a port: "", ":" or ":80".
bool valid_port(std::string_view port) {
  return port.empty() || (port[0] == ':' && port.substr(1).find_first_not_of("0123456789") == port.npos);
}

Result<> check_host(std::string_view text, std::string_view host) {
  std::string_view port;
  if (!host.empty() && host[0] == '[') {
    const std::size_t end = host.rfind(']');
    if (end == host.npos) return wrong(text, "missing ']' in host");
    port = host.substr(end + 1);
  } else if (const std::size_t colon = host.rfind(':'); colon != host.npos) {
    port = host.substr(colon);
  }
  if (!valid_port(port)) return wrong(text, "invalid port " + base::quote(port) + " after host");
  for (const char c : host) {
    if (static_cast<unsigned char>(c) <= ' ' || std::string_view("\"\\^`{}|").find(c) != std::string_view::npos) {
      return wrong(text, "invalid character " + base::quote(std::string(1, c)) + " in host name");
    }
  }
  return {};
}

Result<> parse_authority(std::string_view text, std::string_view authority, Url& url) {
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    const std::string_view user = authority.substr(0, at);
    if (const std::string_view escape = bad_escape(user); !escape.empty()) {
      return wrong(text, "invalid URL escape " + base::quote(escape));
    }
    url.has_user = true;
    url.user = unescape_path(user);
    if (url.user.find(':') == std::string::npos) url.user += ':';
    authority.remove_prefix(at + 1);
  }
  if (Result<> valid = check_host(text, authority); !valid) return valid;
  if (const std::string_view escape = bad_escape(authority); !escape.empty()) {
    return wrong(text, "invalid URL escape " + base::quote(escape));
  }
  url.host = unescape_path(authority);
  return {};
}

/// RFC 3986, 5.2.4.
std::string without_dots(std::string_view path) {
  std::string out;
  for (std::size_t begin = 1; begin <= path.size();) {  // behind each '/'
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    const bool last = end == path.size();
    if (segment == "..") {
      const std::size_t slash = out.rfind('/');
      out.resize(slash == std::string::npos ? 0 : slash);
      if (last) out += '/';
    } else if (segment == ".") {
      if (last) out += '/';
    } else {
      out += '/';
      out += segment;
    }
    begin = end + 1;
  }
  return out.empty() ? "/" : out;
}

}  // namespace

std::string Url::request_target() const {
  std::string target = path.empty() ? "/" : escaped(path, "\"<>\\^`{|}");
  if (has_query) target += '?' + escaped(query, "");
  return target;
}

std::string Url::dial_address() const {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  if (has_port && colon + 1 < host.size()) return host;
  return (has_port ? host.substr(0, colon) : host) + (scheme == "https" ? ":443" : ":80");
}

std::string Url::host_name() const {
  if (!host.empty() && host[0] == '[') return host.substr(1, host.rfind(']') - 1);
  return host.substr(0, host.rfind(':'));
}

std::string Url::text() const {
  std::string out;
  if (!scheme.empty()) out += scheme + ':';
  if (!host.empty() || has_user) {
    out += "//";
    if (has_user) {
      // The password is nobody's business in an error text.
      const std::size_t colon = user.find(':');
      out += user.substr(0, colon) + (colon + 1 < user.size() ? ":***@" : "@");
    }
    out += host;
  }
  out += escaped(path, "\"<>\\^`{|}");
  if (has_query) out += '?' + query;
  if (!fragment.empty()) out += '#' + fragment;
  return out;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kLongestUrl) return Error{Errc::invalid_argument, "parse: the URL is too long"};
  Url url;
  std::string_view rest = text;
  if (const std::size_t hash = rest.find('#'); hash != rest.npos) {
    url.fragment = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      return wrong(text, "net/url: invalid control character in URL");
    }
  }
  if (rest.empty()) {
    if (text.empty()) return wrong(text, "empty url");
    return url;
  }
  const std::ptrdiff_t length = scheme_length(rest);
  if (length < 0) return wrong(text, "missing protocol scheme");
  if (length > 0) {
    url.scheme = rest.substr(0, static_cast<std::size_t>(length));
    std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    rest.remove_prefix(static_cast<std::size_t>(length) + 1);
  }
  if (const std::size_t mark = rest.find('?'); mark != rest.npos) {
    url.has_query = true;
    url.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (!rest.starts_with('/')) {
    // "localhost:8080/x" reads as a scheme, "127.0.0.1:80" as a path: neither can be asked.
    if (!url.scheme.empty()) {
      url.path = rest;
      return url;
    }
    if (rest.substr(0, rest.find('/')).find(':') != rest.npos) {
      return wrong(text, "first path segment in URL cannot contain colon");
    }
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    rest.remove_prefix(authority.size());
    if (Result<> parsed = parse_authority(text, authority, url); !parsed) return parsed.error();
  }
  if (const std::string_view escape = bad_escape(rest); !escape.empty()) {
    return wrong(text, "invalid URL escape " + base::quote(escape));
  }
  url.path = rest;
  return url;
}

std::string unescape_path(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string escape_path(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("-_.~$&+,/:;=@").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string escape_part(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      out += '+';
    } else if (std::isalnum(byte) || std::string_view("-_.~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Result<Url> resolve_url(const Url& from, std::string_view reference) {
  if (reference.empty()) return from;
  Result<Url> parsed = parse_url(reference);
  if (!parsed) return parsed;
  Url url = std::move(*parsed);
  if (!url.scheme.empty()) return url;
  url.scheme = from.scheme;
  if (!url.host.empty() || url.has_user) return url;
  url.host = from.host;
  url.user = from.user;
  url.has_user = from.has_user;
  if (url.path.empty()) {
    url.path = from.path;
    if (!url.has_query) {
      url.query = from.query;
      url.has_query = from.has_query;
    }
  } else if (url.path[0] != '/') {
    const std::size_t slash = from.path.rfind('/');
    url.path = without_dots((slash == std::string::npos ? "/" : from.path.substr(0, slash + 1)) + url.path);
  } else {
    url.path = without_dots(url.path);
  }
  return url;
}

}  // namespace proconsul::base::net
