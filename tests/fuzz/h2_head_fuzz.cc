// Heads of HTTP/2 in HTTP/1.1's form: whatever the fields are, the text is one head, and what is read from it is what
// the fields said: no request within a request, no field that nobody sent.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/http/h2_head.h"
#include "agent/http/parser.h"

namespace {

using namespace proconsul::agent::http;
using proconsul::base::net::field;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view data(reinterpret_cast<const char*>(bytes), size);
  if (data.empty()) return 0;
  const bool finished = (data.front() & 1) != 0;
  data.remove_prefix(1);
  proconsul::base::net::H2Fields fields;
  while (!data.empty()) {  // name\1value\2
    const std::size_t end = std::min(data.find('\2'), data.size());
    const std::string_view entry = data.substr(0, end);
    data.remove_prefix(std::min(end + 1, data.size()));
    const std::size_t middle = std::min(entry.find('\1'), entry.size());
    fields.emplace_back(entry.substr(0, middle), entry.substr(std::min(middle + 1, entry.size())));
  }
  const auto head = request_head(fields, finished);
  if (!head) return 0;
  require(head_length(*head, 0) == head->size());
  Request request;
  Framing framing;
  if (parse_head(*head, request, framing)) return 0;
  require(request.method_text == field(fields, ":method"));
  require(request.target == field(fields, request.method_text == "CONNECT" ? ":authority" : ":path"));
  require(!finished || !framing.chunked);
  // Each field once, and no other.
  const auto lines = [](std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string_view::npos; at += 2) ++count;
    return count;
  };
  std::size_t named = 0;
  for (const auto& [name, value] : fields) named += !name.starts_with(':') && name != "host";
  const std::size_t before = lines(*head) - 3;  // the target, the host and the empty line
  require(before == named || (before == named + 1 && !finished && framing.chunked));
  std::string answer = "HTTP/1.1 200 OK\r\n" + head->substr(head->find("\r\n") + 2);
  for (const auto& [name, value] : answer_head(answer).fields) {
    require(name.find_first_of("\r\n") == std::string::npos && value.find_first_of("\r\n") == std::string::npos);
  }
  return 0;
}
