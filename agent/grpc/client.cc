#include "agent/grpc/client.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "agent/grpc/headers.h"
#include "agent/rpc/kind_byte.h"
#include "base/metrics.h"
#include "base/net/h2_client_codec.h"
#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::grpc {

using base::Error;
using base::Result;
using base::net::Channel;
using base::net::Clock;
using base::net::field;
using base::net::H2ClientCodec;
using base::net::H2Fields;
using base::net::Loop;
using base::net::TcpChannel;
using base::net::Timer;
using StreamId = H2ClientCodec::StreamId;

namespace {

constexpr char kGrpcByte = 8;
constexpr std::size_t kOutputPiece = 64 * 1024;
constexpr std::size_t kMostUnsent = 256 * 1024;   // of a connection, below HTTP/2's windows
constexpr std::uint32_t kCancel = 8;              // of RST_STREAM
constexpr auto kLook = std::chrono::seconds(1);   // whether connections should be moved
constexpr auto kGrace = std::chrono::seconds(5);  // for calls on one that should
// Of ways that are judged by what becomes of them (Destination::reached), where another one may do.
constexpr auto kPatience = std::chrono::milliseconds(1500);
constexpr int kImpatientDials = 2;
constexpr int kQuickPings = 2;
constexpr auto kPingPause = std::chrono::seconds(16);  // that servers do not mind

std::string key_of(const rpc::Target& target) {
  return target.datacenter + ':' + target.node + ':' + target.address;
}

Status status_of(const H2Fields& fields) {
  const std::string_view text = field(fields, "grpc-status");
  const Result<std::uint64_t> code = base::parse_uint(text, 10, 32);
  if (text.empty() || !code) return {Code::unknown, "malformed grpc-status: " + base::quote(text)};
  const bool known = *code <= static_cast<std::uint64_t>(Code::unauthenticated);
  return {known ? static_cast<Code>(*code) : Code::unknown, decode_message(field(fields, "grpc-message"))};
}

/// Of an answer that is not gRPC's.
Status status_of_http(std::string_view http_status, std::string_view type) {
  Code code = Code::unknown;
  if (http_status == "400") code = Code::internal;
  if (http_status == "401") code = Code::unauthenticated;
  if (http_status == "403") code = Code::permission_denied;
  if (http_status == "404") code = Code::unimplemented;
  if (http_status == "429" || http_status == "502" || http_status == "503" || http_status == "504") {
    code = Code::unavailable;
  }
  return {code, "unexpected HTTP status code received from server: " + std::string(http_status) +
                    "; transport: received unexpected content-type " + base::quote(type)};
}

Status status_of_reset(std::uint32_t error) {
  struct Reason {
    const char* name;
    Code code;
  };
  static constexpr std::array<Reason, 14> kReasons = {{{"NO_ERROR", Code::internal},
                                                       {"PROTOCOL_ERROR", Code::internal},
                                                       {"INTERNAL_ERROR", Code::internal},
                                                       {"FLOW_CONTROL_ERROR", Code::resource_exhausted},
                                                       {"SETTINGS_TIMEOUT", Code::internal},
                                                       {"STREAM_CLOSED", Code::internal},
                                                       {"FRAME_SIZE_ERROR", Code::internal},
                                                       {"REFUSED_STREAM", Code::unavailable},
                                                       {"CANCEL", Code::cancelled},
                                                       {"COMPRESSION_ERROR", Code::internal},
                                                       {"CONNECT_ERROR", Code::internal},
                                                       {"ENHANCE_YOUR_CALM", Code::resource_exhausted},
                                                       {"INADEQUATE_SECURITY", Code::permission_denied},
                                                       {"HTTP_1_1_REQUIRED", Code::internal}}};
  const bool known = error < kReasons.size();
  return {known ? kReasons[error].code : Code::unknown,
          "stream terminated by RST_STREAM with error code: " +
              (known ? kReasons[error].name : "unknown error code " + std::to_string(error))};
}

Status closing() {
  return {Code::cancelled, "grpc: the client connection is closing"};
}

}  // namespace

