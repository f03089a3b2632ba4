#include "agent/http/h2_head.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace proconsul::agent::http {

using base::net::field;
using base::net::H2Fields;

namespace {

/// What is about one connection, which a stream is not.
bool is_of_connection(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kNames = {"connection", "keep-alive", "proxy-connection",
                                                             "transfer-encoding", "upgrade"};
  return std::ranges::find(kNames, name) != kNames.end();
}

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return plain || (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

/// One word of the first line.
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

bool is_value(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

base::Result<std::string> request_head(const H2Fields& fields, bool finished) {
  const std::string_view method = field(fields, ":method");
  const std::string_view authority = field(fields, ":authority");
  const std::string_view target = method == "CONNECT" ? authority : field(fields, ":path");
  if (!is_word(method) || !is_word(target)) {
    return base::Error{base::Errc::invalid_argument, "a method or path that is no word"};
  }
  std::string head;
  head.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  const std::string_view host = authority.empty() ? field(fields, "host") : authority;
  if (!is_value(host)) return base::Error{base::Errc::invalid_argument, "a host of several lines"};
  head.append("Host: ").append(host).append("\r\n");
  bool has_length = false;
  for (const auto& [name, value] : fields) {
    if (name.starts_with(':') || name == "host") continue;
    if (!is_name(name) || !is_value(value) || is_of_connection(name)) {
      return base::Error{base::Errc::invalid_argument, "a field that HTTP/2 does not allow"};
    }
    has_length |= name == "content-length";
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (!finished && !has_length) head += "Transfer-Encoding: chunked\r\n";
  return head + "\r\n";
}

AnswerHead answer_head(std::string_view text) {
  AnswerHead head;
  constexpr std::size_t kStatusAt = std::string_view("HTTP/1.1 ").size();
  head.fields.emplace_back(":status", text.substr(kStatusAt, 3));
  head.interim = head.fields.front().second.starts_with('1');
  for (std::size_t at = text.find("\r\n") + 2; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    const std::string_view line = text.substr(at, end - at);
    if (line.empty()) break;
    at = end + 2;
    const std::size_t colon = line.find(':');
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "transfer-encoding") head.streams = true;
    if (!is_of_connection(name)) head.fields.emplace_back(std::move(name), value);
  }
  return head;
}

}  // namespace proconsul::agent::http
