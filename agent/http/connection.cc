#include "agent/http/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>

#include "agent/http/carrier.h"
#include "agent/http/denial.h"
#include "agent/http/worker.h"

namespace proconsul::agent::http {

using base::net::Clock;
using base::net::TlsStream;

namespace {

constexpr base::Duration kLingerTimeout = base::seconds(2);
constexpr std::uint64_t kMostSkipped = 256 * 1024;  // an unread body up to this size does not cost the connection
constexpr std::uint64_t kMostLingered = 64 * 1024 * 1024;
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kSmallBody = 4096;
constexpr std::size_t kMostParts = 1024;  // of one sendmsg(): the kernel takes no more
constexpr std::uint32_t kReadable = EPOLLIN | EPOLLRDHUP;

}  // namespace

/// What exists only while a request is partly here.
struct Connection::Inbound {
  std::string buffer{};  // bytes not yet looked at
  std::size_t searched = 0;
  std::string head{};
  std::string body{};
  Framing framing{};
  ChunkDecoder chunks{};
  std::uint64_t limit = 0;
  std::uint64_t left = 0;  // of a body with a declared length
  bool in_body = false;
  std::unique_ptr<BodySink> sink{};
  bool sink_full = false;
};

/// What exists only while an answer is partly gone.
struct Connection::Outbound {
  std::string head{};
  Body body{};
  std::shared_ptr<const std::string> shared{};
  std::size_t sent = 0;
  std::unique_ptr<BodySource> source{};
  bool source_ended = false;
  bool source_waits = false;
};

Connection::Connection(Worker& worker, std::uint64_t id, base::net::Fd socket,
                       std::shared_ptr<base::net::TlsContext> tls)
    : worker_(worker), id_(id), socket_(std::move(socket)) {
  if (!tls) return;
  tls_ = std::make_unique<TlsStream>(std::move(tls), socket_.get());
  tls_->read_ahead();
}

Connection::Connection(Worker& worker, std::uint64_t id, Carrier& carrier)
    : worker_(worker), id_(id), carrier_(&carrier), counts_(false) {}

Connection::~Connection() = default;

void Connection::start() {
  interest_ = kReadable;
  if (carrier_) return;
  worker_.loop().watch(socket_.get(), interest_, this);
  if (!tls_) return;
  phase_ = Phase::handshake;
  arm(worker_.loop(), Clock::now() + std::chrono::nanoseconds(worker_.settings().handshake_timeout.nanoseconds));
}

void Connection::listen_for(std::uint32_t events) {
  if (closed_ || events == interest_) return;
  interest_ = events;
  if (!carrier_) worker_.loop().rewatch(socket_.get(), events, this);
}

void Connection::arm_in(base::Duration delay) {
  arm(worker_.loop(), worker_.loop().now() + std::chrono::nanoseconds(delay.nanoseconds));
}

void Connection::close() {
  if (std::exchange(closed_, true)) return;
  worker_.leave(*this);
  cancel();
  if (tls_ && !broken_) tls_->shutdown();
  if (socket_) worker_.loop().forget(socket_.get(), this);
  socket_.reset();
  if (Carrier* carrier = std::exchange(carrier_, nullptr)) carrier->abandon();
  in_.reset();
  out_.reset();
  worker_.bury(*this);
}

bool Connection::hears() const {
  return !closed_ && !consuming_ && (phase_ == Phase::reading || (phase_ == Phase::uploading && !in_->sink_full));
}

void Connection::drained() {
  if (!closed_ && phase_ == Phase::writing && (interest_ & EPOLLOUT) != 0) flush();
}

void Connection::hang_up() {
  carrier_ = nullptr;
  close();
}

void Connection::on_ready(std::uint32_t events) {
  if (closed_) return;
  if (events & (EPOLLERR | EPOLLHUP)) {
    broken_ = true;
    return close();
  }
  switch (phase_) {
    case Phase::handshake:
      return handshake();
    case Phase::reading:
    case Phase::lingering:
      return read();
    case Phase::uploading:
      if (in_->sink_full) return listen_for(0);
      return read();
    case Phase::writing:
      if (events & EPOLLOUT) return flush();
      if (events & EPOLLRDHUP) close();  // nobody reads the stream any more
      return;
    case Phase::parked:
      if (events & EPOLLRDHUP) return close();  // nobody is left to hear the answer
      listen_for(EPOLLRDHUP);                   // a pipelined request waits in the kernel
      return;
    case Phase::waiting:
      // The answer of a write under way is still owed to a client that has closed only its own side.
      return listen_for(events & EPOLLRDHUP ? 0 : EPOLLRDHUP);
  }
}

void Connection::on_timer() {
  switch (phase_) {
    case Phase::reading:
    case Phase::uploading: {
      Reply late = text(408, "408 Request Timeout");
      late.close = true;
      exchange_ = {};
      exchange_.keep_alive = false;
      return reply(std::move(late));
    }
    case Phase::parked:
      return worker_.expire(*this);
    case Phase::waiting:
      return;
    case Phase::handshake:
    case Phase::writing:
    case Phase::lingering:
      broken_ = true;
      return close();
  }
}

void Connection::handshake() {
  const TlsStream::Progress progress = tls_->handshake();
  switch (progress.need) {
    case TlsStream::Need::none:
      cancel();
      if (tls_->protocol() == "h2") return speak_h2();
      phase_ = Phase::reading;
      listen_for(kReadable);
      return read();
    case TlsStream::Need::read:
      return listen_for(kReadable);
    case TlsStream::Need::write:
      return listen_for(EPOLLOUT);
    case TlsStream::Need::closed:
    case TlsStream::Need::failed:
      broken_ = true;
      worker_.handshake_failed(tls_->reason(), socket_.get());
      return close();
  }
}

/// Its requests are streams from here on.
void Connection::speak_h2() {
  worker_.loop().forget(socket_.get(), this);
  counts_ = false;
  worker_.speak_h2(*this, std::move(socket_), std::move(tls_));
  close();
}

void Connection::read() {
  const std::span<char> scratch = worker_.loop().scratch();
  // One read per turn: level-triggered, the rest shows up again. Not so what TLS has already taken from the socket.
  do {
    std::size_t count = 0;
    if (tls_) {
      const TlsStream::Progress progress = tls_->read(scratch.data(), scratch.size());
      if (progress.need == TlsStream::Need::read) return listen_for(kReadable);
      if (progress.need == TlsStream::Need::write) return listen_for(EPOLLOUT | EPOLLRDHUP);
      if (progress.need == TlsStream::Need::failed) broken_ = true;
      if (progress.need != TlsStream::Need::none) return close();
      count = progress.bytes;
    } else {
      const ssize_t received = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
      if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (received <= 0) return close();
      count = static_cast<std::size_t>(received);
    }
    if (phase_ == Phase::lingering) {
      skip_ += count;
      if (skip_ > kMostLingered) return close();
      continue;
    }
    consume({scratch.data(), count});
  } while (!closed_ && (phase_ == Phase::reading || phase_ == Phase::uploading) && tls_ && tls_->holds_bytes());
}

Connection::Inbound& Connection::inbound() {
  if (!in_) in_ = std::make_unique<Inbound>();
  return *in_;
}

void Connection::stash(std::string_view data) {
  if (!data.empty()) inbound().buffer.assign(data);
}

void Connection::consume(std::string_view data) {
  std::string joined;
  if (in_ && !in_->buffer.empty()) {
    joined = std::move(in_->buffer);
    in_->buffer.clear();
    joined += data;
    data = joined;
  }
  consuming_ = true;
  while (!data.empty() && !closed_ && (phase_ == Phase::reading || phase_ == Phase::uploading)) {
    if (skip_ > 0) {
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, data.size()));
      skip_ -= count;
      data.remove_prefix(count);
      continue;
    }
    if (in_ && in_->in_body) {
      feed(data);
      if (phase_ == Phase::uploading && in_->sink_full) break;
      continue;
    }
    const std::size_t searched = in_ ? std::exchange(in_->searched, 0) : 0;
    if (searched == 0) {
      while (data.starts_with("\r\n")) data.remove_prefix(2);  // some clients end a body with a line too many
      if (data.empty()) break;
    }
    const std::size_t length = head_length(data, searched);
    const std::size_t most = worker_.most_head_bytes();
    if (std::min(length, data.size()) > most) {
      reject({431, {}});
      break;
    }
    if (length == std::string_view::npos) {
      // A flood of tiny pieces must not cost a look at all that is here for each of them.
      const bool news = searched < 64 || data.find('\n', searched) != std::string_view::npos;
      if (news && !may_become_head(data)) {
        reject({400, {}});
        break;
      }
      if (!armed()) arm_in(worker_.settings().head_timeout);
      inbound().searched = data.size();
      break;
    }
    if (armed()) cancel();
    std::string_view head = data.substr(0, length);
    data.remove_prefix(length);
    std::string plain;
    if (!is_plain_head(head)) {
      plain = plain_head(head);
      head = plain;
    }
    Framing framing;
    if (const Malformed malformed = parse_head(head, worker_.request(), framing)) {
      reject(malformed);
      break;
    }
    begin(head, data, framing);
  }
  consuming_ = false;
  if (closed_) return;
  if (data.empty()) {
    if (in_ && !in_->in_body && in_->searched == 0 && !in_->sink) in_.reset();
  } else if (phase_ != Phase::lingering) {
    if (data.size() == joined.size()) {
      inbound().buffer = std::move(joined);  // for the same reason: not copied
    } else {
      stash(data);
    }
  }
}

