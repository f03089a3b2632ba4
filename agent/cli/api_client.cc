#include "agent/cli/api_client.h"

#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "agent/cli/connection.h"
#include "agent/cli/text.h"
#include "base/base64.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

namespace http = boost::beast::http;
using base::Errc;
using base::Result;
using boost::system::error_code;

constexpr std::uint32_t kHeaderLimit = 1 << 20;
constexpr std::size_t kBodyLimit = std::size_t{2} << 30;  // of an answer kept in memory
constexpr std::size_t kPiece = 65536;

using Parser = http::response_parser<http::buffer_body>;

// Beast's stream concept over our connection.
struct Stream {
  Connection& connection;
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    const boost::asio::mutable_buffer buffer = *boost::asio::buffer_sequence_begin(buffers);
    return connection.read_some({static_cast<char*>(buffer.data()), buffer.size()}, error);
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {  // the concept wants it; Beast calls the other one
    error_code error;
    return read_some(buffers, error);
  }
};

// "Get", as Go's url.Error names an operation.
std::string operation(std::string_view method) {
  std::string name(method.substr(0, 1));
  for (char c : method.substr(1)) name += static_cast<char>(c | 0x20);
  return name;
}

bool is_header_value(std::string_view text) {
  return std::ranges::none_of(text,
                              [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

std::string encode_query(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string out;
  for (const auto& [key, value] : std::multimap<std::string, std::string>(query.begin(), query.end())) {
    out += out.empty() ? '?' : '&';
    out += escape_query(key) + '=' + escape_query(value);
  }
  return out;
}

struct Body {
  std::string_view text{};
  int file{-1};
  std::uint64_t size{};
};

Result<Body> body_of(const ApiRequest& request) {
  if (request.body_file < 0) return Body{.text = request.body, .size = request.body.size()};
  struct stat info{};
  if (::fstat(request.body_file, &info) != 0) return {Errc::internal, errno_text(errno)};
  return Body{.file = request.body_file, .size = static_cast<std::uint64_t>(info.st_size)};
}

std::uint64_t index_of(const Parser& parser) {
  const auto field = parser.get()["X-Consul-Index"];
  std::uint64_t index = 0;
  std::from_chars(field.data(), field.data() + field.size(), index);
  return index;
}

}  // namespace

void ApiRequest::set(std::string_view key, std::string_view value) {
  std::erase_if(query, [&](const auto& pair) { return pair.first == key; });
  add(key, value);
}

void ApiRequest::add(std::string_view key, std::string_view value) {
  query.emplace_back(key, value);
}

struct ApiClient::Impl {
  ApiConfig config;
  Endpoint endpoint;
  std::string path_prefix;
  std::unique_ptr<Connection> connection;
  boost::beast::flat_buffer received{};  // what was read beyond the last answer

  std::string url(const std::string& target) const {
    return (endpoint.use_tls ? "https://" : "http://") + endpoint.host + target;
  }
  std::string head(const ApiRequest& request, const std::string& target, const Body& body) const;
  Result<> write(const std::string& head, const ApiRequest& request, const Body& body);
  Result<ApiResponse> read(const ApiRequest& request);
  Result<ApiResponse> exchange(const ApiRequest& request, const std::string& target, bool& reusable);
};

std::string ApiClient::Impl::head(const ApiRequest& request, const std::string& target, const Body& body) const {
  std::string out = request.method + ' ' + target + " HTTP/1.1\r\nHost: " + endpoint.host +
                    "\r\nUser-Agent: Proconsul-cli\r\nContent-Type: " + request.content_type + "\r\n";
  if (request.method != "GET" || body.size > 0) out += "Content-Length: " + std::to_string(body.size) + "\r\n";
  for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
  if (!config.token.empty()) out += "X-Consul-Token: " + config.token + "\r\n";
  if (config.basic_auth) out += "Authorization: Basic " + base::to_base64(*config.basic_auth) + "\r\n";
  return out + "\r\n";
}

Result<> ApiClient::Impl::write(const std::string& head, const ApiRequest& request, const Body& body) {
  if (Result<> sent = connection->write(head); !sent) return sent;
  if (body.file < 0) return body.text.empty() ? Result<>{} : connection->write(body.text);
  std::string piece(kPiece, '\0');
  for (std::uint64_t sent = 0; sent < body.size;) {
    const ssize_t got = ::pread(body.file, piece.data(), piece.size(), static_cast<off_t>(sent));
    if (got < 0) return {Errc::internal, errno_text(errno)};
    if (got == 0) return {Errc::internal, "unexpected EOF"};  // the file shrank
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(got, body.size - sent));
    if (Result<> written = connection->write(std::string_view(piece).substr(0, count)); !written) return written;
    sent += count;
    if (request.progress) request.progress(sent);
  }
  return {};
}

Result<ApiResponse> ApiClient::Impl::read(const ApiRequest& request) {
  Parser parser;
  parser.header_limit(kHeaderLimit);
  parser.body_limit(boost::none);
  if (request.method == "HEAD") parser.skip(true);
  Stream stream{*connection};
  const auto fail = [&](const error_code& error) -> base::Error {
    if (error == http::error::end_of_stream) return {Errc::eof, "EOF"};
    const boost::asio::const_buffer seen = received.data();
    const std::string_view start(static_cast<const char*>(seen.data()), std::min<std::size_t>(seen.size(), 32));
    const bool in_head = error == http::error::partial_message || error == http::error::bad_version;
    // A TLS server that is spoken to in plain text answers with an alert.
    if (in_head && !start.empty() && !parser.is_header_done() && !start.starts_with("HTTP/")) {
      return {Errc::corrupt,
              "net/http: HTTP/1.x transport connection broken: malformed HTTP response " + base::quote(start)};
    }
    if (error == http::error::partial_message) return {Errc::eof, "unexpected EOF"};
    if (error.category() == http::make_error_code(http::error::end_of_stream).category()) {
      return {Errc::corrupt, "net/http: HTTP/1.x transport connection broken: " + error.message()};
    }
    return connection->error("read", error);
  };

  error_code error;
  http::read_header(stream, received, parser, error);
  if (error) return fail(error);
  ApiResponse response{.status = static_cast<int>(parser.get().result_int()),
                       .index = index_of(parser),
                       .filtered = parser.get()["X-Consul-Results-Filtered-By-ACLs"] == "true",
                       .left_out = std::string(parser.get()["X-Proconsul-Left-Out"]),
                       .reason = std::string(parser.get().reason())};
  const bool into_sink = request.sink && response.status == 200;
  std::string piece(kPiece, '\0');
  std::uint64_t total = 0;
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    http::read_some(stream, received, parser, error);
    if (error == http::error::need_buffer) error = {};
    if (error == http::error::end_of_stream || error == boost::asio::error::eof) {
      parser.put_eof(error);  // an answer without a length ends with its connection
    }
    if (error) return fail(error);
    const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
    total += got.size();
    if (into_sink) {
      if (!request.sink(got)) return {Errc::cancelled, "stopped"};
      if (request.progress) request.progress(total);
    } else {
      if (total > kBodyLimit) return {Errc::too_large, "the answer is larger than this command can hold"};
      response.body += got;
    }
  }
  if (!parser.keep_alive()) connection.reset();
  return response;
}

