// From a Reply to the bytes on the wire: indentation, compression, head.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/router.h"
#include "base/net/loop.h"

namespace proconsul::agent::http {

/// How a request is named in the log.
struct LoggedRequest {
  std::string method;
  std::string url;  // as sent, without tokens
};

/// Where a request's token came from; agent: it is acl.tokens.default.
enum class TokenSlot : std::uint8_t { none, query, header, bearer, agent };

/// What is remembered of a request while its answer is made.
struct Exchange {
  const Endpoint* endpoint = nullptr;  // null: an unknown path, or no request at all
  const Route* route = nullptr;
  base::net::Clock::time_point begun{};
  base::Duration wait{};  // of a blocking query
  Method method{};
  bool keep_alive = true;
  bool http_1_0 = false;
  bool wants_gzip = false;
  bool pretty = false;
  std::uint8_t fetches = 0;  // how often its token was asked for
  bool learned = false;      // the token was asked for to explain its refusal
  TokenSlot token_slot{};
  std::string token{};                                            // where ACLs are on
  enum class Cache : std::uint8_t { unused, miss, hit } cache{};  // X-Cache
  std::uint64_t age = 0;                                          // Age of a hit, in seconds
  std::unique_ptr<const std::string> complaint{};                 // Request::complaint, for who answers later
  std::unique_ptr<const LoggedRequest> logged{};                  // where the log wants finished requests
  /// Equal waiters whose forms differ get different bytes.
  std::uint64_t form() const {
    return keep_alive | http_1_0 << 1 | wants_gzip << 2 | pretty << 3 | (method == Method::head) << 4 |
           static_cast<std::uint64_t>(cache) << 5 | age << 7 | static_cast<std::uint64_t>(token_slot) << 60;
  }
};

/// What a query over the replicated state tells about itself.
struct ReadMeta {
  std::uint64_t index{};
  bool known_leader{};
  std::uint64_t last_contact_ms{};
  const char* consistency = nullptr;  // null: not shown
  bool filtered_by_acls{};
  bool streaming{};
};

/// Header lines of a query that ended before it knew anything.
inline constexpr std::string_view kNothingKnown =
    "X-Consul-Index: 1\r\nX-Consul-Knownleader: false\r\nX-Consul-Lastcontact: 0\r\n"
    "X-Consul-Query-Backend: blocking-query\r\n";

/// Go's json.Indent with four blanks. `json` is valid and compact.
std::string indent(std::string_view json);
std::string gzip(std::string_view data);

/// Makes heads; one per loop.
class Encoder {
 public:
  explicit Encoder(const Settings& settings);
  /// Indents and compresses the body as the request asked.
  void shape(const Exchange& exchange, Reply& reply) const;
  /// Appends the head. `meta` is null for what is no query. A source is announced as chunked.
  void head(const Exchange& exchange, const Reply& reply, const ReadMeta* meta, std::string& out);

 private:
  void date(std::string& out);
  const Settings& settings_;
  std::string common_{};   // headers of every endpoint's answer
  std::string unknown_{};  // of answers to unknown paths
  std::int64_t second_ = 0;
  std::string date_{};
};

/// Whether an Accept-Encoding names gzip with a quality above 0.
bool accepts_gzip(std::string_view accept_encoding);
/// "Not Found"; "" for a status without a name.
std::string_view status_text(int status);

}  // namespace proconsul::agent::http