void Connection::begin(std::string_view head, std::string_view& data, Framing framing) {
  Request& request = worker_.request();
  exchange_ = {};
  exchange_.begun = worker_.loop().now();
  exchange_.method = request.method;
  exchange_.keep_alive = framing.keep_alive;
  exchange_.http_1_0 = request.http_1_0;
  exchange_.pretty = request.pretty();
  close_after_ = !framing.keep_alive;

  std::uint64_t limit = 0;
  if (std::optional<Reply> answer = worker_.admit(*this, request, limit)) {
    leave_unread(framing, data, *answer);
    return reply(std::move(*answer));
  }
  const bool has_body = framing.chunked || framing.content_length > 0;
  const bool is_upload = exchange_.route->handler.upload != nullptr;
  if (!has_body && !is_upload) return worker_.run(*this, request);
  if (!framing.chunked && framing.content_length > 0 && static_cast<std::uint64_t>(framing.content_length) > limit) {
    Reply answer = worker_.too_large(exchange_, framing.content_length, limit);
    leave_unread(framing, data, answer);
    return reply(std::move(answer));
  }
  const auto declared = static_cast<std::uint64_t>(std::max<std::int64_t>(framing.content_length, 0));
  if (!framing.chunked && !is_upload && data.size() >= declared) {
    request.body = data.substr(0, declared);
    data.remove_prefix(declared);
    return worker_.run(*this, request);
  }
  // The rest of the body is still to come: from here on the request needs memory of its own.
  Inbound& in = inbound();
  in.head = head;
  in.framing = framing;
  in.limit = limit;
  in.left = declared;
  in.in_body = true;
  if (is_upload) {
    phase_ = Phase::uploading;
    in.sink = worker_.upload(*this, request);
    if (!in.sink) {
      // Refused: the answer is under way, and nobody reads what comes of the body.
      in_.reset();
      close_after_ = true;
      exchange_.keep_alive = false;
      skip_ = 1;
      return wait();
    }
    if (phase_ != Phase::uploading) return;
  } else if (!framing.chunked) {
    in.body.reserve(declared);
  }
  if (framing.expects_continue && data.empty()) {
    Body nothing;
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    if (write(kContinue, nothing, 0) != kContinue.size()) return close();
  }
  arm_in(worker_.settings().body_timeout);
  feed(data);
}

