// Reads the head and the chunks of HTTP/1.x messages. Beast is behind this file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/http/request.h"

namespace proconsul::agent::http {

/// How the message goes on after its head.
struct Framing {
  bool chunked = false;
  std::int64_t content_length = -1;  // -1: none named
  bool keep_alive = true;
  bool expects_continue = false;
};

/// What is wrong with a message: a status line and a text that end the connection. status 0: nothing.
struct Malformed {
  int status = 0;
  std::string_view text{};  // after "400 Bad Request: "; empty: no more than the status
  explicit operator bool() const { return status != 0; }
};

/// Length of the head at the start of `data`, its empty line included; npos while it is incomplete. `seen` bytes were
/// searched before.
std::size_t head_length(std::string_view data, std::size_t seen);
/// False if a line of the head ends without '\r' or goes on in the next one: Go's server takes both, the parser does
/// not.
bool is_plain_head(std::string_view head);
/// The same head with every header in one line that ends in "\r\n".
std::string plain_head(std::string_view head);
/// Whether bytes that are no complete head yet can still become one.
bool may_become_head(std::string_view data);
/// Parses a complete head into `request`, whose views point into `head` or into itself from then on.
Malformed parse_head(std::string_view head, Request& request, Framing& framing);

/// Decodes a chunked body piece by piece.
class ChunkDecoder {
 public:
  enum class State : std::uint8_t { more, done, malformed };
  /// Consumes from `data` and appends what it carries to `out`, but stops (more) when `out` exceeds `limit`.
  State feed(std::string_view& data, std::string& out, std::size_t limit);

 private:
  enum class Where : std::uint8_t {
    size,
    extension,
    blanks,
    size_end,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_text,
    end
  };
  Where where_ = Where::size;
  std::uint64_t left_ = 0;
  std::uint32_t digits_ = 0;
  std::uint32_t overhead_ = 0;  // bytes of extensions and trailers so far: they are skipped, so they must be bounded
};

}  // namespace proconsul::agent::http
