#include "agent/http/parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <limits>

#include "agent/http/request_reader.h"

namespace proconsul::agent::http {
namespace {

namespace beast = boost::beast;
constexpr std::uint32_t kMostOverhead = 64 * 1024;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

/// The characters that Go allows in a Host header; it checks no more than these.
bool is_host(std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("!$%&'()*+,-.:;=[]_~").find(c) == std::string_view::npos) return false;
  }
  return true;
}

/// Calls visit(line) for each header of a plain head, until it returns false.
template <class Visit>
void each_header(std::string_view head, Visit visit) {
  std::size_t at = head.find("\r\n");
  while (at != std::string_view::npos) {
    const std::size_t begin = at + 2;
    at = head.find("\r\n", begin);
    const std::string_view line = head.substr(begin, at - begin);
    if (line.empty() || !visit(line)) return;
  }
}

bool is_token(char c) {
  const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return plain || (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

/// Go has words of its own for a name that is none only because of blanks in it.
bool has_blank_in_name(std::string_view head) {
  bool blank = false, other = false;
  each_header(head, [&](std::string_view line) {
    const std::size_t colon = line.find(':');
    other |= colon == std::string_view::npos || colon == 0;
    for (const char c : line.substr(0, colon)) {
      blank |= c == ' ';
      other |= c != ' ' && !is_token(c);
    }
    return !other;
  });
  return blank && !other;
}

bool is_header(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  return beast::iequals(beast::string_view(line.data(), name.size()), beast::string_view(name.data(), name.size()));
}

bool has_header(std::string_view head, std::string_view name) {
  bool found = false;
  each_header(head, [&](std::string_view line) {
    found = is_header(line, name);
    return !found;
  });
  return found;
}

std::string without_header(std::string_view head, std::string_view name) {
  std::string kept(head.substr(0, head.find("\r\n") + 2));
  each_header(head, [&](std::string_view line) {
    if (!is_header(line, name)) kept.append(line).append("\r\n");
    return true;
  });
  return kept + "\r\n";
}

/// What each Content-Length of a head says, which all must agree on a number.
bool lengths_agree(std::string_view head) {
  std::string_view first;
  bool agree = true;
  each_header(head, [&](std::string_view line) {
    if (!is_header(line, "Content-Length")) return true;
    std::string_view value = line.substr(line.find(':') + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    agree = !value.empty() && value.size() < 19 && value.find_first_not_of("0123456789") == std::string_view::npos &&
            (first.empty() || first == value);
    first = value;
    return agree;
  });
  return agree;
}

class HeadParser final : public beast::http::basic_parser<true> {
 public:
  HeadParser(Request& request, std::string_view head) : request_(request), head_(head) {
    header_limit(std::numeric_limits<std::uint32_t>::max());  // the connection has its own limit
    body_limit(boost::none);
  }
  Malformed wrong{};
  bool has_host = false;
  bool expects_continue = false;
  int version = 11;

 private:
  using error = beast::error_code;
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version_read,
                       error&) override {
    version = version_read;
    if (!RequestReader::set_target(request_, view(method), view(target))) wrong = {400, {}};
  }
  void on_response_impl(int, beast::string_view, int, error&) override {}
  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value, error&) override {
    switch (field) {
      case beast::http::field::host:
        if (has_host) wrong = {400, {}};
        if (!is_host(view(value))) wrong = {400, "malformed Host header"};
        has_host = true;
        break;
      case beast::http::field::content_length:
        if (view(value).find_first_not_of("0123456789") != std::string_view::npos) wrong = {400, {}};
        break;
      case beast::http::field::expect:
        expects_continue = beast::iequals(value, "100-continue");
        if (!expects_continue) wrong = {417, {}};
        break;
      default:
        break;
    }
    // A value folded over lines is joined in the parser's own memory, which is gone when we use it; nobody sends such.
    if (!value.empty() && (value.data() < head_.data() || value.data() >= head_.data() + head_.size())) {
      wrong = {400, "invalid header value"};
      return;
    }
    RequestReader::add_header(request_, view(name), view(value));
  }
  void on_header_impl(error&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error&) override {}
  std::size_t on_body_impl(beast::string_view body, error&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error&) override { return body.size(); }
  void on_finish_impl(error&) override {}

  Request& request_;
  std::string_view head_;
};

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::size_t head_length(std::string_view data, std::size_t seen) {
  // The end is an empty line, whichever way lines end.
  std::size_t at = seen < 3 ? 0 : seen - 3;
  for (;;) {
    at = data.find('\n', at);
    if (at == std::string_view::npos || ++at >= data.size()) return std::string_view::npos;
    if (data[at] == '\n') return at + 1;
    if (data[at] == '\r' && at + 1 < data.size() && data[at + 1] == '\n') return at + 2;
  }
}

bool is_plain_head(std::string_view head) {
  for (std::size_t at = 0; (at = head.find('\n', at)) != std::string_view::npos; ++at) {
    if (at == 0 || head[at - 1] != '\r') return false;
    if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t')) return false;
  }
  return true;
}

std::string plain_head(std::string_view head) {
  std::string plain;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    std::string_view line = head.substr(0, end);
    head = end == std::string_view::npos ? std::string_view{} : head.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool goes_on = !plain.empty() && (line.starts_with(' ') || line.starts_with('\t'));
    if (goes_on) {
      const std::size_t text = line.find_first_not_of(" \t");
      plain.resize(plain.size() - 2);
      plain += ' ';
      line = text == std::string_view::npos ? std::string_view{} : line.substr(text);
    }
    plain += line;
    plain += "\r\n";
  }
  return plain;
}

