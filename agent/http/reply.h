// What a handler answers: status, headers of its own, and a body of byte slices that are sent without copying.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/pipe.h"
#include "base/ref.h"
#include "base/result.h"

namespace proconsul::agent::http {

class Worker;

/// Slices in order. A borrowed slice must live as long as something in `hold()` keeps it alive.
class Body {
 public:
  Body() = default;
  Body(std::string text) : own_(std::move(text)) {
    if (!own_.empty()) pieces_.push_back({nullptr, 0, own_.size()});
    size_ = own_.size();
  }
  Body(std::string_view text) : Body(std::string(text)) {}
  Body(const char* text) : Body(std::string(text)) {}

  void append(std::string_view copied);
  void append_borrowed(std::string_view bytes);
  void hold(std::shared_ptr<const void> keeper) { keepers_.push_back(std::move(keeper)); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t pieces() const { return pieces_.size(); }
  std::string_view piece(std::size_t index) const;
  std::string flat() const;
  /// Compares bytes, however they are sliced.
  bool same_bytes(const Body& other) const;

 private:
  struct Piece {
    const char* data;  // null: in own_ at offset
    std::size_t offset;
    std::size_t size;
  };
  std::string own_{};
  std::vector<Piece> pieces_{};
  std::vector<std::shared_ptr<const void>> keepers_{};
  std::size_t size_ = 0;
};

/// A body that is produced while it is sent (snapshots, log and metric streams). Lives on the connection's loop.
class BodySource {
 public:
  virtual ~BodySource() = default;
  using State = base::net::Pipe::State;  // failed: cut the connection
  /// Appends up to about `limit` bytes to `out`. `wake` (any thread, at most once per call) asks to be pulled again.
  virtual State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake) = 0;
};

/// Takes an upload of any size as it arrives. Lives on the connection's loop.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// False: stop reading from the client until `resume` is called (any thread).
  virtual bool write(std::string_view bytes, std::move_only_function<void()> resume) = 0;
  /// The whole body has arrived. Destroyed without finish(): the client went away.
  virtual void finish() = 0;
};

namespace content {
inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kText = "text/plain; charset=utf-8";
inline constexpr std::string_view kOctets = "application/octet-stream";
inline constexpr std::string_view kHtml = "text/html; charset=utf-8";
}  // namespace content

struct Reply {
  int status = 200;
  std::string_view type = content::kJson;  // static text; empty: no Content-Type header
  Body body{};
  std::string headers{};                 // whole lines: "Name: value\r\n"
  std::unique_ptr<BodySource> source{};  // instead of body: sent chunked
  bool close = false;                    // end the connection after this answer
  bool as_text = false;                  // JSON that is called text, where Consul writes the status before the type

  void header(std::string_view name, std::string_view value);
};

/// JSON as encoded, without blanks; the frame indents it for ?pretty and -dev.
Reply json(Body body);
/// 200 without body: what many agent writes answer.
Reply empty();
Reply text(int status, std::string message);
/// The one place that knows which status an error has.
Reply failure(const base::Error& error);

/// What Responders hold of their worker.
struct Door : base::RefCounted {
  std::mutex mutex{};
  Worker* worker = nullptr;  // null once it ended
};

/// Where an asynchronous handler puts its answer: once, from any thread. Destroyed unanswered: the client gets 500. It
/// may outlive the server, and then answers nobody.
class Responder {
 public:
  Responder() = default;
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();
  void send(Reply reply);
  void send(base::Result<Reply> reply);
  explicit operator bool() const { return door_.get() != nullptr; }

 private:
  friend Responder make_responder(Worker& worker, std::uint64_t connection);
  Responder(Worker& worker, std::uint64_t connection);
  base::Ref<Door> door_{};
  std::uint64_t connection_ = 0;
};

}  // namespace proconsul::agent::http
