// One HTTP request on a connection of its own, and its answer: in HTTP/1.1, or in HTTP/2 if TLS agrees upon that.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/net/connection.h"
#include "base/net/h2_codec.h"
#include "base/output_tail.h"

namespace proconsul::base::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Whether it may be a method or the name of a header.
bool is_token(std::string_view text);
/// What Go says of the first header that must not be sent; empty if there is none. A line break would smuggle further
/// headers in.
std::string refused_header(const Headers& headers);

/// Reads an answer piece by piece. Bounded: heads up to 1 MiB, of the body only the tail is kept.
class AnswerReader {
 public:
  /// `decode`: a gzip body is unpacked. `without_body`: the answer to HEAD.
  AnswerReader(std::size_t output_max_size, bool decode, bool without_body);
  ~AnswerReader();
  /// Takes what came; true once the answer is whole. The error is as Go words it.
  base::Result<bool> take(std::string_view data);
  /// The connection ended: is the answer whole?
  bool ended();
  bool has_head() const;
  int status() const;
  /// "200 OK": the code and the words of the status line, as they came.
  std::string status_text() const;
  /// The first header of that name; empty if there is none.
  std::string header(std::string_view name) const;
  Headers headers() const;
  /// Its body has not broken off.
  bool whole() const;
  const OutputTail& body() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class HttpExchange final : Connection::User {
 public:
  struct Request {
    Endpoint endpoint{};
    std::string method{};
    std::string target{};  // "/path?query"
    std::string host{};
    std::vector<std::pair<std::string, std::string>> headers{};  // names and values without line breaks
    std::string body{};
    bool tells_length = false;  // also of an empty body
    bool tells_close = true;    // that nothing else will be asked on this connection
    std::size_t output_max_size = 4096;
    bool decode = false;
  };
  /// `done` is called once, with an empty reason if the answer's head came (even if its body broke off). It may destroy
  /// the exchange.
  using Done = std::function<void(const std::string& reason)>;

  HttpExchange(Loop& loop, Resolver& resolver, Request request, Done done);
  void start(Clock::time_point deadline);
  const AnswerReader& answer() const { return reader_; }
  bool has_answer() const { return reader_.has_head(); }

 private:
  void connected() override;
  void received(std::string_view data) override;
  void ended(const std::string& reason) override;
  void received_frames(std::string_view data);
  void finish(const std::string& reason);
  bool has_length() const;
  std::string plain_request() const;
  Request request_;
  Done done_;
  AnswerReader reader_;
  Connection connection_;
  std::unique_ptr<H2Codec> frames_{};  // with HTTP/2
  bool has_head_ = false;              // and its head was handed to the reader
};

}  // namespace proconsul::base::net