struct Client::Metrics {
  explicit Metrics(const std::string& type)
      : connection_count(base::metrics::counter("grpc.client.connection.count", {{"server_type", type}},
                                                "Counts the gRPC connections that this agent opens to servers.")),
        request_count(base::metrics::counter("grpc.client.request.count", {{"server_type", type}},
                                             "Counts the gRPC requests that this agent makes of servers.")),
        connections(base::metrics::gauge("grpc.client.connections", {{"server_type", type}},
                                         "How many gRPC connections to servers are open.")) {}
  void opened() {
    connection_count.add();
    connections.set(static_cast<double>(++open));
  }
  void closed() { connections.set(static_cast<double>(--open)); }

  const base::metrics::Counter connection_count, request_count;
  const base::metrics::Gauge connections;
  std::atomic<std::int64_t> open{0};
};

/// A call: shared by the loop that asks and the loop of the connection.
class Client::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Loop& loop, std::string where, Frames what, User& who, H2Fields more)
      : caller(loop), path(std::move(where)), request(std::move(what)), user(&who), metadata(std::move(more)) {}

  // On the connection's loop.
  /// False: the call is over, with `why`.
  bool take(std::string_view data, const Options& options, Status& why);
  void take_head(H2Fields head, bool finished);
  void take_trailers(const H2Fields& trailers);
  void finish(Status status, bool unprocessed);
  /// Received bytes that the peer may be told of now.
  std::size_t to_consume(std::size_t most_ahead) {
    return ahead < most_ahead ? std::exchange(held, 0) : std::size_t{0};
  }

  Loop& caller;
  const std::string path;
  Frames request;
  User* user;  // null: gave it up; of the caller's loop, as is
  bool over = false;
  H2Fields metadata;  // until it is sent

  Connection* connection = nullptr;  // from here on, of the connection's loop
  StreamId id = 0;
  bool finished = false;
  bool open = false;              // more messages may follow
  std::vector<Frames> waiting{};  // those that follow before there is a stream
  std::size_t held = 0;           // received, and the peer has not been told that it is consumed
  std::size_t ahead = 0;          // handed to the user, who has not consumed it

 private:
  void deliver(Frames message);
  bool has_head_ = false;
  std::string input_{};  // of a message that is not whole
};

void Client::Exchange::deliver(Frames message) {
  ahead += message->size();
  auto tell = [self = shared_from_this(), message = std::move(message)] {
    if (!self->over && self->user) self->user->received(message);
  };
  caller.is_current() ? tell() : caller.post(std::move(tell));
}

void Client::Exchange::finish(Status status, bool unprocessed) {
  if (std::exchange(finished, true)) return;
  auto tell = [self = shared_from_this(), status = std::move(status), unprocessed] {
    if (!std::exchange(self->over, true) && self->user) self->user->ended(status, unprocessed);
  };
  caller.is_current() ? tell() : caller.post(std::move(tell));
}

bool Client::Exchange::take(std::string_view data, const Options& options, Status& why) {
  held += data.size();
  while (!data.empty() && !finished) {
    const std::size_t wanted = input_.size() < kFrameHead ? kFrameHead : kFrameHead + frame_size(input_);
    const std::size_t part = std::min(wanted - input_.size(), data.size());
    input_.append(data.substr(0, part));
    data.remove_prefix(part);
    if (input_.size() < kFrameHead) return true;
    const std::size_t size = frame_size(input_);
    if (size > options.most_message) {
      why = {Code::resource_exhausted, "grpc: received message larger than max (" + std::to_string(size) + " vs. " +
                                           std::to_string(options.most_message) + ")"};
      return false;
    }
    if (input_.size() < kFrameHead + size) continue;
    if (input_[0] != 0) {
      why = {Code::internal, input_[0] == 1 ? "grpc: compressed flag set with identity or empty encoding"
                                            : "grpc: received unexpected payload format " +
                                                  std::to_string(static_cast<unsigned char>(input_[0]))};
      return false;
    }
    deliver(std::make_shared<const std::string>(std::exchange(input_, {})));
  }
  return true;
}

void Client::Exchange::take_head(H2Fields head, bool all) {
  has_head_ = true;
  const std::string_view http_status = field(head, ":status"), type = field(head, "content-type");
  if (!content_subtype(type)) return finish(status_of_http(http_status, type), false);
  if (all) return finish(status_of(head), false);
  if (const std::string_view encoding = field(head, "grpc-encoding"); !encoding.empty() && encoding != "identity") {
    finish({Code::internal, "grpc: Decompressor is not installed for grpc-encoding " + base::quote(encoding)}, false);
  }
}

