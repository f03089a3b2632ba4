#include "base/net/http_exchange.h"

#include <zlib.h>

#include <array>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <cctype>
#include <optional>

#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::base::net {
namespace {

namespace http = boost::beast::http;
namespace asio = boost::asio;
using base::Errc;
using base::Error;
using base::Result;

constexpr std::uint32_t kLongestHead = 1 << 20;   // bytes
constexpr std::uint64_t kLongestBody = 64 << 20;  // bytes read, and bytes unpacked: then it counts as ended
constexpr int kMostInterim = 5;                   // answers of class 1xx before the real one
// When the parser has read the line of the last chunk, it asserts that it sees this much with the next call.
constexpr std::size_t kShortestEnd = std::string_view("0\r\n\r\n").size();

/// A gzip stream on its way into the tail.
class Unpacker {
 public:
  Unpacker() { ok_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~Unpacker() { inflateEnd(&stream_); }
  Unpacker(const Unpacker&) = delete;
  /// False when there is nothing more to come: the end, a fault, or too much.
  bool take(std::string_view data, OutputTail& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream_.avail_in = static_cast<uInt>(data.size());
    std::array<char, 16384> buffer;
    while (ok_ && (stream_.avail_in > 0 || stream_.avail_out == 0)) {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = buffer.size();
      const int result = inflate(&stream_, Z_NO_FLUSH);
      out.append({buffer.data(), buffer.size() - stream_.avail_out});
      if (result != Z_OK) {
        ok_ = result == Z_BUF_ERROR;
        break;
      }
      ok_ = out.total() < kLongestBody;
    }
    return ok_;
  }

 private:
  z_stream stream_{};
  bool ok_ = false;
};

struct Sink {
  OutputTail tail;
  std::optional<Unpacker> unpacker{};
  std::uint64_t read = 0;
  explicit Sink(std::size_t limit) : tail(limit) {}
  /// False: the rest is of no interest.
  bool take(std::string_view data) {
    read += data.size();
    if (unpacker) {
      if (!unpacker->take(data, tail)) return false;
    } else {
      tail.append(data);
    }
    return read < kLongestBody;
  }
};

/// Beast's body type: what it reads goes to a Sink.
struct SinkBody {
  using value_type = Sink*;
  class reader {
   public:
    template <bool request, class Fields>
    reader(http::header<request, Fields>&, value_type& sink) : sink_(sink) {}
    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      std::size_t size = 0;
      for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
        const asio::const_buffer buffer = *it;
        size += buffer.size();
        if (!sink_->take({static_cast<const char*>(buffer.data()), buffer.size()})) {
          error = http::make_error_code(http::error::body_limit);
        }
      }
      return size;
    }
    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& sink_;
  };
};

using Parser = http::response_parser<SinkBody>;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Behind the empty line that ends a head; npos if there is none yet.
std::size_t end_of_head(std::string_view text) {
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    if (text.substr(at + 1).starts_with('\n')) return at + 2;
    if (text.substr(at + 1).starts_with("\r\n")) return at + 3;
  }
  return text.npos;
}

/// The head as the standard wants it. Small servers end lines with "\n" alone, or leave out the space behind the code:
/// Go takes both, Beast neither.
std::string strict(std::string_view head) {
  std::string out;
  out.reserve(head.size() + 64);
  for (const char c : head) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c;
  }
  constexpr std::size_t kCodeEnd = std::string_view("HTTP/1.1 200").size();
  if (out.find('\r') == kCodeEnd) out.insert(kCodeEnd, " ");
  return out;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string refused_header(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) return "net/http: invalid header field name " + quote(name);
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < ' ' && c != '\t') || byte == 0x7f) {
        return "net/http: invalid header field value for " + quote(name);
      }
    }
  }
  return {};
}