// `reusable`: the connection had served before, and closed without a word; the agent may just have dropped it.
Result<ApiResponse> ApiClient::Impl::exchange(const ApiRequest& request, const std::string& target, bool& reusable) {
  if (endpoint.interrupt != nullptr && endpoint.interrupt->raised()) return {Errc::cancelled, "context canceled"};
  reusable = connection != nullptr;
  Result<Body> body = body_of(request);
  if (!body) return body.error();
  if (!connection) {
    received.clear();
    Result<std::unique_ptr<Connection>> opened = Connection::open(endpoint);
    if (!opened) return opened.error();
    connection = std::move(*opened);
  }
  const Result<> sent = write(head(request, target, *body), request, *body);
  // A server that refuses a large body answers and closes before it has read all of it: look for that answer first.
  Result<ApiResponse> response = read(request);
  if (!response) connection.reset();
  if (!response && !sent) return sent.error();
  reusable = reusable && !response && response.error().code == Errc::eof;
  return response;
}

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::ApiClient(ApiClient&&) noexcept = default;
ApiClient::~ApiClient() = default;

Result<ApiClient> ApiClient::make(ApiConfig config) {
  auto impl = std::make_unique<Impl>();
  Endpoint& endpoint = impl->endpoint;
  endpoint.use_tls = config.use_tls;
  endpoint.interrupt = config.interrupt;
  endpoint.host = config.address;
  if (const std::size_t colon = config.address.find("://"); colon != std::string::npos) {
    const std::string scheme = config.address.substr(0, colon);
    endpoint.host = config.address.substr(colon + 3);
    if (scheme == "https") {
      endpoint.use_tls = true;
    } else if (scheme == "unix") {
      endpoint.socket_path = endpoint.host;
      endpoint.host = "localhost";
    } else if (scheme != "http") {
      return {Errc::invalid_argument, "Unknown protocol scheme: " + scheme};
    }
    if (const std::size_t slash = endpoint.host.find('/'); slash != std::string::npos) {
      impl->path_prefix = endpoint.host.substr(slash);
      endpoint.host.resize(slash);
    }
  }
  for (const std::string* value : {&config.token, &endpoint.host}) {
    if (!is_header_value(*value)) {
      return {Errc::invalid_argument, value == &config.token
                                          ? "net/http: invalid header field value for \"X-Consul-Token\""
                                          : "invalid character in host name"};
    }
  }
  // Certificates are read even if the scheme is http: a wrong path must not wait until TLS is switched on.
  if (Result<> loaded = endpoint.load_tls({.ca_file = config.ca_file,
                                           .ca_path = config.ca_path,
                                           .client_cert = config.client_cert,
                                           .client_key = config.client_key,
                                           .server_name = config.tls_server_name,
                                           .verify_server = config.verify_server});
      !loaded) {
    return loaded.error();
  }
  impl->config = std::move(config);
  return ApiClient(std::move(impl));
}