void Client::Exchange::take_trailers(const H2Fields& trailers) {
  if (trailers.empty()) return finish({Code::internal, "server closed the stream without sending trailers"}, false);
  Status status = status_of(trailers);
  if (status.code == Code::ok && !input_.empty()) status = {Code::internal, "unexpected EOF"};
  finish(std::move(status), false);
}

/// All calls of one server.
class Client::Connection final : Channel::User, H2ClientCodec::User, Timer {
 public:
  Connection(Connections& connections, rpc::Target target)
      : connections_(connections), target_(std::move(target)), codec_({}, *this) {}
  ~Connection() override { quiet(); }

  void carry(std::shared_ptr<Exchange> exchange);
  void give_up(Exchange& exchange);
  /// The call is over by our doing.
  void cut(Exchange& exchange, Status status);
  void consume(Exchange& exchange);
  /// Another message; null: there are no more.
  void follow(Exchange& exchange, Frames message);
  /// Ends every call, and itself in order.
  void end(const Status& status);
  bool takes_calls() const { return codec_.takes_streams(); }
  /// Leaves for a better way to its server, if there is one: takes no more calls, and those that it has get some time.
  void look(Clock::time_point now);
  const rpc::Target& target() const { return target_; }

 private:
  // Of the channel.
  void received(std::string_view data) override;
  void finished() override { lost("error reading from server: EOF"); }
  void drained() override { flush(); }
  void ended(const Error& reason) override { lost("error reading from server: " + reason.detail); }
  // Of the codec.
  void answered(StreamId id, H2Fields head, bool finished) override;
  void received(StreamId id, std::string_view data) override;
  void finished(StreamId id, H2Fields trailers) override;
  void closed(StreamId id, std::uint32_t error, bool unprocessed) override;
  void ponged() override {}
  void said_goodbye(std::uint32_t, std::string_view) override;
  void on_timer() override;

  void dial();
  void connected(Result<std::shared_ptr<TcpChannel>> channel);
  Clock::duration ping_after() const;
  void open(const std::shared_ptr<Exchange>& exchange);
  std::shared_ptr<Exchange> find(StreamId id) const;
  void lost(const std::string& why);
  void forget(StreamId id);
  void flush();
  void flush_soon();
  void rest();
  void quiet();

  Connections& connections_;
  const rpc::Target target_;
  std::unique_ptr<base::net::Attempt> attempt_{};
  std::shared_ptr<TcpChannel> channel_{};
  H2ClientCodec codec_;
  std::vector<std::shared_ptr<Exchange>> waiting_{};  // for the connection
  std::unordered_map<StreamId, std::shared_ptr<Exchange>> calls_{};
  const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  Clock::time_point heard_{};
  bool pinged_ = false;
  int quick_pings_ = 0;  // since the server last said something of a call
  bool flush_posted_ = false;
  bool leaving_ = false;                        // ends with its last call
  std::string address_{};                       // that was dialed
  std::function<void(bool)> judge_{};           // of the way there, if that is judged
  int dials_ = 0;                               // that were made
  std::optional<Clock::time_point> ends_at_{};  // once there is a better way
};

/// The connections of one loop. Shared: what is posted to the loop may come after the client is gone.
class Client::Connections final : Timer {
 public:
  Connections(const Options& options, Metrics& metrics, Loop& loop)
      : options_(options), metrics_(metrics), loop_(loop) {}

  void start(const rpc::Target& target, std::shared_ptr<Exchange> exchange) {
    if (stopped_) return exchange->finish(closing(), true);
    metrics_.request_count.add();
    if (options_.outdated && !std::exchange(looks_, true)) arm(loop_, Clock::now() + kLook);
    std::unique_ptr<Connection>& known = connections_[key_of(target)];
    if (known && !known->takes_calls()) retire(*known);
    std::unique_ptr<Connection>& connection = connections_[key_of(target)];
    if (!connection) connection = std::make_unique<Connection>(*this, target);
    connection->carry(std::move(exchange));
  }
  /// It takes no more calls: the next one of its server begins a new one.
  void retire(Connection& connection) {
    const auto found = connections_.find(key_of(connection.target()));
    if (found == connections_.end() || found->second.get() != &connection) return;
    retired_.push_back(std::move(found->second));
    connections_.erase(found);
  }
  /// It is perhaps on the stack: it dies later.
  void bury(Connection& connection) {
    retire(connection);
    const auto found = std::ranges::find(retired_, &connection, [](const auto& each) { return each.get(); });
    if (found == retired_.end()) return;
    loop_.post([dead = std::move(*found)] {});
    retired_.erase(found);
  }
  void stop() {
    stopped_ = true;
    cancel();
    std::vector<std::unique_ptr<Connection>> all = std::exchange(retired_, {});
    for (auto& [key, connection] : std::exchange(connections_, {})) all.push_back(std::move(connection));
    for (const auto& connection : all) connection->end(closing());
  }
  const Options& options() const { return options_; }
  Metrics& metrics() const { return metrics_; }
  Loop& loop() const { return loop_; }
  bool stopped() const { return stopped_; }

