// The heads of HTTP/2's requests and answers in the form that HTTP/1.1 gives them, which is the form that the rest of
// the server reads and writes.
#pragma once

#include <string>
#include <string_view>

#include "base/net/h2_fields.h"
#include "base/result.h"

namespace proconsul::agent::http {

/// The head of a request as text. `finished`: no body follows; a body without a length is announced as chunked. Errors:
/// a method, a target or a field that would be something else in HTTP/1.1 (a blank, the end of a line), or that HTTP/2
/// forbids (RFC 9113 section 8.2.2).
base::Result<std::string> request_head(const base::net::H2Fields& fields, bool finished);

struct AnswerHead {
  base::net::H2Fields fields{};  // the status first; without what only HTTP/1.1 has
  bool interim = false;          // 1xx
  bool streams = false;          // its body comes in pieces, now or much later
};
/// From the text of a whole head that this server wrote.
AnswerHead answer_head(std::string_view text);

}  // namespace proconsul::agent::http