struct AnswerReader::Impl {
  Impl(std::size_t limit, bool decode_, bool without_body_)
      : sink(limit), decode(decode_), without_body(without_body_) {
    reset();
  }
  void reset() {
    parser.emplace();
    parser->get().body() = &sink;
    parser->header_limit(kLongestHead);
    parser->body_limit(boost::none);
    if (without_body) parser->skip(true);
  }
  Sink sink;
  bool decode, without_body;
  std::optional<Parser> parser{};
  std::string pending{};  // what the parser did not take yet
  bool waits = false;     // within a body: the parser has seen them
  std::string status_text{};
  int interim = 0;
};

AnswerReader::AnswerReader(std::size_t output_max_size, bool decode, bool without_body)
    : impl_(std::make_unique<Impl>(output_max_size, decode, without_body)) {}
AnswerReader::~AnswerReader() = default;

Result<bool> AnswerReader::take(std::string_view data) {
  Impl& impl = *impl_;
  while (!impl.parser->is_header_done()) {
    impl.pending += data;
    data = {};
    const std::size_t end = end_of_head(impl.pending);
    if (end == std::string::npos) {
      if (impl.pending.size() <= kLongestHead) return false;
      return Error{Errc::too_large,
                   "net/http: server response headers exceeded " + std::to_string(kLongestHead) + " bytes; aborted"};
    }
    const std::string head = strict(std::string_view(impl.pending).substr(0, end));
    const std::string_view line = std::string_view(impl.pending).substr(0, impl.pending.find_first_of("\r\n"));
    const std::size_t code = line.find_first_not_of(' ', line.find(' '));
    impl.status_text = code == line.npos ? "" : line.substr(code);
    boost::system::error_code error;
    impl.parser->put(asio::buffer(head), error);
    if (!impl.parser->is_header_done()) {
      return Error{Errc::corrupt, "net/http: HTTP/1.x transport connection broken: malformed HTTP response " +
                                      base::quote(line.substr(0, 128))};
    }
    impl.pending.erase(0, end);
    const unsigned status = impl.parser->get().result_int();
    if (status >= 100 && status < 200 && status != 101) {
      if (++impl.interim > kMostInterim) {
        return Error{Errc::corrupt,
                     "net/http: HTTP/1.x transport connection broken: too many 1xx informational "
                     "responses"};
      }
      impl.reset();
      continue;
    }
    const auto encoding = impl.parser->get()[http::field::content_encoding];
    if (impl.decode && boost::beast::iequals(encoding, "gzip")) impl.sink.unpacker.emplace();
    impl.parser->eager(true);
    if (impl.parser->is_done() || status == 101) return true;
  }
  // The parser leaves the beginnings of lines that are not whole yet (of chunks) to the next call.
  const std::size_t least = impl.waits ? kShortestEnd : 1;
  if (!impl.pending.empty()) {
    impl.pending += data;
    data = impl.pending;
  }
  while (data.size() >= least) {
    boost::system::error_code error;
    const std::size_t used = impl.parser->put(asio::buffer(data.data(), data.size()), error);
    data.remove_prefix(used);
    // With the head the status is known; what there is of a body that is faulty or endless is shown.
    if (impl.parser->is_done() || (error && error != http::error::need_more)) return true;
    if (used == 0 || error) break;
  }
  impl.waits = !data.empty();
  if (data.empty()) {
    impl.pending.clear();
  } else {
    impl.pending = std::string(data);
  }
  return impl.pending.size() > kLongestHead;  // a line of a chunk that does not end
}

bool AnswerReader::ended() {
  if (!impl_->parser->is_header_done()) return false;
  boost::system::error_code error;
  impl_->parser->put_eof(error);
  return !error;
}