void Connection::feed(std::string_view& data) {
  Inbound& in = *in_;
  bool complete = false;
  arm_in(worker_.settings().body_timeout);
  if (in.framing.chunked) {
    const ChunkDecoder::State state = in.chunks.feed(data, in.body, in.limit);
    if (state == ChunkDecoder::State::malformed) return reject({400, {}});
    complete = state == ChunkDecoder::State::done;
    if (!in.sink && in.body.size() > in.limit) {
      Reply answer = worker_.too_large(exchange_, -1, in.limit);
      answer.close = true;
      in_.reset();
      return reply(std::move(answer));
    }
  } else {
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(in.left, data.size()));
    in.left -= count;
    complete = in.left == 0;
    if (!in.sink) {
      in.body += data.substr(0, count);
    } else if (count > 0) {
      in.body = data.substr(0, count);
    }
    data.remove_prefix(count);
  }
  if (in.sink && !in.body.empty()) {
    const std::string piece = std::exchange(in.body, {});
    in.sink_full = !in.sink->write(piece, [worker = &worker_, id = id_] { worker->wake_connection(id); });
  }
  if (!complete) return;
  cancel();
  run_inbound();
}

void Connection::run_inbound() {
  std::unique_ptr<Inbound> in = std::move(in_);
  if (in->sink) {
    if (phase_ == Phase::uploading) phase_ = Phase::waiting;
    in->sink->finish();
    return;
  }
  Request& request = worker_.request();
  Framing framing;
  if (const Malformed malformed = parse_head(in->head, request, framing)) return reject(malformed);
  std::uint64_t limit = 0;
  // Parsed again, because other connections have used the loop's request since.
  if (std::optional<Reply> answer = worker_.admit(*this, request, limit)) return reply(std::move(*answer));
  request.body = in->body;
  worker_.run(*this, request);
}

