#include "agent/http/request_reader.h"

#include <charconv>

#include "base/quote.h"

namespace proconsul::agent::http {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Method method_of(std::string_view text) {
  if (text == "GET") return Method::get;
  if (text == "PUT") return Method::put;
  if (text == "POST") return Method::post;
  if (text == "DELETE") return Method::delete_;
  if (text == "HEAD") return Method::head;
  if (text == "OPTIONS") return Method::options;
  if (text == "PATCH") return Method::patch;
  return Method::other;
}

}  // namespace

bool unescape(std::string_view text, bool plus_is_blank, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex(text[i + 1]), low = hex(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return true;
}

void RequestReader::clear(Request& request) {
  request.params_.clear();
  request.headers_.clear();
  request.decoded_.clear();
  request.owned_.clear();
  request.complaint.clear();
  request.unchecked.clear();
  request.who.reset();
  request.pretty_ = false;
  request.bad_query_ = false;
  request.options = {};  // a route that takes none must not see whose request was here before
  request.body = request.rest = {};
  request.wants_gzip = false;
  request.content_length = -1;
}

void RequestReader::add_header(Request& request, std::string_view name, std::string_view value) {
  request.headers_.emplace_back(name, value);
}

bool RequestReader::set_target(Request& request, std::string_view method, std::string_view target) {
  request.method = method_of(method);
  request.method_text = method;
  request.target = target;
  std::string_view rest = target;
  // A proxy's absolute form names the server too.
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!rest.starts_with(scheme)) continue;
    const std::size_t slash = rest.find_first_of("/?", scheme.size());
    rest = slash == std::string_view::npos ? "/" : rest.substr(slash);
  }
  if (rest == "*" && request.method == Method::options) {
    request.path = rest;
    request.escaped_path = rest;
    request.query = {};
    return true;
  }
  const std::size_t mark = rest.find('?');
  std::string_view path = rest.substr(0, mark);
  request.query = mark == std::string_view::npos ? std::string_view{} : rest.substr(mark + 1);
  if (path.empty()) path = "/";
  if (path.front() != '/') return false;
  request.escaped_path = path;
  for (char c : rest) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }

  // Views into decoded_ must not move: its final size is known to be at most the target's.
  std::string& decoded = request.decoded_;
  decoded.reserve(rest.size());
  const auto keep = [&](std::string_view text, bool query, std::string_view& view) {
    if (text.find_first_of(query ? "%+" : "%") == std::string_view::npos) {
      view = text;
      return true;
    }
    const std::size_t start = decoded.size();
    if (!unescape(text, query, decoded)) {
      decoded.resize(start);
      return false;
    }
    view = {decoded.data() + start, decoded.size() - start};
    return true;
  };
  if (!keep(path, false, request.path)) return false;

  std::string_view query = request.query;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::string_view name, value;
    const std::string_view raw_value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    if (pair.find(';') != std::string_view::npos || !keep(pair.substr(0, equals), true, name) ||
        !keep(raw_value, true, value)) {
      request.bad_query_ = true;
      continue;
    }
    request.params_.emplace_back(name, value);
    if (name == "pretty") request.pretty_ = true;
  }
  return true;
}

namespace {

base::Error bad(std::string text) {
  return {base::Errc::invalid_argument, std::move(text)};
}

/// Go's strconv.Atoi, in seconds, without overflowing a duration.
bool read_seconds(std::string_view text, base::Duration& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return false;
  constexpr std::int64_t kMost = 9'000'000'000;
  out = base::seconds(std::min(std::max(count, -kMost), kMost));
  return true;
}

base::Result<> read_cache_control(const Request& request, QueryOptions& options) {
  std::string text(request.header("Cache-Control"));
  if (text.empty()) return {};
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view directive = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    while (directive.starts_with(' ') || directive.starts_with('\t')) directive.remove_prefix(1);
    while (directive.ends_with(' ') || directive.ends_with('\t')) directive.remove_suffix(1);
    if (directive == "must-revalidate") options.must_revalidate = true;
    base::Duration age{};
    if (directive.starts_with("max-age=")) {
      if (!read_seconds(directive.substr(8), age)) return bad("Invalid Cache-Control header.");
      options.max_age = age;
      if (age.nanoseconds == 0) options.must_revalidate = true;
    } else if (directive.starts_with("stale-if-error=")) {
      if (!read_seconds(directive.substr(15), age)) return bad("Invalid Cache-Control header.");
      options.stale_if_error = age;
    }
  }
  return {};
}