bool AnswerReader::has_head() const {
  return impl_->parser->is_header_done();
}
int AnswerReader::status() const {
  return static_cast<int>(impl_->parser->get().result_int());
}
std::string AnswerReader::status_text() const {
  return impl_->status_text;
}
std::string AnswerReader::header(std::string_view name) const {
  const auto found = impl_->parser->get().find(boost::beast::string_view(name.data(), name.size()));
  if (found == impl_->parser->get().end()) return {};
  return {found->value().data(), found->value().size()};
}
Headers AnswerReader::headers() const {
  Headers all;
  for (const auto& field : impl_->parser->get()) {
    const auto name = field.name_string(), value = field.value();
    all.emplace_back(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  return all;
}
bool AnswerReader::whole() const {
  return impl_->parser->is_done();
}
const OutputTail& AnswerReader::body() const {
  return impl_->sink.tail;
}

HttpExchange::HttpExchange(Loop& loop, Resolver& resolver, Request request, Done done)
    : request_(std::move(request)),
      done_(std::move(done)),
      reader_(request_.output_max_size, request_.decode, request_.method == "HEAD"),
      connection_(loop, resolver, request_.endpoint, *this) {}

void HttpExchange::connected() {
  if (connection_.protocol() == "h2") {
    frames_ = std::make_unique<H2Codec>();
    H2Codec::Fields fields = {
        {":method", request_.method}, {":scheme", "https"}, {":path", request_.target}, {":authority", request_.host}};
    for (const auto& [name, value] : request_.headers) fields.emplace_back(lower(name), value);
    if (has_length()) fields.emplace_back("content-length", std::to_string(request_.body.size()));
    frames_->request(fields, request_.body);
    return connection_.send(frames_->output());
  }
  connection_.send(plain_request());
}

void HttpExchange::start(Clock::time_point deadline) {
  if (request_.endpoint.tls) return connection_.open(deadline);
  connection_.open(deadline, plain_request());
}

bool HttpExchange::has_length() const {
  return request_.tells_length || !request_.body.empty();
}

std::string HttpExchange::plain_request() const {
  std::string bytes = request_.method + ' ' + request_.target + " HTTP/1.1\r\nHost: " + request_.host + "\r\n";
  for (const auto& [name, value] : request_.headers) bytes += name + ": " + value + "\r\n";
  if (has_length()) bytes += "Content-Length: " + std::to_string(request_.body.size()) + "\r\n";
  if (request_.tells_close) bytes += "Connection: close\r\n";
  return bytes + "\r\n" + request_.body;
}

void HttpExchange::received(std::string_view data) {
  if (frames_) return received_frames(data);
  const Result<bool> whole = reader_.take(data);
  if (whole && !*whole) return;
  finish(whole ? std::string() : whole.error().detail);
}

void HttpExchange::received_frames(std::string_view data) {
  const Result<> taken = frames_->take(data);
  if (const std::string out = frames_->output(); !out.empty()) connection_.send(out);
  if (!taken) return finish(has_head_ ? std::string() : taken.error().detail);
  const H2Codec::Answer& answer = frames_->answer();
  // The rest sees one kind of answers: this one reads as if it had come in HTTP/1.1, up to the end of the connection.
  Result<bool> whole = false;
  if (answer.has_head && !has_head_) {
    has_head_ = true;
    const unsigned status =
        static_cast<unsigned>(base::parse_uint(field(answer.fields, ":status"), 10, 16).value_or(0));
    const auto reason = http::obsolete_reason(static_cast<http::status>(status));
    std::string head =
        "HTTP/1.1 " + std::to_string(status) + ' ' +
        (http::int_to_status(status) == http::status::unknown ? std::string()
                                                              : std::string(reason.data(), reason.size())) +
        "\r\n";
    for (const auto& [name, value] : answer.fields) {
      if (!name.starts_with(':')) head += name + ": " + value + "\r\n";
    }
    whole = reader_.take(head + "\r\n");
  }
  if (whole && !*whole) whole = reader_.take(frames_->drain_body());
  if (!whole) return finish(whole.error().detail);
  if (*whole) return finish({});
  if (!answer.closed) return;
  reader_.ended();
  finish(has_head_ ? std::string() : "stream error: stream ID 1; error code " + std::to_string(answer.error));
}

void HttpExchange::ended(const std::string& reason) {
  reader_.ended();
  finish(reader_.has_head() ? std::string() : reason);
}

void HttpExchange::finish(const std::string& reason) {
  const Done done = std::move(done_);  // it may destroy this object
  done(reason);
}

}  // namespace proconsul::base::net