void Connection::reject(Malformed malformed) {
  if (Carrier* carrier = std::exchange(carrier_, nullptr)) {
    carrier->refuse();
    return close();
  }
  // Go's server answers these by hand, in just this form.
  cancel();
  std::string wire = "HTTP/1.1 " + std::to_string(malformed.status) + " " + std::string(status_text(malformed.status));
  const std::string line = wire.substr(9) + (malformed.text.empty() ? "" : ": " + std::string(malformed.text));
  if (malformed.status == 400 || malformed.status == 505) wire = "HTTP/1.1 " + line;
  wire += "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n";
  if (malformed.status == 417) {
    wire.replace(wire.find("\r\n") + 2, std::string::npos, "Connection: close\r\nContent-Length: 0\r\n\r\n");
  } else {
    wire += malformed.status == 501 ? std::string(malformed.text) : line;
  }
  in_.reset();
  exchange_ = {};
  reply(std::make_shared<const std::string>(std::move(wire)), malformed.status, true);
}

void Connection::leave_unread(const Framing& framing, std::string_view& data, Reply& reply) {
  if (!framing.chunked && framing.content_length <= 0) return;
  const auto declared = static_cast<std::uint64_t>(std::max<std::int64_t>(framing.content_length, 0));
  // A client that waits for "100 Continue" has not sent its body, and will not after a final answer.
  if (framing.chunked || declared > kMostSkipped || (framing.expects_continue && data.empty())) {
    reply.close = true;
    return;
  }
  skip_ = declared;
  const std::size_t here = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, data.size()));
  skip_ -= here;
  data.remove_prefix(here);
}

void Connection::park(Clock::time_point deadline) {
  phase_ = Phase::parked;
  arm(worker_.loop(), deadline);
}

void Connection::reply(Reply reply, const ReadMeta* meta) {
  if (closed_) return;
  cancel();
  if (phase_ == Phase::uploading) reply.close = true;  // answered before the upload was complete
  if (reply.close) close_after_ = true;
  if (reply.status == 403) explain_denial(worker_.context(), exchange_, reply);
  Encoder& encoder = worker_.encoder();
  encoder.shape(exchange_, reply);
  std::string& head = worker_.head_buffer();
  head.clear();
  encoder.head(exchange_, reply, meta, head);
  if (exchange_.method == Method::head) {
    reply.body = {};
    reply.source.reset();
  }
  worker_.finished(*this, reply.status);
  send(head, reply.body, std::move(reply.source));
}