base::Result<> read_waiting(const Request& request, QueryOptions& options) {
  if (const std::string_view text = request.param("wait"); !text.empty()) {
    const base::Result<base::Duration> wait = base::parse_duration(text);
    if (!wait) return bad("Invalid wait time");
    options.wait = *wait;
  }
  if (const std::string_view text = request.param("index"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), options.min_index);
    if (error != std::errc{} || end != text.data() + text.size()) return bad("Invalid index");
  }
  return {};
}

}  // namespace

std::string header_token(const Request& request) {
  if (const std::string_view text = request.header("X-Consul-Token"); !text.empty()) return std::string(text);
  std::string_view text = request.header("Authorization");
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos || blank != 6) return {};
  for (std::size_t i = 0; i < 6; ++i) {
    if ((text[i] | 0x20) != "bearer"[i]) return {};
  }
  text.remove_prefix(blank);
  const std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start);
  return std::string(text.substr(0, text.find(' ')));
}

std::string token_of(const Request& request) {
  const std::string_view param = request.param("token");
  std::string given = param.empty() ? header_token(request) : std::string(param);
  return given.empty() ? request.default_token : given;
}

base::Result<> read_consistency(Request& request, const Settings& settings, bool discovery) {
  QueryOptions& options = request.options;
  options = {};
  if (const std::string_view other = request.param("datacenter"); !other.empty()) {
    options.datacenter = other;
  } else if (const std::string_view dc = request.param("dc"); !dc.empty()) {
    options.datacenter = dc;
  } else {
    options.datacenter = settings.datacenter;
  }
  options.token = token_of(request);
  if (request.query.empty() && request.header("Cache-Control").empty() && !discovery) return {};
  options.filter = request.param("filter");

  bool chosen = false;
  if (request.has_param("stale")) options.stale = chosen = true;
  if (request.has_param("consistent")) options.consistent = chosen = true;
  if (request.has_param("leader")) chosen = true;
  if (request.has_param("cached") && settings.use_cache) options.cached = chosen = true;
  if (const std::string_view text = request.param("max_stale"); !text.empty()) {
    const base::Result<base::Duration> limit = base::parse_duration(text);
    if (!limit) return bad("Invalid max_stale value " + base::quote(text));
    options.max_stale = *limit;
    if (limit->nanoseconds > 0) options.stale = chosen = true;
  }
  if (!chosen && discovery && settings.discovery_max_stale.nanoseconds > 0) {
    options.max_stale = settings.discovery_max_stale;
    options.stale = true;
  }
  if (options.stale && options.consistent) {
    return bad("Cannot specify ?stale with ?consistent, conflicting semantics.");
  }
  if (options.cached && options.consistent) {
    return bad("Cannot specify ?cached with ?consistent, conflicting semantics.");
  }
  return read_cache_control(request, options);
}

base::Result<> read_query_options(Request& request, const Settings& settings, bool discovery) {
  if (base::Result<> read = read_consistency(request, settings, discovery); !read) return read;
  return read_waiting(request, request.options);
}

base::Result<> read_wait(Request& request, const Settings& settings) {
  request.options = {.datacenter = settings.datacenter, .token = token_of(request)};
  return read_waiting(request, request.options);
}

}  // namespace proconsul::agent::http