ApiRequest ApiClient::request(std::string method, std::string path) const {
  ApiRequest request{.method = std::move(method), .path = std::move(path)};
  if (!impl_->config.datacenter.empty()) request.set("dc", impl_->config.datacenter);
  if (!impl_->config.name_space.empty()) request.set("ns", impl_->config.name_space);
  if (!impl_->config.partition.empty()) request.set("partition", impl_->config.partition);
  return request;
}

Result<ApiResponse> ApiClient::send(const ApiRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (!is_header_value(value)) {
      return {Errc::invalid_argument, "net/http: invalid header field value for " + base::quote(name)};
    }
  }
  const std::string target = !request.target.empty()
                                 ? request.target
                                 : escape_path(impl_->path_prefix + request.path) + encode_query(request.query);
  bool reusable = false;
  Result<ApiResponse> response = impl_->exchange(request, target, reusable);
  if (!response && reusable) response = impl_->exchange(request, target, reusable);
  if (response || response.error().code == Errc::cancelled) return response;
  const bool interrupted = impl_->config.interrupt != nullptr && impl_->config.interrupt->raised();
  if (interrupted) response = {Errc::cancelled, "context canceled"};
  if (!interrupted && impl_->config.advice != nullptr) impl_->config.advice->failed(impl_->url(""), response.error());
  return {response.error().code,
          operation(request.method) + ' ' + base::quote(impl_->url(target)) + ": " + response.error().detail};
}

Result<ApiResponse> ApiClient::call(const ApiRequest& request, std::initializer_list<int> allowed) {
  Result<ApiResponse> response = send(request);
  if (!response || std::ranges::find(allowed, response->status) != allowed.end()) return response;
  if (response->status == 403 && impl_->config.advice != nullptr) impl_->config.advice->forbidden();
  return {Errc::internal, "Unexpected response code: " + std::to_string(response->status) + " (" +
                              std::string(trim_space(response->body)) + ')'};
}

}  // namespace proconsul::agent::cli