bool may_become_head(std::string_view data) {
  const std::size_t end = data.find('\n');
  std::string_view line = data.substr(0, end);
  // A method is letters: what begins otherwise (a TLS hello, say) will never be HTTP.
  const std::size_t blank = line.find(' ');
  for (const char c : line.substr(0, std::min(blank, std::size_t{32}))) {
    if (c != '\r' && (c < '!' || c > '~')) return false;
  }
  if (end == std::string_view::npos) return true;
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t last = line.rfind(' ');
  return blank != std::string_view::npos && last > blank && line.substr(last + 1).starts_with("HTTP/");
}

Malformed parse_head(std::string_view head, Request& request, Framing& framing) {
  RequestReader::clear(request);
  bool is_ambiguous = false;
  if (has_header(head, "Transfer-Encoding")) {
    // Two lengths in one message are how requests are smuggled past a proxy that believes the other one. As in Go, the
    // encoding wins, except before HTTP/1.1, which has none; what follows on the connection is not believed.
    const bool is_old = head.substr(0, head.find("\r\n")).ends_with("HTTP/1.0");
    if (!lengths_agree(head)) return {400, {}};
    is_ambiguous = is_old || has_header(head, "Content-Length");
    if (is_ambiguous) {
      head = RequestReader::keep_head(request, without_header(head, is_old ? "Transfer-Encoding" : "Content-Length"));
    }
  }
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t version_at = line.rfind(' ');
  if (version_at == std::string_view::npos) return {400, {}};
  const std::string_view version = line.substr(version_at + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool numbered = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
                          version[5] >= '0' && version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
    if (numbered) return {505, "unsupported protocol version"};
    return {400, {}};
  }

  HeadParser parser(request, head);
  beast::error_code error;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error) {
    if (error == beast::http::error::bad_field && has_blank_in_name(head)) return {400, "invalid header name"};
    if (error == beast::http::error::bad_transfer_encoding) return {501, "Unsupported transfer encoding"};
    return {400, {}};
  }
  if (parser.wrong) return parser.wrong;
  if (!parser.is_header_done()) return {400, {}};
  if (parser.version == 11 && !parser.has_host) return {400, "missing required Host header"};
  const std::string_view encoding = request.header("Transfer-Encoding");
  if (!encoding.empty() && !beast::iequals(beast::string_view(encoding.data(), encoding.size()), "chunked")) {
    return {501, "Unsupported transfer encoding"};
  }
  framing.chunked = parser.chunked();
  const auto length = parser.content_length();
  framing.content_length = -1;
  if (length && !framing.chunked) {
    if (*length > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return {400, {}};
    framing.content_length = static_cast<std::int64_t>(*length);
  }
  framing.keep_alive = parser.keep_alive() && !is_ambiguous;
  framing.expects_continue = parser.expects_continue && parser.version == 11;
  request.keep_alive = framing.keep_alive;
  request.http_1_0 = parser.version == 10;
  request.content_length = framing.content_length;
  return {};
}

ChunkDecoder::State ChunkDecoder::feed(std::string_view& data, std::string& out, std::size_t limit) {
  while (!data.empty()) {
    const char c = data.front();
    switch (where_) {
      case Where::size:
        if (const int digit = hex(c); digit >= 0) {
          if (++digits_ > 15) return State::malformed;
          left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        } else if (digits_ == 0) {
          return State::malformed;
        } else if (c == '\r') {
          where_ = Where::size_end;
        } else if (c == ';') {
          where_ = Where::extension;
        } else if (c == ' ' || c == '\t') {
          where_ = Where::blanks;
        } else {
          return State::malformed;
        }
        data.remove_prefix(1);
        break;
      case Where::extension:
        if (++overhead_ > kMostOverhead || c == '\n') return State::malformed;
        if (c == '\r') where_ = Where::size_end;
        data.remove_prefix(1);
        break;
      case Where::blanks:
        if (++overhead_ > kMostOverhead || (c != ' ' && c != '\t' && c != '\r')) return State::malformed;
        if (c == '\r') where_ = Where::size_end;
        data.remove_prefix(1);
        break;
      case Where::size_end:
        if (c != '\n') return State::malformed;
        data.remove_prefix(1);
        where_ = left_ == 0 ? Where::trailer : Where::data;
        digits_ = 0;
        break;
      case Where::data: {
        const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, data.size()));
        out.append(data.substr(0, count));
        data.remove_prefix(count);
        left_ -= count;
        if (left_ == 0) where_ = Where::data_cr;
        if (out.size() > limit) return State::more;
        break;
      }
      case Where::data_cr:
        if (c != '\r') return State::malformed;
        data.remove_prefix(1);
        where_ = Where::data_lf;
        break;
      case Where::data_lf:
        if (c != '\n') return State::malformed;
        data.remove_prefix(1);
        where_ = Where::size;
        break;
      case Where::trailer:
        where_ = c == '\r' ? Where::end : Where::trailer_text;
        if (c == '\r') data.remove_prefix(1);
        break;
      case Where::trailer_text:
        if (++overhead_ > kMostOverhead) return State::malformed;
        if (c == '\n') where_ = Where::trailer;
        data.remove_prefix(1);
        break;
      case Where::end:
        if (c != '\n') return State::malformed;
        data.remove_prefix(1);
        return State::done;
    }
  }
  return State::more;
}

}  // namespace proconsul::agent::http