void Connection::reply(std::shared_ptr<const std::string> wire, int status, bool close_it) {
  if (closed_) return;
  cancel();
  if (close_it) close_after_ = true;
  worker_.finished(*this, status);
  const Body nothing;
  const std::size_t sent = write(*wire, nothing, 0);
  if (closed_) return;
  if (sent == wire->size()) return finish();
  out_ = std::make_unique<Outbound>();
  out_->shared = std::move(wire);
  out_->sent = sent;
  phase_ = Phase::writing;
  arm_in(worker_.settings().write_timeout);
  listen_for(EPOLLOUT);
}

void Connection::send(std::string& head, Body& body, std::unique_ptr<BodySource> source) {
  if (body.size() > 0 && body.size() <= kSmallBody) {
    // Cheaper to copy than to make the kernel gather it.
    for (std::size_t i = 0; i < body.pieces(); ++i) head += body.piece(i);
    body = {};
  }
  const std::size_t total = head.size() + body.size();
  const std::size_t sent = write(head, body, 0);
  if (closed_) return;
  if (sent == total && !source) return finish();
  out_ = std::make_unique<Outbound>();
  out_->head = head;
  out_->body = std::move(body);
  out_->source = std::move(source);
  out_->sent = sent;
  phase_ = Phase::writing;
  arm_in(worker_.settings().write_timeout);
  if (sent == total) {
    flush();
  } else {
    listen_for(EPOLLOUT);
  }
}