 private:
  void on_timer() override {
    std::vector<Connection*> all;
    for (const auto& [key, connection] : connections_) all.push_back(connection.get());
    for (const auto& connection : retired_) all.push_back(connection.get());
    const Clock::time_point now = Clock::now();
    for (Connection* connection : all) connection->look(now);
    arm(loop_, now + kLook);
  }

  const Options& options_;  // gone once it is stopped, as are
  Metrics& metrics_;
  Loop& loop_;
  std::map<std::string, std::unique_ptr<Connection>> connections_{};
  std::vector<std::unique_ptr<Connection>> retired_{};  // their last calls still run
  bool looks_ = false;                                  // on the timer
  bool stopped_ = false;
};

/// What the caller holds.
class Client::Handle final : public Call {
 public:
  Handle(std::shared_ptr<Connections> connections, std::shared_ptr<Exchange> exchange)
      : connections_(std::move(connections)), exchange_(std::move(exchange)) {}
  ~Handle() override {
    exchange_->user = nullptr;
    if (exchange_->over) return;
    Loop& loop = connections_->loop();
    loop.post([connections = std::move(connections_), exchange = std::move(exchange_)] {
      if (exchange->finished) return;
      exchange->finished = true;
      if (exchange->connection) exchange->connection->give_up(*exchange);
    });
  }
  void consumed(std::size_t bytes) override {
    Loop& loop = connections_->loop();
    loop.post([connections = connections_, exchange = exchange_, bytes] {
      exchange->ahead -= std::min(bytes, exchange->ahead);
      if (!exchange->finished && exchange->connection) exchange->connection->consume(*exchange);
    });
  }
  void send(Frames message) override { follow(std::move(message)); }
  void finish() override { follow(nullptr); }

 private:
  void follow(Frames message) {
    connections_->loop().post([connections = connections_, exchange = exchange_, message = std::move(message)] {
      if (exchange->finished || !exchange->open) return;
      if (exchange->connection && exchange->id != 0) return exchange->connection->follow(*exchange, message);
      exchange->waiting.push_back(message);
    });
  }

  std::shared_ptr<Connections> connections_;
  std::shared_ptr<Exchange> exchange_;
};

// ---- a connection ----

void Client::Connection::quiet() {
  *here_ = false;
  cancel();
  attempt_.reset();
  if (channel_) {
    channel_->close();
    channel_.reset();
    if (!connections_.stopped()) connections_.metrics().closed();
  }
}

void Client::Connection::carry(std::shared_ptr<Exchange> exchange) {
  if (exchange->finished) return rest();
  exchange->connection = this;
  if (channel_) return open(exchange);
  waiting_.push_back(std::move(exchange));
  if (attempt_) return;
  dial();
}

void Client::Connection::dial() {
  const Options& options = connections_.options();
  auto to = options.route ? options.route(target_) : base::net::Destination{.address = target_.address};
  address_ = to.address;
  judge_ = to.reached;
  const bool impatient = judge_ && ++dials_ <= kImpatientDials;
  attempt_ = base::net::connect(connections_.loop(), std::move(to),
                                Clock::now() + (impatient ? Clock::duration(kPatience) : options.dial_timeout),
                                [this](auto channel) { connected(std::move(channel)); });
}

