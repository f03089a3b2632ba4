// One HTTP/1.1 request on a connection of its own, and its answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/checks/connection.h"
#include "agent/checks/output_tail.h"

namespace proconsul::agent::checks {

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
    std::string bytes{};  // head and body
    std::size_t output_max_size = 4096;
    bool decode = false;
  };
  /// `done` is called once, with an empty reason if the answer's head came (even if its body broke off). It may destroy
  /// the exchange.
  using Done = std::function<void(const std::string& reason)>;

  HttpExchange(base::net::Loop& loop, Resolver& resolver, Request request, Done done);
  void start(base::net::Clock::time_point deadline) { connection_.open(deadline); }
  const AnswerReader& answer() const { return reader_; }
  bool has_answer() const { return reader_.has_head(); }

 private:
  void connected() override;
  void received(std::string_view data) override;
  void ended(const std::string& reason) override;
  Request request_;
  Done done_;
  AnswerReader reader_;
  Connection connection_;
};

}  // namespace proconsul::agent::checks
