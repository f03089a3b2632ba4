// Fills a Request from the parts of a parsed head. Only the connection and the tests use it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/context.h"
#include "agent/http/request.h"
#include "base/result.h"

namespace proconsul::agent::http {

/// Go's url.PathUnescape (or QueryUnescape, where '+' is a blank), appended to `out`. False on a malformed escape.
bool unescape(std::string_view text, bool plus_is_blank, std::string& out);

class RequestReader {
 public:
  /// Empties the request, keeping its memory for the next one on this loop.
  static void clear(Request& request);
  /// Lets the request hold the head that its views are going to point into.
  static std::string_view keep_head(Request& request, std::string head) { return request.owned_ = std::move(head); }
  static void add_header(Request& request, std::string_view name, std::string_view value);
  /// Splits and unescapes the target. False: Go's server answers 400 Bad Request.
  static bool set_target(Request& request, std::string_view method, std::string_view target);
  static void set_remote(Request& request, std::string_view remote) { request.remote_ = remote; }
  /// Some parameter was malformed; Consul answers 500 to every such request.
  static bool bad_query(const Request& request) { return request.bad_query_; }
};

/// Reads the common parameters; an error carries Consul's text and 400.
base::Result<> read_query_options(Request& request, const Settings& settings, bool discovery);
/// The token, `wait` and `index` alone, for what only this agent knows.
base::Result<> read_wait(Request& request, const Settings& settings);
/// Without `wait` and `index`, which endpoints that never block do not look at.
base::Result<> read_consistency(Request& request, const Settings& settings, bool discovery);

}  // namespace proconsul::agent::http