void Client::Connection::connected(Result<std::shared_ptr<TcpChannel>> channel) {
  connections_.loop().post([attempt = std::move(attempt_)] {});  // it is on the stack
  if (!channel) {
    if (channel.error().code == base::Errc::timeout && judge_ && dials_ <= kImpatientDials) return dial();
    for (auto& exchange : std::exchange(waiting_, {})) {
      exchange->connection = nullptr;
      exchange->finish(
          {Code::unavailable,
           "connection error: desc = " + base::quote("transport: Error while dialing: " + channel.error().detail)},
          false);
    }
    return connections_.bury(*this);
  }
  channel_ = std::move(*channel);
  connections_.metrics().opened();
  heard_ = Clock::now();
  if (connections_.options().kind_byte) channel_->send(rpc::kind_byte(*channel_, kGrpcByte));
  for (auto& exchange : std::exchange(waiting_, {})) {
    if (!exchange->finished) open(exchange);
  }
  flush();
  rest();
  if (channel_) channel_->set_user(this);
}

void Client::Connection::open(const std::shared_ptr<Exchange>& exchange) {
  H2Fields head = {{":method", "POST"},
                   {":scheme", "http"},
                   {":path", exchange->path},
                   {":authority", target_.address},
                   {"content-type", "application/grpc"},
                   {"user-agent", "proconsul"},
                   {"te", "trailers"}};
  for (auto& each : std::exchange(exchange->metadata, {})) head.push_back(std::move(each));
  const Result<StreamId> id = codec_.open(head, false);
  if (!id) {
    exchange->connection = nullptr;
    return exchange->finish({Code::unavailable, id.error().detail}, true);
  }
  exchange->id = *id;
  codec_.send(*id, exchange->request);
  calls_.emplace(*id, exchange);
  if (!exchange->open) codec_.finish(*id);
  for (Frames& message : std::exchange(exchange->waiting, {})) follow(*exchange, std::move(message));
  flush_soon();
  rest();
}

void Client::Connection::follow(Exchange& exchange, Frames message) {
  if (message) {
    codec_.send(exchange.id, std::move(message));
  } else if (std::exchange(exchange.open, false)) {
    codec_.finish(exchange.id);
  }
  flush_soon();
}

std::shared_ptr<Client::Exchange> Client::Connection::find(StreamId id) const {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second;
}

void Client::Connection::forget(StreamId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  found->second->connection = nullptr;
  calls_.erase(found);
  rest();
}

void Client::Connection::give_up(Exchange& exchange) {
  std::erase_if(waiting_, [&](const auto& each) { return each.get() == &exchange; });
  exchange.connection = nullptr;
  if (exchange.id == 0) return rest();
  codec_.reset(exchange.id, kCancel);
  flush_soon();
  forget(exchange.id);
}

void Client::Connection::cut(Exchange& exchange, Status status) {
  codec_.reset(exchange.id, kCancel);
  exchange.finish(std::move(status), false);
  forget(exchange.id);
}

void Client::Connection::consume(Exchange& exchange) {
  const std::size_t bytes = exchange.to_consume(connections_.options().most_ahead);
  if (bytes == 0 || exchange.id == 0) return;
  codec_.consumed(exchange.id, bytes);
  flush_soon();
}

void Client::Connection::received(std::string_view data) {
  heard_ = Clock::now();
  pinged_ = false;
  const Result<> taken = codec_.take(data);
  if (!taken) return lost("connection error: desc = " + base::quote(taken.error().detail));
  channel_->consumed(data.size());
  flush();
}

void Client::Connection::answered(StreamId id, H2Fields head, bool finished) {
  quick_pings_ = 0;
  const std::shared_ptr<Exchange> exchange = find(id);
  if (!exchange) return;
  exchange->take_head(std::move(head), finished);
  if (!exchange->finished) return;
  if (!finished) codec_.reset(id, kCancel);
  forget(id);
}

void Client::Connection::received(StreamId id, std::string_view data) {
  quick_pings_ = 0;
  const std::shared_ptr<Exchange> exchange = find(id);
  if (!exchange) return;
  Status why;
  if (!exchange->take(data, connections_.options(), why)) return cut(*exchange, std::move(why));
  consume(*exchange);
}

void Client::Connection::finished(StreamId id, H2Fields trailers) {
  quick_pings_ = 0;
  const std::shared_ptr<Exchange> exchange = find(id);
  if (!exchange) return;
  exchange->take_trailers(trailers);
  forget(id);
}

void Client::Connection::closed(StreamId id, std::uint32_t error, bool unprocessed) {
  const std::shared_ptr<Exchange> exchange = find(id);
  if (!exchange) return;
  exchange->finish(status_of_reset(error), unprocessed);
  forget(id);
}

void Client::Connection::said_goodbye(std::uint32_t, std::string_view) {
  leaving_ = true;
  connections_.retire(*this);
  rest();
}

