#include "agent/grpc/server.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "agent/grpc/headers.h"
#include "base/net/h2_server_codec.h"
#include "base/net/tcp_channel.h"
#include "base/quote.h"

namespace proconsul::agent::grpc {

using base::Error;
using base::Result;
using base::net::Channel;
using base::net::Clock;
using base::net::field;
using base::net::H2Fields;
using base::net::H2ServerCodec;
using base::net::TcpChannel;
using base::net::Timer;
using StreamId = H2ServerCodec::StreamId;

namespace {

constexpr std::size_t kOutputPiece = 64 * 1024;
constexpr std::size_t kMostUnsent = 256 * 1024;  // of a connection, below HTTP/2's windows
constexpr int kMostPingStrikes = 2;
constexpr std::chrono::hours kPingPauseWithoutStreams{2};
constexpr std::uint32_t kEnhanceYourCalm = 11;

std::string number(Code code) {
  return std::to_string(static_cast<int>(code));
}

H2Fields status_fields(const Status& status) {
  return {{"grpc-status", number(status.code)}, {"grpc-message", encode_message(status.message)}};
}

H2Fields head_fields(const std::string& http_status, std::string_view subtype) {
  return {{":status", http_status}, {"content-type", content_type(subtype)}};
}

bool is_reserved(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kNames = {"content-type",  "te",           "grpc-accept-encoding",
                                                             "grpc-encoding", "grpc-timeout", "grpc-message-type",
                                                             "grpc-message",  "grpc-status"};
  return (name.starts_with(':') && name != ":authority") || std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

struct Server::Metrics {
  explicit Metrics(const std::string& type)
      : connection_count(base::metrics::counter("grpc.server.connection.count", {{"server_type", type}},
                                                "Counts the gRPC connections that clients open.")),
        request_count(base::metrics::counter("grpc.server.request.count", {{"server_type", type}},
                                             "Counts the gRPC requests that clients make.")),
        stream_count(base::metrics::counter("grpc.server.stream.count", {{"server_type", type}},
                                            "Counts the gRPC streams that clients open.")),
        connections(base::metrics::gauge("grpc.server.connections", {{"server_type", type}},
                                         "How many gRPC connections of clients are open.")),
        streams(base::metrics::gauge("grpc.server.streams", {{"server_type", type}},
                                     "How many gRPC streams of clients are open.")) {}
  void connection_opened() {
    connection_count.add();
    connections.set(static_cast<double>(++open_connections));
  }
  void connection_closed() { connections.set(static_cast<double>(--open_connections)); }
  void stream_opened() {
    stream_count.add();
    streams.set(static_cast<double>(++open_streams));
  }
  void stream_closed() { streams.set(static_cast<double>(--open_streams)); }

  const base::metrics::Counter connection_count, request_count, stream_count;
  const base::metrics::Gauge connections, streams;
  std::atomic<std::int64_t> open_connections{0}, open_streams{0};
  std::atomic<std::size_t> incomplete{0};  // bytes of messages that are not whole
};

/// What lives on one loop.
struct Server::Worker {
  Worker(base::net::Loop& on, Server& of) : loop(on), server(of) {}
  void bury(Connection& connection);
  base::net::Loop& loop;
  Server& server;  // once stopped: not there any more
  bool stopped = false;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections{};
};

class Server::Connection final : Channel::User, H2ServerCodec::User, Timer {
 public:
  Connection(std::shared_ptr<Worker> worker, std::shared_ptr<TcpChannel> channel, std::shared_ptr<const void> place,
             bool by_name);
  ~Connection() override;
  void start() { channel_->set_user(this); }
  /// Nothing comes from it any more.
  void quiet() {
    *here_ = false;
    cancel();
    channel_->close();
  }

  H2ServerCodec& codec() { return codec_; }
  base::net::Loop& loop() { return worker_->loop; }
  const std::string& from() const { return from_; }
  const Options& options() const { return options_; }
  /// Soon, so that what many calls say in one turn of the loop goes together.
  void flush_soon();
  /// Whether so many more bytes of incomplete messages may be kept.
  bool reserve(std::size_t bytes);
  void release(std::size_t bytes) {
    incomplete_ -= bytes;
    metrics_->incomplete -= bytes;
  }

 private:
  void received(std::string_view data) override;
  void finished() override { worker_->bury(*this); }
  void drained() override;
  void ended(const Error&) override { worker_->bury(*this); }
  void on_timer() override;

  void request(StreamId id, H2Fields fields, bool finished) override;
  void received(StreamId id, std::string_view data) override;
  void finished(StreamId id) override;
  void closed(StreamId id, std::uint32_t error) override;
  void sent(StreamId id) override;
  void pinged(bool sent_since) override;

  void watch_client();
  void refuse(StreamId id, const char* http_status, std::string_view subtype, const Status& status);
  void flush();

  const std::shared_ptr<Worker> worker_;
  const Options& options_;
  const std::shared_ptr<Metrics> metrics_;
  const std::string from_;
  const std::shared_ptr<TcpChannel> channel_;
  const std::shared_ptr<const void> place_;
  const bool by_name_;  // it was shown the certificate of a name
  const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  H2ServerCodec codec_;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_{};
  std::size_t incomplete_ = 0;
  std::size_t held_ = 0;  // received, and not to be followed by more before the client reads
  bool flush_posted_ = false;
  bool leaving_ = false;           // closed as soon as all is sent
  Clock::time_point heard_{};      // of the client
  bool greeted_ = false;           // it has spoken HTTP/2
  bool asked_client_ = false;      // whether it is there
  Clock::time_point last_ping_{};  // of the client's
  int ping_strikes_ = 0;
};

/// One call on its stream.
class Server::Stream final : public Call, Timer {
 public:
  Stream(Connection& connection, Metrics& metrics, StreamId id, H2Fields metadata, std::string subtype,
         const Method& method)
      : connection_(connection),
        metrics_(metrics),
        id_(id),
        metadata_(std::move(metadata)),
        subtype_(std::move(subtype)),
        shape_(method.shape) {
    if (shape_ != Shape::unary) metrics_.stream_opened();
  }
  ~Stream() override {
    handler_.reset();  // while the call is there
    connection_.release(input_.size());
    if (shape_ != Shape::unary) metrics_.stream_closed();
  }
  void start(const Method& method, std::optional<std::chrono::nanoseconds> timeout) {
    if (timeout) arm(connection_.loop(), Clock::now() + std::min(*timeout, kLongestTimeout));
    handler_ = method.start(*this);
  }
  void take(std::string_view data);
  void take_end();

  const H2Fields& metadata() const override { return metadata_; }
  const std::string& from() const override { return connection_.from(); }
  base::net::Loop& loop() override { return connection_.loop(); }
  void add_head(H2Fields fields) override { head_ = std::move(fields); }
  void send(Frames messages) override {
    if (ended_) return;
    if (!std::exchange(responded_, true)) {
      H2Fields head = head_fields("200", subtype_);
      for (auto& field : std::exchange(head_, {})) head.push_back(std::move(field));
      connection_.codec().respond(id_, head);
    }
    connection_.codec().send(id_, std::move(messages));
    connection_.flush_soon();
  }
  std::size_t unsent() const override { return connection_.codec().unsent(id_); }
  bool tell_when_sent() override { return connection_.codec().tell_when_sent(id_); }
  void sent() {
    if (handler_ && !ended_) handler_->sent();
  }
  void end(Status status) override;

 private:
  static constexpr std::chrono::nanoseconds kLongestTimeout = std::chrono::hours(24 * 365);

  bool one_request() const { return shape_ == Shape::unary || shape_ == Shape::server_stream; }
  void on_timer() override { end({Code::deadline_exceeded, "context deadline exceeded"}); }
  void take_message(std::string_view message);

  Connection& connection_;
  Metrics& metrics_;
  const StreamId id_;
  const H2Fields metadata_;
  const std::string subtype_;
  const Shape shape_;
  std::unique_ptr<Handler> handler_{};
  std::string input_{};  // of a message that is not whole
  H2Fields head_{};      // what is added to it
  bool got_message_ = false;
  bool responded_ = false;
  bool ended_ = false;
};

// ---- one call ----

void Server::Stream::take(std::string_view data) {
  while (!ended_ && !data.empty() && !(one_request() && got_message_)) {
    // Most messages come whole, and are not copied.
    if (input_.empty() && data.size() >= kFrameHead && data[0] == 0 && frame_size(data) <= data.size() - kFrameHead) {
      const std::size_t whole = kFrameHead + frame_size(data);
      if (whole - kFrameHead <= connection_.options().most_message) {
        take_message(data.substr(kFrameHead, whole - kFrameHead));
        data.remove_prefix(whole);
        continue;
      }
    }
    const std::size_t wanted = input_.size() < kFrameHead ? kFrameHead : kFrameHead + frame_size(input_);
    const std::size_t part = std::min(wanted - input_.size(), data.size());
    if (!connection_.reserve(part)) {
      return end({Code::resource_exhausted, "too many messages on the connection are incomplete"});
    }
    input_.append(data.substr(0, part));
    data.remove_prefix(part);
    if (input_.size() < kFrameHead) return;
    const std::size_t size = frame_size(input_);
    if (const std::size_t most = connection_.options().most_message; size > most) {
      return end({Code::resource_exhausted, "grpc: received message larger than max (" + std::to_string(size) +
                                                " vs. " + std::to_string(most) + ")"});
    }
    if (input_.size() < kFrameHead + size) continue;
    if (input_[0] == 1) return end({Code::internal, "grpc: compressed flag set with identity or empty encoding"});
    if (input_[0] != 0) {
      const auto format = static_cast<unsigned char>(input_[0]);
      return end({Code::internal, "grpc: received unexpected payload format " + std::to_string(format)});
    }
    connection_.release(input_.size());
    const std::string message = std::exchange(input_, {});
    take_message(std::string_view(message).substr(kFrameHead));
  }
}

void Server::Stream::take_message(std::string_view message) {
  got_message_ = true;
  if (handler_) handler_->received(message);
}

void Server::Stream::take_end() {
  if (ended_) return;
  if (!input_.empty()) {
    return end({shape_ == Shape::unary ? Code::unknown : Code::internal, "unexpected EOF"});
  }
  if (one_request() && !got_message_) return end({Code::unknown, "EOF"});
  if (handler_) handler_->finished();
}

void Server::Stream::end(Status status) {
  if (std::exchange(ended_, true)) return;
  cancel();
  if (responded_) {
    connection_.codec().finish(id_, status_fields(status));
  } else {
    H2Fields fields = head_fields("200", subtype_);
    for (auto& field : status_fields(status)) fields.push_back(std::move(field));
    connection_.codec().answer(id_, fields);
  }
  connection_.flush_soon();
}

// ---- one connection ----

Server::Connection::Connection(std::shared_ptr<Worker> worker, std::shared_ptr<TcpChannel> channel,
                               std::shared_ptr<const void> place, bool by_name)
    : worker_(std::move(worker)),
      options_(worker_->server.options_),
      metrics_(worker_->server.metrics_),
      from_(channel->peer()),
      channel_(std::move(channel)),
      place_(std::move(place)),
      by_name_(by_name),
      codec_({.most_streams = options_.most_streams}, *this) {
  metrics_->connection_opened();
  arm(worker_->loop, Clock::now() + options_.greeting);
}

Server::Connection::~Connection() {
  quiet();
  streams_.clear();
  metrics_->connection_closed();
}

void Server::Connection::on_timer() {
  if (!codec_.has_settings()) return worker_->bury(*this);
  if (options_.ping_after.count() <= 0 || leaving_) return;
  if (asked_client_) return worker_->bury(*this);
  if (Clock::now() >= heard_ + options_.ping_after) {
    asked_client_ = true;
    codec_.ping();
    flush();
    return arm(worker_->loop, Clock::now() + options_.ping_timeout);
  }
  arm(worker_->loop, heard_ + options_.ping_after);
}

/// Something came of the client, which speaks HTTP/2.
void Server::Connection::watch_client() {
  heard_ = Clock::now();
  if (options_.ping_after.count() <= 0) return cancel();
  if (!greeted_ || asked_client_) arm(worker_->loop, heard_ + options_.ping_after);
  greeted_ = true;
  asked_client_ = false;
}

bool Server::Connection::reserve(std::size_t bytes) {
  if (bytes > options_.most_incomplete - std::min(incomplete_, options_.most_incomplete)) return false;
  if (metrics_->incomplete.fetch_add(bytes) + bytes > options_.most_incomplete_in_all) {
    metrics_->incomplete -= bytes;
    return false;
  }
  incomplete_ += bytes;
  return true;
}

void Server::Connection::received(std::string_view data) {
  if (leaving_) return;
  const Result<> taken = codec_.take(data);
  if (codec_.has_settings()) watch_client();
  flush();
  if (!taken || leaving_) {
    channel_->finish();
    return worker_->bury(*this);
  }
  held_ += data.size();
  if (channel_->unsent() < kMostUnsent) channel_->consumed(std::exchange(held_, 0));
}

void Server::Connection::drained() {
  flush();
  if (channel_->unsent() < kMostUnsent) channel_->consumed(std::exchange(held_, 0));
}

void Server::Connection::flush() {
  while (channel_->unsent() < kMostUnsent) {
    const std::string out = codec_.output(kOutputPiece);
    if (out.empty()) break;
    channel_->send(out);
  }
}

void Server::Connection::flush_soon() {
  if (std::exchange(flush_posted_, true)) return;
  worker_->loop.post([this, here = here_] {
    if (!*here) return;
    flush_posted_ = false;
    flush();
  });
}

void Server::Connection::refuse(StreamId id, const char* http_status, std::string_view subtype, const Status& status) {
  H2Fields fields = head_fields(http_status, subtype);
  for (auto& field : status_fields(status)) fields.push_back(std::move(field));
  codec_.answer(id, fields);
}

void Server::Connection::request(StreamId id, H2Fields fields, bool finished) {
  const std::string type(field(fields, "content-type"));
  const std::optional<std::string> subtype = content_subtype(type);
  if (!subtype) {
    return refuse(id, "415", "", {Code::invalid_argument, "invalid gRPC request content-type " + base::quote(type)});
  }
  std::optional<std::chrono::nanoseconds> timeout;
  if (const std::string_view text = field(fields, "grpc-timeout"); !text.empty()) {
    const Result<std::chrono::nanoseconds> decoded = decode_timeout(text);
    if (!decoded) {
      return refuse(id, "400", *subtype, {Code::internal, "malformed grpc-timeout: " + decoded.error().detail});
    }
    timeout = *decoded;
  }
  if (const std::string_view method = field(fields, ":method"); method != "POST") {
    return refuse(
        id, "405", *subtype,
        {Code::internal, "Received a HEADERS frame with :method " + base::quote(method) + " which should be POST"});
  }
  const std::string_view path = field(fields, ":path");
  metrics_->request_count.add();
  const Result<const Method*> method = worker_->server.services_.find(path);
  if (!method) return refuse(id, "200", *subtype, {Code::unimplemented, method.error().detail});
  if (by_name_ && !path.starts_with(options_.paths_by_name)) {
    return refuse(id, "200", *subtype, {Code::permission_denied, "invalid permissions to the specified endpoint"});
  }
  if (options_.admit) {
    if (const Status status = options_.admit(**method, path, from_); status.code != Code::ok) {
      return refuse(id, "200", *subtype, status);
    }
  }
  if (const std::string_view encoding = field(fields, "grpc-encoding"); !encoding.empty() && encoding != "identity") {
    return refuse(
        id, "200", *subtype,
        {Code::unimplemented, "grpc: Decompressor is not installed for grpc-encoding " + base::quote(encoding)});
  }
  // What was for us is not kept: a stream may be open for ever.
  std::erase_if(fields, [sees_path = (*method)->sees_path](const auto& each) {
    return is_reserved(each.first) && !(sees_path && each.first == ":path");
  });
  fields.shrink_to_fit();
  auto stream = std::make_unique<Stream>(*this, *metrics_, id, std::move(fields), *subtype, **method);
  Stream& call = *stream;
  streams_.insert_or_assign(id, std::move(stream));
  call.start(**method, timeout);
  if (finished) call.take_end();
}

void Server::Connection::received(StreamId id, std::string_view data) {
  if (const auto found = streams_.find(id); found != streams_.end()) found->second->take(data);
}

void Server::Connection::finished(StreamId id) {
  if (const auto found = streams_.find(id); found != streams_.end()) found->second->take_end();
}

void Server::Connection::sent(StreamId id) {
  if (const auto found = streams_.find(id); found != streams_.end()) found->second->sent();
}

void Server::Connection::closed(StreamId id, std::uint32_t) {
  // Out of the table first: its handler may look at the connection while it goes.
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const std::unique_ptr<Stream> gone = std::move(found->second);
  streams_.erase(found);
}

void Server::Connection::pinged(bool sent_since) {
  const Clock::time_point now = Clock::now();
  const Clock::time_point before = std::exchange(last_ping_, now);
  if (sent_since || before == Clock::time_point()) {
    ping_strikes_ = 0;
    return;
  }
  const Clock::duration pause = streams_.empty() ? Clock::duration(kPingPauseWithoutStreams) : options_.ping_pause;
  if (before + pause > now) ++ping_strikes_;
  if (ping_strikes_ <= kMostPingStrikes) return;
  codec_.say_goodbye(kEnhanceYourCalm, "too_many_pings");
  leaving_ = true;
}

// ---- all of them ----

void Server::Worker::bury(Connection& connection) {
  const auto found = connections.find(&connection);
  if (found == connections.end()) return;
  connection.quiet();
  // It is on the stack.
  loop.post([dead = std::move(found->second)] {});
  connections.erase(found);
}

Server::Server(base::net::Loops& loops, Services services, Options options)
    : loops_(loops),
      services_(std::move(services)),
      options_(std::move(options)),
      metrics_(std::make_shared<Metrics>(options_.type)) {
  for (std::size_t i = 0; i < loops_.size(); ++i) workers_.push_back(std::make_shared<Worker>(loops_[i], *this));
}

Server::~Server() {
  stop();
}

void Server::accept(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                    std::shared_ptr<const void> place) {
  if (stopped_) return;
  const std::shared_ptr<Worker>& worker = workers_[loops_.next().number()];
  worker->loop.post([worker, socket = std::move(socket), tls = std::move(tls), place = std::move(place)]() mutable {
    if (worker->stopped) return;
    const bool by_name = tls && tls->was_shown_by_name();
    auto channel = TcpChannel::adopt(worker->loop, std::move(socket), std::move(tls));
    auto connection = std::make_unique<Connection>(worker, std::move(channel), std::move(place), by_name);
    Connection& started = *connection;
    worker->connections.emplace(&started, std::move(connection));
    started.start();
  });
}

void Server::stop() {
  if (stopped_.exchange(true)) return;
  for (const std::shared_ptr<Worker>& worker : workers_) {
    worker->loop.run([&worker] {
      worker->stopped = true;
      for (auto& [key, connection] : std::exchange(worker->connections, {})) connection.reset();
    });
  }
}

}  // namespace proconsul::agent::grpc
