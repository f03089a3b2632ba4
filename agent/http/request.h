// One HTTP request as a handler sees it: decoded once, owned by nobody but its exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::tokens {
struct Who;
}

namespace proconsul::agent::http {

enum class Method : std::uint8_t { get, post, put, delete_, head, options, patch, other };

/// Consul's common query parameters; see query_options.cc for what is an error.
struct QueryOptions {
  std::string datacenter{};  // ?datacenter, ?dc, or the agent's own
  std::string token{};       // ?token, X-Consul-Token, Authorization: Bearer; empty: the agent's default token
  std::string filter{};
  std::uint64_t min_index{};  // ?index; 0 answers at once
  base::Duration wait{};      // ?wait; 0: the default
  base::Duration max_stale{};
  bool stale{};
  bool consistent{};
  bool cached{};
  bool must_revalidate{};
  std::optional<base::Duration> max_age{};
  base::Duration stale_if_error{};
  const char* consistency() const { return consistent ? "consistent" : stale ? "stale" : "leader"; }
};

/// Views point into the connection's buffer or into the request itself; they live as long as the request.
class Request {
 public:
  Method method{};
  std::string_view method_text{};
  std::string_view target{};        // as sent
  std::string_view path{};          // unescaped; may hold any byte
  std::string_view rest{};          // what of the path follows the route's pattern, unescaped: a key, a name, an id
  std::string_view escaped_path{};  // as sent, without the query
  std::string_view query{};         // as sent, without '?'
  std::string_view body{};
  QueryOptions options{};       // filled for routes that have kQueryOptions (every read has it)
  std::string default_token{};  // the agent's own, for a request without one; empty while ACLs are off
  std::string complaint{};      // kGoesOn: what is wrong with the options
  std::string unchecked{};      // the same with kUnchecked, for whoever reads them after all
  /// kOwn, on a client agent with ACLs: who asks, as the servers know it; else null.
  std::shared_ptr<const base::Result<tokens::Who>> who{};
  bool keep_alive{};
  bool http_1_0{};
  bool wants_gzip{};
  std::int64_t content_length = -1;  // as declared; -1: none or chunked

  /// First value of a query parameter, unescaped; empty if absent (Go's Values.Get).
  std::string_view param(std::string_view name) const;
  bool has_param(std::string_view name) const;
  std::vector<std::string_view> params(std::string_view name) const;
  /// All parameters as Go's url.Values.Encode writes them: sorted by name, escaped.
  std::string encoded_params() const;
  template <class Visit>
  void each_param(Visit visit) const {
    for (const auto& [name, value] : params_) visit(name, value);
  }
  /// First value of a header, any letter case; empty if absent.
  std::string_view header(std::string_view name) const;
  /// "10.0.0.1:51234"; "@" over a unix socket.
  std::string_view remote() const { return remote_; }
  /// X-Forwarded-For's first address or the peer's, without port; empty if neither is one.
  std::string source_ip() const;
  bool pretty() const { return pretty_; }

  /// A copy that owns everything it shows: for what outlives the call.
  std::shared_ptr<Request> own() const;

 private:
  friend class RequestReader;
  using Pair = std::pair<std::string_view, std::string_view>;
  std::vector<Pair> params_{};
  std::vector<Pair> headers_{};
  std::string decoded_{};  // unescaped path and parameters
  std::string owned_{};    // own(): head and body
  std::string_view remote_{};
  bool pretty_{};
  bool bad_query_{};
};

/// ?token, X-Consul-Token, or the bearer's; empty: the agent's default token.
std::string token_of(const Request& request);
/// What the headers bring alone.
std::string header_token(const Request& request);
/// As Go's url.QueryEscape writes it.
std::string query_escape(std::string_view text);
/// node-meta=key:value pairs, sorted; of one key the last.
std::vector<std::pair<std::string, std::string>> meta_filter(const Request& request);
/// Consul CE refuses namespaces and partitions by parameter or header with 400; routes say which (kNoNamespace,
/// kNoPartition).
base::Result<> refuse_enterprise(const Request& request, bool namespaces);

}  // namespace proconsul::agent::http