void Client::Connection::lost(const std::string& why) {
  for (auto& [id, exchange] : std::exchange(calls_, {})) {
    exchange->connection = nullptr;
    exchange->finish({Code::unavailable, why}, false);
  }
  quiet();
  connections_.bury(*this);
}

void Client::Connection::look(Clock::time_point now) {
  const auto& ask = connections_.options().outdated;
  if (!ends_at_) {
    if (!channel_ || !ask || !ask(target_, address_)) return;
    ends_at_ = now + kGrace;
    leaving_ = true;
    connections_.retire(*this);
    return rest();
  }
  if (now < *ends_at_) return;
  end({Code::unavailable, "there is a better way to the server"});
  quiet();
  connections_.bury(*this);
}

void Client::Connection::end(const Status& status) {
  for (auto& exchange : std::exchange(waiting_, {})) {
    exchange->connection = nullptr;
    exchange->finish(status, true);
  }
  for (auto& [id, exchange] : std::exchange(calls_, {})) {
    exchange->connection = nullptr;
    codec_.reset(id, kCancel);
    exchange->finish(status, false);
  }
  if (!channel_) return;
  codec_.say_goodbye();
  flush();
  if (channel_) channel_->finish();
}

void Client::Connection::flush() {
  while (channel_ && channel_->unsent() < kMostUnsent) {
    const std::string out = codec_.output(kOutputPiece);
    if (out.empty()) break;
    channel_->send(out);
  }
  if (channel_ && codec_.is_over()) lost("connection error: desc = \"http2: the peer broke the protocol\"");
}

/// Soon, so that what one turn of the loop says goes together.
void Client::Connection::flush_soon() {
  if (std::exchange(flush_posted_, true)) return;
  connections_.loop().post([this, here = here_] {
    if (!*here) return;
    flush_posted_ = false;
    flush();
  });
}

Clock::duration Client::Connection::ping_after() const {
  if (!judge_) return connections_.options().ping_after;
  return quick_pings_ < kQuickPings ? Clock::duration(connections_.options().judged_ping_after) : kPingPause;
}

/// What is waited for next: a sign of life, or that nobody calls any more.
void Client::Connection::rest() {
  if (!channel_ || !*here_) return;
  if (!calls_.empty()) {
    if (!pinged_) arm(connections_.loop(), heard_ + ping_after());
    return;
  }
  pinged_ = false;
  arm(connections_.loop(), Clock::now() + (leaving_ ? Clock::duration() : connections_.options().idle_time));
}

void Client::Connection::on_timer() {
  const Options& options = connections_.options();
  if (calls_.empty()) {
    end({});
    quiet();
    return connections_.bury(*this);
  }
  const Clock::time_point now = Clock::now();
  if (now < heard_ + ping_after()) return arm(connections_.loop(), heard_ + ping_after());
  if (pinged_) {
    if (judge_) judge_(false);
    return lost("keepalive ping failed to receive ACK within timeout");
  }
  pinged_ = true;
  ++quick_pings_;
  codec_.ping();
  arm(connections_.loop(), now + (judge_ ? Clock::duration(options.judged_ping_timeout) : options.ping_timeout));
  flush();
}

// ---- all of them ----

Client::Client(base::net::Loops& loops, Options options)
    : options_(std::move(options)), metrics_(std::make_unique<Metrics>(options_.type)) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    connections_.push_back(std::make_shared<Connections>(options_, *metrics_, loops[i]));
  }
}

Client::~Client() {
  stop();
}

void Client::stop() {
  if (stopped_.exchange(true)) return;
  for (const std::shared_ptr<Connections>& connections : connections_) {
    connections->loop().run([&connections] { connections->stop(); });
  }
}

std::unique_ptr<Client::Call> Client::call(Loop& loop, const rpc::Target& target, std::string path, Frames request,
                                           User& user, H2Fields metadata, bool open) {
  const std::size_t at = std::hash<std::string>()(key_of(target)) % connections_.size();
  const std::shared_ptr<Connections>& connections = connections_[at];
  auto exchange = std::make_shared<Exchange>(loop, std::move(path), std::move(request), user, std::move(metadata));
  exchange->open = open;
  connections->loop().post([connections, target, exchange] { connections->start(target, exchange); });
  return std::make_unique<Handle>(connections, std::move(exchange));
}

}  // namespace proconsul::agent::grpc