/// Sends what follows the first `from` bytes of head and body, and returns how many bytes of both are gone then.
std::size_t Connection::write(std::string_view head, const Body& body, std::size_t from) {
  const std::size_t total = head.size() + body.size();
  std::size_t piece = 0;
  std::size_t before = head.size();  // bytes in front of `piece`
  while (from < total) {
    // Skip the pieces that are gone.
    while (piece < body.pieces() && before + body.piece(piece).size() <= from) before += body.piece(piece++).size();
    iovec parts[kMostParts];
    std::size_t count = 0;
    if (from < head.size()) {
      parts[count++] = {const_cast<char*>(head.data() + from), head.size() - from};
    }
    std::size_t start = before;
    for (std::size_t i = piece; i < body.pieces() && count < std::size(parts); ++i) {
      const std::string_view bytes = body.piece(i);
      const std::size_t gone = from > start ? from - start : 0;
      parts[count++] = {const_cast<char*>(bytes.data() + gone), bytes.size() - gone};
      start += bytes.size();
    }
    std::size_t written = 0;
    if (carrier_) {
      written = carrier_->write({static_cast<const char*>(parts[0].iov_base), parts[0].iov_len});
      if (closed_) return from;
      if (written < parts[0].iov_len) return from + written;
    } else if (tls_) {
      // One record for many small pieces; a large piece goes out as it is.
      std::string joined;
      std::string_view bytes(static_cast<const char*>(parts[0].iov_base), parts[0].iov_len);
      if (count > 1 && bytes.size() < 16 * 1024) {
        for (std::size_t i = 0; i < count && joined.size() < kPiece; ++i) {
          joined.append(static_cast<const char*>(parts[i].iov_base), std::min(parts[i].iov_len, kPiece));
          if (parts[i].iov_len > kPiece) break;
        }
        bytes = joined;
      }
      const TlsStream::Progress progress = tls_->write(bytes);
      if (progress.need == TlsStream::Need::read || progress.need == TlsStream::Need::write) return from;
      if (progress.need != TlsStream::Need::none) {
        broken_ = true;
        close();
        return from;
      }
      written = progress.bytes;
    } else {
      ssize_t sent = 0;
      if (count == 1) {
        sent = ::send(socket_.get(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
      } else {
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = count;
        sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
      }
      if (sent < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return from;
        broken_ = true;
        close();
        return from;
      }
      written = static_cast<std::size_t>(sent);
      std::size_t offered = 0;
      for (std::size_t i = 0; i < count; ++i) offered += parts[i].iov_len;
      if (written < offered) return from + written;  // the socket is full
    }
    from += written;
  }
  return from;
}

void Connection::flush() {
  for (;;) {
    Outbound& out = *out_;
    const std::string_view head = out.shared ? std::string_view(*out.shared) : std::string_view(out.head);
    const std::size_t total = head.size() + out.body.size();
    const std::size_t sent = write(head, out.body, out.sent);
    if (closed_) return;
    if (sent != out.sent) arm_in(worker_.settings().write_timeout);
    out.sent = sent;
    if (sent < total) return listen_for(EPOLLOUT);
    if (!out.source) {
      out_.reset();
      finish();
      return resume();
    }
    if (!pull()) return;
  }
}

/// Takes the next piece of a streamed body. False: nothing to send now.
bool Connection::pull() {
  Outbound& out = *out_;
  out.head.clear();
  out.body = {};
  out.sent = 0;
  if (out.source_ended) {
    out.source.reset();
    return true;
  }
  std::string piece;
  const BodySource::State state =
      out.source->pull(piece, kPiece, [worker = &worker_, id = id_] { worker->wake_connection(id); });
  if (state == BodySource::State::failed) {
    close();  // a chunked body without its end: the client sees that it is not whole
    return false;
  }
  const bool chunked = !exchange_.http_1_0 && !carrier_;
  if (!piece.empty()) {
    char size[20];
    if (chunked)
      out.head.assign(size, static_cast<std::size_t>(std::snprintf(size, sizeof size, "%zx\r\n", piece.size())));
    out.head += piece;
    if (chunked) out.head += "\r\n";
  }
  if (state == BodySource::State::end) {
    out.source_ended = true;
    if (chunked) out.head += "0\r\n\r\n";
    if (!chunked) close_after_ = true;  // that is its end
  }
  if (state == BodySource::State::later && piece.empty()) {
    cancel();
    out.source_waits = true;
    listen_for(EPOLLRDHUP);
    return false;
  }
  return true;
}

void Connection::wake() {
  if (closed_) return;
  if (phase_ == Phase::writing && out_ && out_->source_waits) {
    out_->source_waits = false;
    arm_in(worker_.settings().write_timeout);
    flush();
  } else if (phase_ == Phase::uploading && in_ && in_->sink_full) {
    in_->sink_full = false;
    arm_in(worker_.settings().body_timeout);
    listen_for(kReadable);
    if (!in_->buffer.empty()) resume();
    if (carrier_ && hears()) carrier_->listen();
  }
}

void Connection::finish() {
  if (Carrier* carrier = std::exchange(carrier_, nullptr)) {
    carrier->finish();
    return close();
  }
  if (close_after_) {
    const bool unread = phase_ == Phase::uploading || skip_ > 0 || (in_ && !in_->buffer.empty()) || consuming_;
    if (unread) return linger();
    if (!tls_) ::shutdown(socket_.get(), SHUT_WR);
    return close();
  }
  phase_ = Phase::reading;
  if (interest_ != kReadable) listen_for(kReadable);
}

void Connection::linger() {
  // Closing a socket with unread input resets the connection, and the client may lose the answer that it has not read.
  if (tls_) tls_->shutdown();
  ::shutdown(socket_.get(), SHUT_WR);
  in_.reset();
  phase_ = Phase::lingering;
  skip_ = 0;
  arm_in(kLingerTimeout);
  listen_for(kReadable);
}

void Connection::resume() {
  if (closed_ || consuming_) return;
  if ((phase_ == Phase::reading || phase_ == Phase::uploading) && in_ && !in_->buffer.empty()) {
    std::string data = std::move(in_->buffer);
    in_->buffer.clear();
    consume(data);
  }
  if (!closed_ && phase_ == Phase::reading && tls_ && tls_->holds_bytes()) read();
}

}  // namespace proconsul::agent::http
