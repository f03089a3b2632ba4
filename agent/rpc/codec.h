// net-rpc-msgpackrpc: a call is a header and a body, an answer likewise; msgpack values in a row, no frames. See rpc.md
// 3 of the wire reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/msgpack_size.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

struct RequestHeader {
  std::string service_method{};  // "KVS.Apply"
  std::uint64_t seq{};           // the answer has the same
};
struct ResponseHeader {
  std::string error{};  // empty: it worked, and the body is the reply
  std::uint64_t seq{};
  std::string service_method{};
};

void append_header(std::string& out, const RequestHeader& header);
void append_header(std::string& out, const ResponseHeader& header);
base::Result<RequestHeader> read_request_header(std::string_view value);
base::Result<ResponseHeader> read_response_header(std::string_view value);

/// The body of what has no result, and of every error.
inline constexpr std::string_view kEmptyBody = "\x80";

/// Where the header at the beginning of a stream ends; 0: it is not whole yet.
base::Result<std::size_t> header_size(std::string_view stream);

/// A header and the body behind it at the beginning of a stream.
struct Pair {
  std::size_t header{}, body{};  // bytes; `header` 0: that is not whole yet; `body` 0: only that is missing
  bool whole() const { return body > 0; }
};
/// Errc::too_large or invalid_argument: it can never become one.
base::Result<Pair> measure(std::string_view stream, std::size_t max_body);
/// The same of a stream that grows; what of the body was `seen` is not looked at again. A new place for each pair.
base::Result<Pair> measure(std::string_view stream, std::size_t max_body, base::MsgpackPlace& seen);

}  // namespace proconsul::agent::rpc
